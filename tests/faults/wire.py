"""One HTTP connection, held in the hand: a test knows which worker answers it, and what broke when."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any

PATIENCE = 10.0
"""Seconds until an answer is given up."""


class Refused(Exception):
    """Nobody listens."""


class Broken(Exception):
    """The connection ended, or PATIENCE did, before the whole answer was there."""


@dataclass(frozen=True)
class Reply:
    """An answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)

    @property
    def worker(self) -> str:
        """What tells the workers apart: each begins its request ids with a random prefix of its own."""
        return self.headers["x-request-id"].partition("-")[0]


class Wire:
    """A keep-alive connection to a port of this machine. Use it in an ``async with``; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.connections = 0

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drop()

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, bearer: str | None = None
    ) -> Reply:
        """Send one request and read its answer; connects first if there is no connection. Raises Refused, Broken."""
        headers = [f"{method} {path} HTTP/1.1", "Host: test"]
        if key is not None:
            headers.append(f"Idempotency-Key: {key}")
        if bearer is not None:
            headers.append(f"Authorization: Bearer {bearer}")
        data = b"" if body is None else json.dumps(body).encode()
        if method != "GET":
            headers += [f"Content-Length: {len(data)}", "Content-Type: application/json"]
        return await self.send("\r\n".join([*headers, "", ""]).encode() + data)

    async def send(self, *parts: bytes, pause: float = 0.0) -> Reply:
        """Send raw bytes, ``pause`` seconds between the parts, and read the answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await self._connected()
                for number, part in enumerate(parts):
                    if number:
                        await asyncio.sleep(pause)
                    writer.write(part)
                    await writer.drain()
                reply = await _read(reader)
        except (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError) as error:
            await self.drop()
            raise Broken(type(error).__name__) from error
        except BaseException:
            await self.drop()
            raise
        if reply.headers.get("connection") == "close":
            await self.drop()
        return reply

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            await self.drop()  # closed by the other side while nobody asked: as every client, look before sending
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
            except ConnectionRefusedError as error:
                raise Refused from error
            self.connections += 1
        return self._streams

    async def drop(self) -> None:
        """Close the connection; the next request makes a new one."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Reply:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()[:-1]
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(int(first.split()[1]), headers, body)


async def ask_once(port: int, method: str, path: str, body: object = None, **more: str | None) -> Reply:
    """One request on a connection of its own."""
    async with Wire(port) as wire:
        return await wire.ask(method, path, body, **more)


async def wire_to_each(port: int, workers: int) -> dict[str, Wire]:
    """One connection to every worker, by the worker's prefix; the kernel spreads connections, so it takes some
    tries.
    """
    wires: dict[str, Wire] = {}
    for _ in range(100 * workers):
        wire = Wire(port)
        reply = await wire.ask("GET", "/api/v1/offices")
        if reply.worker in wires:
            await wire.drop()
        else:
            wires[reply.worker] = wire
        if len(wires) == workers:
            return wires
    raise AssertionError(f"only {len(wires)} of {workers} workers answered")
