"""The status lane says what aiohttp's own handler says, byte for byte, or nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.lane import IDLE_SECONDS, SWEEP_SECONDS, Lane
from service.app import LANE
from tests.integration.conftest import HIDDEN, MISSING, SHOWN, Site, workers

# The lane does not know this header, so a request with it is aiohttp's.
DETOUR = b"X-Detour: 1\r\n"
HEAD = b"Host: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n"
VARYING = {b"date", b"x-request-id"}


def request(path: str, headers: bytes = HEAD, method: str = "GET", version: str = "1.1") -> bytes:
    return f"{method} {path} HTTP/{version}\r\n".encode() + headers + b"\r\n"


def detoured(raw: bytes) -> bytes:
    line, _, rest = raw.partition(b"\r\n")
    return line + b"\r\n" + DETOUR + rest


async def exchange(port: int, *pieces: bytes, answers: int = 1) -> list[tuple[bytes, dict[bytes, bytes], bytes]]:
    """Send the pieces on one connection, each in a packet of its own, and read that many answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(5):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            return [await read_answer(reader) for _ in range(answers)]
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes], bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head[:-4].split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    return status, headers, await reader.readexactly(int(headers.get(b"content-length", b"0")))


def alike(answer: tuple[bytes, dict[bytes, bytes], bytes]) -> tuple[bytes, dict[bytes, bytes], bytes]:
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name not in VARYING}, body


async def answered_by_lane(site: Site, raw: bytes) -> bool:
    """Whether the connection is still the lane's after the request."""
    lane = site.app[LANE]
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        async with asyncio.timeout(5):
            while not lane.open:  # the server's side of the connection is made a moment later
                await asyncio.sleep(0.001)
            writer.write(raw)
            await read_answer(reader)
        return bool(lane.open)
    finally:
        writer.close()
        await until_closed(lane)


async def until_closed(lane: Lane) -> None:
    async with asyncio.timeout(5):
        while lane.open:
            await asyncio.sleep(0.001)


@pytest.fixture
async def ticket_path(site: Site) -> AsyncIterator[str]:
    yield f"/api/v1/tickets/{(await site.ticket())['token']}"


async def test_it_answers_dossiers_and_tickets_as_aiohttp_does(site: Site, ticket_path: str) -> None:
    for path in (f"/api/v1/dossiers/{SHOWN}", ticket_path):
        raw = request(path)
        assert await answered_by_lane(site, raw)
        [by_lane] = await exchange(site.port, raw)
        [by_aiohttp] = await exchange(site.port, detoured(raw))
        assert by_lane[0] == b"HTTP/1.1 200 OK"
        assert alike(by_lane) == alike(by_aiohttp)
        assert by_lane[1].keys() >= VARYING
        assert by_lane[1].keys() == by_aiohttp[1].keys()


@pytest.mark.parametrize(
    "raw",
    [
        request(f"/api/v1/dossiers/{HIDDEN}"),
        request(f"/api/v1/dossiers/{MISSING}"),
        request(f"/api/v1/dossiers/{SHOWN.lower()}"),
        request(f"/api/v1/dossiers/{SHOWN}?lang=en"),
        request(f"/api/v1/dossiers/{SHOWN}/"),
        request("/api/v1/tickets/dmo.1xx.AAAAAAAAAAAAAAAAAAAAAA"),
        request("/api/v1/offices"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"If-None-Match: *\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"X-Request-Id: abcdefgh\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"Connection: close\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"Content-Length: 0\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"Accept : */*\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD.replace(b"\r\n", b"\n")),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"Cookie: \x01\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", HEAD + b"Cookie: a\r\n b\r\n"),
        request(f"/api/v1/dossiers/{SHOWN}", method="HEAD"),
        request(f"/api/v1/dossiers/{SHOWN}", version="1.0"),
        request(f"/api/v1/dossiers/{SHOWN}") * 2,
        request(f"/api/v1/dossiers/{SHOWN}") + b"x",
        request(f"/api/v1/dossiers/{SHOWN}")[:-2],
        request(f"http://localhost/api/v1/dossiers/{SHOWN}"),
    ],
)
async def test_it_leaves_everything_else_alone(site: Site, raw: bytes) -> None:
    recognised = site.app[LANE].recognise(raw)
    if recognised is not None:  # a name that only the cache can refuse: then aiohttp says what it always says
        [through_lane] = await exchange(site.port, raw)
        [by_aiohttp] = await exchange(site.port, detoured(raw))
        assert alike(through_lane) == alike(by_aiohttp)
        assert not await answered_by_lane(site, raw)


NAMES = st.sampled_from([SHOWN, HIDDEN, MISSING, SHOWN.lower(), f"*{SHOWN}*", "x", "..", "%48" + SHOWN[1:]])
HEADERS = st.lists(
    st.one_of(
        st.sampled_from(
            b"Host: [::1]:80|Host: a b|Accept: */*|accept-encoding:gzip|Connection: Keep-Alive|"
            b"Connection: close|Cookie: a=b; c=d|If-None-Match: *|Range: bytes=0-3|Expect: 100-continue|"
            b"X-Forwarded-For: ::1|Transfer-Encoding: chunked|Content-Length: 0|Content-Length: 5|Upgrade: websocket|"
            b"DNT:|Authorization: Bearer x|Sec-Fetch-Site: cross-site|Origin: https://elsewhere.example|Host: b".split(
                b"|"
            )
        ),
        st.builds(
            lambda name, value: name.encode() + b": " + value,
            st.from_regex(r"[A-Za-z-]{1,12}", fullmatch=True),
            st.binary(max_size=12).filter(lambda value: b"\n" not in value and b"\r" not in value),
        ),
    ),
    max_size=6,
)
HOST = st.sampled_from([[b"Host: localhost"]] * 4 + [[]])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"])


@st.composite
def raw_requests(draw: st.DrawFn) -> bytes:
    """Requests near to those that the lane answers."""
    method = draw(st.sampled_from(["GET", "GET", "GET", "get", "HEAD", "POST"]))
    prefix = draw(
        st.sampled_from(["/api/v1/dossiers/", "/api/v1/tickets/", "/api/v1/dossiers//", "//api/v1/dossiers/"])
    )
    version = draw(st.sampled_from(["1.1", "1.1", "1.1", "1.0", "2.0"]))
    space = draw(st.sampled_from([" ", " ", "  ", "\t"]))
    end = draw(ENDS)
    lines = [f"{method}{space}{prefix}{draw(NAMES)} HTTP/{version}".encode(), *draw(HOST), *draw(HEADERS)]
    return end.join(lines) + end + draw(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"", b"\r\nGET / HTTP/1.1\r\n\r\n"]))


