"""Server-sent events: one message per change, resumable, alive when quiet, ended in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from kit import feed
from kit.appkeys import FEED
from metrics import catalogue

if TYPE_CHECKING:
    from tests.integration.conftest import Site, StartSite

OFFICE = "demo-24h"
LIVE = f"/api/v1/offices/{OFFICE}/live"


@dataclass
class Message:
    """One message of a stream; a comment has no event."""

    event: str | None = None
    id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Stream:
    """Reads messages from one open answer."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> bytes:
        """The next block of lines; empty at the end."""
        async with asyncio.timeout(5):
            try:
                return await self.response.content.readuntil(b"\n\n")
            except aiohttp.ClientPayloadError:
                return b""

    async def message(self) -> Message:
        """The next message that is not the retry line."""
        while True:
            lines = (await self.block()).decode().strip().split("\n")
            found = Message()
            for line in lines:
                name, _, value = line.partition(":")
                if name == "event":
                    found.event = value.strip()
                elif name == "id":
                    found.id = int(value)
                elif name == "data":
                    found.data = json.loads(value)
            if lines[0].startswith("retry"):
                continue
            return found


@asynccontextmanager
async def following(site: Site, path: str, **headers: str) -> AsyncIterator[Stream]:
    async with site.client.get(site.base + path, headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        yield Stream(response)


async def test_a_change_is_a_message(site: Site) -> None:
    async with following(site, LIVE) as stream:
        first = await stream.message()
        assert (first.event, first.id) == ("queues", first.data["version"])
        assert first.data["queues"][0]["waiting"] == 0
        await site.ticket()
        second = await stream.message()
        assert second.data["queues"][0]["waiting"] == 1
        assert second.id is not None
        assert first.id is not None
        assert second.id > first.id


async def test_a_change_at_one_worker_is_a_message_at_the_other(start_site: StartSite) -> None:
    here, there = await start_site(), await start_site()
    async with following(there, LIVE) as stream:
        await stream.message()
        await here.ticket()
        async with asyncio.timeout(1):
            while (await stream.message()).data["queues"][0]["waiting"] != 1:
                pass


async def test_a_ticket_hears_only_what_concerns_it(site: Site) -> None:
    first, second = await site.ticket(), await site.ticket()
    async with following(site, f"/api/v1/tickets/{first['token']}/live") as stream:
        told = await stream.message()
        assert (told.event, told.data["number"], told.data["ahead"]) == ("ticket", "A001", 0)
        await site.ticket("chung-thuc")
        await site.ask("DELETE", f"/api/v1/tickets/{second['token']}")
        await site.ask("DELETE", f"/api/v1/tickets/{first['token']}")
        told = await stream.message()
        assert told.data["state"] == "cancelled"


async def test_who_comes_back_is_not_told_again(site: Site) -> None:
    async with following(site, LIVE) as stream:
        known = (await stream.message()).id
    async with following(site, LIVE, **{"Last-Event-ID": str(known)}) as stream:
        await site.ticket()
        assert (await stream.message()).data["queues"][0]["waiting"] == 1


async def test_who_comes_back_to_a_worker_that_is_behind_is_not_led_back(site: Site) -> None:
    async with following(site, LIVE) as stream:
        known = (await stream.message()).id
    assert known is not None
    async with site.database.connection() as connection:
        await connection.execute("SELECT setval('hall_version', $1)", known + 50)
    async with following(site, LIVE, **{"Last-Event-ID": str(known + 20)}) as stream:
        await site.ticket()
        told = await stream.message()
        assert told.id is not None
        assert told.id > known + 20


async def test_a_strange_last_event_id_starts_anew(site: Site) -> None:
    for junk in ("", "nonsense", "-1", "1.5", "9" * 500):
        async with following(site, LIVE, **{"Last-Event-ID": junk}) as stream:
            assert (await stream.message()).event == "queues", junk


async def test_quiet_streams_are_kept_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert feed.HEARTBEAT <= 30
    monkeypatch.setattr(feed, "HEARTBEAT", 0.1)
    async with following(site, f"/api/v1/offices/{OFFICE}/live") as stream:
        await stream.message()
        assert [await stream.block() for _ in range(3)] == [b":\n\n"] * 3


async def test_streams_end_when_the_worker_stops(site: Site) -> None:
    async with following(site, LIVE) as stream:
        await stream.message()
        site.app[FEED].close()
        assert await stream.block() == b""


def answered(route: str, status: int) -> float:
    return (
        catalogue.registry.get_sample_value(
            "motcua_http_requests_total", {"route": route, "method": "GET", "status": str(status)}
        )
        or 0.0
    )


def watchers() -> float:
    return catalogue.registry.get_sample_value("motcua_live_watchers") or 0.0


async def test_a_phone_that_goes_away_is_no_error(site: Site) -> None:
    route = "/api/v1/offices/{office_id}/live"
    before = answered(route, 500)
    for _ in range(3):
        async with following(site, LIVE) as stream:
            await stream.message()
    async with asyncio.timeout(10):
        while watchers():
            await site.ticket()
            await asyncio.sleep(0.1)
    assert answered(route, 500) == before


async def test_a_full_worker_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_WATCHERS", 1)
    async with following(site, LIVE) as stream:
        await stream.message()
        status, headers, problem = await site.ask("GET", LIVE)
        assert (status, problem["type"]) == (503, "/problems/feed-full")
        assert int(headers["Retry-After"]) > 0


async def test_unknown_things_cannot_be_followed(site: Site) -> None:
    assert (await site.ask("GET", "/api/v1/offices/nowhere/live"))[0] == 404
    assert (await site.ask("GET", f"/api/v1/tickets/dmo.1xx.{'A' * 22}/live"))[0] == 404
