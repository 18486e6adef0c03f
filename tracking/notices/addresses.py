"""Where webhooks may go: to public addresses only, unless the operator says otherwise."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

LONGEST_URL = 500


class ForbiddenAddress(OSError):
    """The name leads to this machine or into a private network only."""


def is_public(address: str) -> bool:
    """Whether an IP address is somebody else's on the internet: not loopback, link-local, private or multicast."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def check_url(url: str, private: bool) -> None:
    """ValueError saying why ``url`` cannot be a webhook's. ``private`` lets addresses of the inner network through."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"expected an address of at most {LONGEST_URL} plain characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("no address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("expected http://… or https://…")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("an address with a user, a password or a fragment is not taken")
    if not private and (host == "localhost" or (_is_ip(host) and not is_public(host))):
        raise ValueError("addresses of this machine or of a private network are not taken")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only, at the moment of the connection: a name cannot change its mind."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of ``host``. Raises ForbiddenAddress if it has none."""
        found = [one for one in await self._resolver.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise ForbiddenAddress("no public address")
        return found

    async def close(self) -> None:
        """Nothing to close."""