@pytest.fixture
def lane_site(demo_database_url: str, redis_url: str, tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Site]]:
    """A worker on a loop of its own: Hypothesis calls a plain function many times."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def start() -> Site:
            return await (await stack.enter_async_context(workers(demo_database_url, redis_url, tmp_path)))()

        yield runner, runner.run(start())
        runner.run(stack.aclose())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=raw_requests())
def test_whatever_it_recognises_aiohttp_answers_alike(lane_site: tuple[asyncio.Runner, Site], raw: bytes) -> None:
    runner, site = lane_site
    recognised = site.app[LANE].recognise(raw)
    if recognised is None:
        return
    assert raw.startswith(b"GET /api/v1/") and raw.endswith(b"\r\n\r\n")
    assert not re.search(rb"(?i)\n(content-length|transfer-encoding|expect|upgrade|range|if-|authorization)", raw)

    async def compare() -> None:
        [through_lane] = await exchange(site.port, raw)
        [by_aiohttp] = await exchange(site.port, detoured(raw))
        assert alike(through_lane) == alike(by_aiohttp)

    runner.run(compare())


async def test_a_split_request_is_answered_whole(site: Site) -> None:
    raw = request(f"/api/v1/dossiers/{SHOWN}")
    for cut in (1, 4, 40, len(raw) - 1):
        [answer] = await exchange(site.port, raw[:cut], raw[cut:])
        assert answer[0] == b"HTTP/1.1 200 OK"


async def test_pipelined_requests_are_answered_in_order(site: Site, ticket_path: str) -> None:
    first, second = request(f"/api/v1/dossiers/{SHOWN}"), request(ticket_path)
    answers = await exchange(site.port, first + second + first, answers=3)
    assert [b"dossiers" if SHOWN.encode() in body else b"ticket" for _, _, body in answers] == [
        b"dossiers",
        b"ticket",
        b"dossiers",
    ]
    # What comes while an answer is on its way waits for it.
    answers = await exchange(site.port, first, second, first, answers=3)
    assert [SHOWN.encode() in body for _, _, body in answers] == [True, False, True]


async def test_one_connection_may_change_from_the_lane_to_aiohttp(site: Site) -> None:
    known = request(f"/api/v1/dossiers/{SHOWN}")
    answers = await exchange(site.port, known, known, request("/"), known, answers=4)
    assert [status for status, _, _ in answers] == [b"HTTP/1.1 200 OK"] * 4
    assert b"<!doctype html>" in answers[2][2]
    assert answers[0][2] == answers[3][2]


async def test_idle_connections_are_closed(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    lane = site.app[LANE]
    async with asyncio.timeout(3 * SWEEP_SECONDS):
        while not lane.open:
            await asyncio.sleep(0.001)
        for connection in lane.open:
            connection.last_heard -= IDLE_SECONDS + 1
        assert await reader.read() == b""  # the next sweep closes it
    writer.close()


async def test_a_client_that_sends_much_and_reads_nothing_is_held_back(site: Site) -> None:
    raw = request(f"/api/v1/dossiers/{SHOWN}")
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.setblocking(False)
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                while sent < 500_000:
                    await loop.sock_sendall(client, raw)
                    await asyncio.sleep(0)
                    sent += 1
        assert sent < 500_000
        [answer] = await exchange(site.port, raw)  # and others don't feel it
        assert answer[0] == b"HTTP/1.1 200 OK"
