"""The status lane: a protocol in front of aiohttp that answers the commonest status reads from ready bytes.

It answers one thing only: a complete, plain ``GET`` of a status address, alone in what was received, with headers
that are
all known to change nothing. Everything else it hands, untouched, to aiohttp, and the connection with it for good.
What it answers is what aiohttp's own handler would have answered (a test compares the two); it only gets there
without a task, a request object or a router.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple, Protocol, cast

from kit.requestids import RequestIds
from kit.snapshot import Snapshot
from metrics import catalogue

LONGEST_REQUEST = 4096
MOST_HEADS = 4096
MOST_BUFFERED = 64 * 1024
IDLE_SECONDS = 75.0
SWEEP_SECONDS = 5.0
LAST_WORDS = 0.4
"""Seconds that whoever has just connected, or begun to send, still has when the worker is told to stop."""

# The address has no query, no escape and nothing else that aiohttp would have to decode.
_REQUEST_LINE = re.compile(rb"GET (/api/v1/[a-z]+/)([A-Za-z0-9._-]{4,80}) HTTP/1\.1\r\n")
# One header a line, no folding, no blank before the colon, printable ASCII only: what is odd is aiohttp's to judge.
_HEADER = re.compile(rb"([A-Za-z0-9-]{1,40}):[ ]?([\x21-\x7e](?:[\x20-\x7e]{0,2000}[\x21-\x7e])?)?\r\n")
# Headers that the handlers of status reads don't look at. Not here, so aiohttp's: conditions, bodies, ranges, Expect,
# Upgrade, X-Request-Id, anything unheard of.
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_WITHOUT_EFFECT = frozenset(
    b"user-agent accept accept-language accept-encoding accept-charset cache-control pragma referer origin cookie "
    b"dnt sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-site sec-fetch-mode sec-fetch-dest sec-fetch-user "
    b"sec-gpc priority x-forwarded-for x-forwarded-proto x-forwarded-host x-real-ip forwarded via save-data".split()
)


class Answer(NamedTuple):
    """A 200: ``head`` is the status line and the headers that do not vary, ``body`` the ready JSON."""

    head: bytes
    body: bytes


class Source(Protocol):
    """Where the answers of one status address come from."""

    template: str
    """The route's template, for metrics."""

    def now(self, name: str) -> Answer | None:
        """The answer from memory; None if memory cannot give it."""

    def later(self, name: str, call: Callable[[Answer | None], None]) -> bool:
        """Have ``call`` called once with the answer from Redis or PostgreSQL, with None if aiohttp has to answer.

        False: this name is aiohttp's from the start, and nothing will be called.
        """


