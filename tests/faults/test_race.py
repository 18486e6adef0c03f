"""Many at once: every number is given once, every ticket is called once and in its turn, a repeat is one ticket."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from tests.faults import race
from tests.faults.running import RunningService
from tests.faults.wire import Wire, ask_once

pytestmark = pytest.mark.faults
TICKETS = 1000


async def prepare(service: RunningService, folder: Path) -> None:
    service.command("import", "offices", str(race.write_office(folder)))
    await race.add_clerks(service)


async def test_eight_clerks_call_a_thousand_tickets(service: RunningService, roomy_folder: Path) -> None:
    await prepare(service, roomy_folder)
    began = time.monotonic()
    numbers = await race.issue(service, TICKETS)
    issued = time.monotonic()
    calls = await race.call_everyone(service)
    ended = time.monotonic()
    tickets = await race.read_called(service)

    expected = [
        f"{prefix}{n:03d}" for prefix, size in zip("ABC", (334, 333, 333), strict=True) for n in range(1, size + 1)
    ]
    assert sorted(numbers) == expected
    assert sorted(ticket.number for ticket in tickets) == expected
    assert len(calls) == TICKETS
    assert race.what_is_wrong(calls, tickets) == []
    by_counter = Counter(call.counter for call in calls)
    print(f"issued {TICKETS / (issued - began):.0f}/s, called {TICKETS / (ended - issued):.0f}/s, {dict(by_counter)}")
    assert len(by_counter) == 8


async def test_the_checker_catches_look_then_take() -> None:
    with tempfile.TemporaryDirectory(prefix="motcua-") as name:
        Path(name).chmod(0o755)
        naive = RunningService(Path(name), command=[sys.executable, "-m", "tests.faults.naive"])
        naive.start()
        try:
            await prepare(naive, Path(name))
            await race.issue(naive, 120)
            calls = await race.call_everyone(naive)
            wrong = race.what_is_wrong(calls, await race.read_called(naive))
        finally:
            naive.stop()
    twice = [line for line in wrong if "called twice" in line]
    print(f"{len(twice)} of 120 called twice, {len(calls)} answers")
    assert twice


async def test_a_hundred_equal_posts_are_one_ticket(service: RunningService) -> None:
    path, body = "/api/v1/offices/demo-24h/tickets", {"service": "ho-tich"}
    tickets, keys = await count(service)
    start = asyncio.Event()

    async def post(wire: Wire) -> tuple[int, str, bytes]:
        await wire.ask("GET", "/api/v1/offices")
        await start.wait()
        reply = await wire.ask("POST", path, body, key="hundred-equal-posts")
        return reply.status, reply.worker, reply.body

    wires = [Wire(service.port) for _ in range(100)]
    posts = [asyncio.create_task(post(wire)) for wire in wires]
    await asyncio.sleep(0.5)
    start.set()
    answers = await asyncio.gather(*posts)
    for wire in wires:
        await wire.drop()

    assert {status for status, _, _ in answers} == {201}
    assert len({worker for _, worker, _ in answers}) == 4
    assert len({text for _, _, text in answers}) == 1
    assert await count(service) == (tickets + 1, keys + 1)

    other = await ask_once(service.port, "POST", path, {"service": "chung-thuc"}, key="hundred-equal-posts")
    assert (other.status, other.json["type"].rpartition("/")[2]) == (422, "key-reused")
    again = await ask_once(service.port, "POST", path, body, key="hundred-equal-posts")
    assert (again.status, again.body) == (201, answers[0][2])
    assert await count(service) == (tickets + 1, keys + 1)


async def count(service: RunningService) -> tuple[int, int]:
    connection = await asyncpg.connect(service.database_url)
    try:
        tickets = await connection.fetchval("SELECT count(*) FROM ticket")
        return tickets, await connection.fetchval("SELECT count(*) FROM idempotency_key")
    finally:
        await connection.close()
