"""Addresses that leave the browser: on paper, in QR codes."""

from __future__ import annotations

import re

from aiohttp import web

from kit.appkeys import PUBLIC_URL
from kit.problems import BadRequest

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


def base_url(request: web.Request) -> str:
    """What printed addresses begin with: the configured public address, else the one the browser used.

    Raises BadRequest for a Host that cannot be one: it would end in a QR code.
    """
    if not (public_url := request.app[PUBLIC_URL]) and not _HOST.fullmatch(request.host):
        raise BadRequest("the Host header is malformed")
    return public_url or f"{request.scheme}://{request.host}"