def answer_of(snapshot: Snapshot, body: bytes, cache_control: str) -> Answer:
    """The answer with a snapshot's validator, its headers as the aiohttp handlers set them."""
    head = (
        f"HTTP/1.1 200 OK\r\nEtag: {snapshot.etag}\r\nCache-Control: {cache_control}\r\n"
        f"Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nServer: {SERVER}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return Answer(head.encode(), body)


SERVER = "motcua"


class Lane:
    """Recognises and answers; ``sources`` by the address they stand under (``/api/v1/dossiers/``)."""

    def __init__(self, sources: Mapping[str, Source], ids: RequestIds) -> None:
        self._sources = {prefix.encode(): (source, _Meter(source.template)) for prefix, source in sources.items()}
        self._ids = ids
        self._plain_heads: dict[bytes, bool] = {}
        self._date = (0, b"")
        self.open: set[LaneProtocol] = set()
        self.closing = False

    def recognise(self, data: bytes) -> tuple[Source, _Meter, str] | None:
        """The source and the name that ``data`` asks for; None unless it is exactly one request of the lane."""
        line = _REQUEST_LINE.match(data)
        if line is None or len(data) > LONGEST_REQUEST:
            return None
        known = self._sources.get(line[1])
        if known is None:
            return None
        headers = data[line.end() :]
        plain = self._plain_heads.get(headers)
        if plain is None:
            if len(self._plain_heads) >= MOST_HEADS:
                self._plain_heads.clear()
            # A client sends the same headers each time: judged once, remembered.
            plain = self._plain_heads[headers] = _changes_nothing(headers)
        return (*known, line[2].decode()) if plain else None

    def render(self, answer: Answer) -> bytes:
        """The bytes to send, with the headers that do vary."""
        second = int(time.time())
        if self._date[0] != second:
            self._date = (second, _http_date(second))
        return b"".join(
            (answer.head, b"X-Request-Id: ", self._ids.next().encode(), b"\r\nDate: ", self._date[1], answer.body)
        )

    @contextlib.asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Close connections on which nothing has come for long, for as long as the context lasts."""
        task = asyncio.create_task(self._keep_sweeping())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._close_unheard_since(time.monotonic() - IDLE_SECONDS)

    def _close_unheard_since(self, moment: float) -> None:
        for protocol in [each for each in self.open if each.last_heard < moment]:
            protocol.close()

    def busy(self) -> bool:
        """Whether an answer is on its way to anybody."""
        return any(protocol.busy for protocol in self.open)

    def close(self) -> None:
        """End every connection on which nothing has come lately; the others end with their answer.

        Called again ``LAST_WORDS`` later it ends those too that never asked.
        """
        self.closing = True
        self._close_unheard_since(time.monotonic() - LAST_WORDS)


class LaneProtocol(asyncio.Protocol):
    """One connection, until it is handed to aiohttp."""

    __slots__ = ("_buffer", "_lane", "_request", "_slow_reader", "_started", "_transport", "_web", "last_heard")

    def __init__(self, lane: Lane, web_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._lane = lane
        self._web = web_protocol
        self._transport: asyncio.Transport | None = None
        self._request = b""  # what is being answered; empty while nothing is
        self._buffer = b""  # what came meanwhile
        self._slow_reader = False
        self._started = 0.0
        self.last_heard = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._lane.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went away; an answer on its way is dropped."""
        self._lane.open.discard(self)
        self._transport = None

    def pause_writing(self) -> None:
        """The client reads slowly: hear nothing more from it until it has read."""
        self._slow_reader = True
        self._listen()

    def resume_writing(self) -> None:
        """It has."""
        self._slow_reader = False
        self._listen()

    def _listen(self) -> None:
        if self._transport is None:
            return
        listening = self._transport.is_reading()
        wanted = not self._slow_reader and len(self._buffer) < MOST_BUFFERED
        if listening and not wanted:
            self._transport.pause_reading()
        elif wanted and not listening:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Answer, ask, or hand over."""
        if self._request:
            self._buffer += data
            self._listen()
            return
        self._started = self.last_heard = time.monotonic()
        recognised = self._lane.recognise(data)
        if recognised is None:
            self._hand_over(data)
            return
        source, meter, name = recognised
        answer = source.now(name)
        if answer is not None:
            self._send(answer, meter)
            return
        self._request = data
        if not source.later(name, lambda found: self._found(found, meter)):
            self._request = b""
            self._hand_over(data)

    def _found(self, answer: Answer | None, meter: _Meter) -> None:
        request, self._request = self._request, b""
        if self._transport is None:
            return
        buffered, self._buffer = self._buffer, b""
        self._listen()
        if answer is None:
            self._hand_over(request + buffered)
            return
        self._send(answer, meter, last=not buffered)
        if buffered:
            self.data_received(buffered)

    def _send(self, answer: Answer, meter: _Meter, *, last: bool = True) -> None:
        if self._transport is None:
            return
        self._transport.write(self._lane.render(answer))
        meter.count(time.monotonic() - self._started)
        if self._lane.closing and last:
            self._transport.close()

    def _hand_over(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        self._lane.open.discard(self)
        self._transport = None
        handler = self._web()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        if self._slow_reader:
            handler.pause_writing()
            transport.resume_reading()
        handler.data_received(data)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._request)

    def close(self) -> None:
        """End the connection unless an answer is on its way."""
        if self._transport is not None and not self._request:
            self._transport.close()


class _Meter:
    """The request metrics of one address, bound once; the same that the edge keeps."""

    def __init__(self, template: str) -> None:
        self._answers = catalogue.requests.labels(template, "GET", "200")
        self._seconds = catalogue.request_seconds.labels(template, "GET")

    def count(self, seconds: float) -> None:
        self._answers.inc()
        self._seconds.observe(seconds)


def _changes_nothing(headers: bytes) -> bool:
    """Whether ``headers`` is a complete, regular block of headers without effect, and nothing follows it.

    Regular: exactly one plain Host, as HTTP/1.1 wants it, and no header twice.
    """
    position, seen = 0, set[bytes]()
    while (header := _HEADER.match(headers, position)) is not None:
        name, value = header[1].lower(), header[2] or b""
        if name == b"connection":
            regular = value.lower() == b"keep-alive"
        elif name == b"host":
            regular = _HOST.fullmatch(value) is not None
        else:
            regular = name in _WITHOUT_EFFECT
        if not regular or name in seen:
            return False
        seen.add(name)
        position = header.end()
    return b"host" in seen and headers[position:] == b"\r\n"


def _http_date(second: int) -> bytes:
    text = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
    return text.encode() + b"\r\n\r\n"
