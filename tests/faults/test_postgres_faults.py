"""PostgreSQL dies or stands still: what was acknowledged is there, writes say no in time, cached reads go on."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field

import asyncpg
import pytest

from tests.faults.ledger import Dossiers, Tickets, Verdict, paths, until_true
from tests.faults.load import in_words, open_loop, percentile, share_within
from tests.faults.running import OFFICE, RunningService, freeze, thaw
from tests.faults.wire import Broken, Refused, Reply, Wire

pytestmark = pytest.mark.faults
ISSUE = f"/api/v1/offices/{OFFICE}/tickets"
CLIENTS = 40
READS_PER_SECOND = 50


@dataclass
class Rush:
    """Citizens taking tickets, each repeating a request with its key until it is acknowledged."""

    service: RunningService
    name: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key: token and number."""
    moments: list[float] = field(default_factory=list)
    answers: list[tuple[int, float]] = field(default_factory=list)
    """Status and seconds of every answer; status 0 is none."""

    async def run(self, clients: int, pause: float) -> None:
        """Go on until ``stop``."""
        await asyncio.gather(*(self._client(number, pause) for number in range(clients)))

    async def _client(self, number: int, pause: float) -> None:
        async with Wire(self.service.port) as wire:
            for turn in itertools.count():
                while not self.stop.is_set():
                    reply = await self._try(wire, f"{self.name}-{number}-{turn}")
                    await asyncio.sleep(pause)
                    if reply is not None and reply.status == 201:
                        break
                if self.stop.is_set():
                    return

    async def _try(self, wire: Wire, key: str) -> Reply | None:
        asked = time.monotonic()
        try:
            reply = await wire.ask("POST", ISSUE, {"service": "chung-thuc"}, key=key)
        except (Refused, Broken):
            self.answers.append((0, time.monotonic() - asked))
            return None
        self.answers.append((reply.status, time.monotonic() - asked))
        if reply.status == 201:
            assert key not in self.acknowledged
            self.acknowledged[key] = (reply.json["token"], reply.json["number"])
            self.moments.append(time.monotonic())
        return reply


async def read_tickets(service: RunningService) -> dict[str, tuple[str, int]]:
    """Number and serial by token, of the service that the rush takes."""
    connection = await asyncpg.connect(service.database_url)
    try:
        rows = await connection.fetch("SELECT token, number, serial FROM ticket WHERE service_id = 'chung-thuc'")
    finally:
        await connection.close()
    return {row["token"]: (row["number"], row["serial"]) for row in rows}


async def cached_things(service: RunningService, first: int) -> tuple[Dossiers, Tickets]:
    """Dossiers and tickets that have been read at least once."""
    connection = await asyncpg.connect(service.database_url)
    dossiers, tickets = await Dossiers.make(connection, 30, first), Tickets()
    await connection.close()
    await tickets.issue(service, 20)
    async with Wire(service.port) as wire:
        for path in (*map(dossiers.path, dossiers.codes), *map(tickets.path, tickets.numbers)):
            assert (await wire.ask("GET", path)).status == 200
    return dossiers, tickets


async def test_postgres_is_killed_while_numbers_are_given_out(service: RunningService) -> None:
    dossiers, tickets = await cached_things(service, 1)
    rush, done = Rush(service, "killed"), asyncio.Event()
    reader = asyncio.create_task(open_loop(service.port, paths(dossiers, tickets), rate=READS_PER_SECOND, until=done))
    citizens = asyncio.create_task(rush.run(CLIENTS, 0.05))
    await asyncio.sleep(2)
    postmaster = service.postmaster()
    postmaster.kill()
    killed = time.monotonic()
    await asyncio.sleep(8)
    rush.stop.set()
    done.set()
    _, samples = await asyncio.gather(citizens, reader)

    before = sum(moment <= killed for moment in rush.moments)
    again = min(moment for moment in rush.moments if moment > killed + 0.25)
    print(
        f"kill -9 of PostgreSQL: {before} acknowledged before, {len(rush.moments) - before} after; "
        f"first after {again - killed:.2f} s"
    )
    away = [sample for sample in samples if killed <= sample.due < again]
    print(in_words("  cached reads while it was away", away))
    print(in_words("  cached reads in all", samples))
    assert service.postmaster().pid != postmaster.pid
    assert before > 20 and len(rush.moments) - before > 20
    assert again - killed < 5

    print(f"  answers {Counter(status for status, _ in rush.answers)}")
    stored = await read_tickets(service)
    lost = {key: found for key, found in rush.acknowledged.items() if stored.get(found[0], ("",))[0] != found[1]}
    assert lost == {}
    serials = sorted(serial for _, serial in stored.values())
    assert serials == list(range(1, len(serials) + 1))
    assert len(set(rush.acknowledged.values())) == len(rush.acknowledged)
    verdict = Verdict.of(samples, dossiers, tickets)
    assert (verdict.wrong, verdict.backwards) == ([], [])
    assert {status for status, _ in rush.answers} <= {201, 503}, "\n".join(service.unexpected())
    assert share_within(samples, 2.0) == 1


async def test_postgres_stands_still_for_six_seconds(service: RunningService) -> None:
    dossiers, tickets = await cached_things(service, 1001)
    rush, done = Rush(service, "frozen"), asyncio.Event()
    reader = asyncio.create_task(open_loop(service.port, paths(dossiers, tickets), rate=READS_PER_SECOND, until=done))
    citizens = asyncio.create_task(rush.run(10, 0.2))
    await asyncio.sleep(2)
    answered = len(rush.answers)
    everyone = freeze(service.postmaster())
    frozen = time.monotonic()
    await asyncio.sleep(6)
    refused = rush.answers[answered:]
    thaw(everyone)
    thawed = time.monotonic()
    await asyncio.sleep(3)
    rush.stop.set()
    done.set()
    _, samples = await asyncio.gather(citizens, reader)

    again = min(moment for moment in rush.moments if moment > thawed) - thawed
    slowest = max(seconds for _, seconds in refused)
    slow = [(status, round(seconds, 2)) for status, seconds in refused if seconds > 2.5]
    print(f"SIGSTOP of PostgreSQL: {len(refused)} writes meanwhile, slowest {slowest:.2f} s, works {again:.2f} s after")
    during = [sample for sample in samples if frozen <= sample.due < thawed]
    print(in_words("  cached reads meanwhile", during))
    print(f"  p99 of a write in all {percentile([seconds for _, seconds in rush.answers], 0.99):.2f} s")
    late = [sample for sample in samples if sample.reply is None or sample.reply.status != 200]
    assert sum(status == 503 for status, _ in refused) >= 20
    assert {status for status, _ in refused} <= {201, 503}
    assert again <= 2
    assert all(sample.done <= thawed + 2 for sample in late)
    verdict = Verdict.of(samples, dossiers, tickets)
    assert (verdict.wrong, verdict.backwards) == ([], [])
    await nothing_leaks(service)
    assert share_within(during, 0.5) >= 0.995
    assert slow == []


async def nothing_leaks(service: RunningService) -> None:
    """Every pool comes to rest: nobody waits, nothing is in use, nobody holds a transaction open."""

    async def at_rest() -> bool:
        pages = await asyncio.to_thread(service.metrics)
        return len(pages) == service.workers and all(
            page['motcua_database_connections{state="in_use"}'] == 0 and page["motcua_database_waiting"] == 0
            for page in pages
        )

    await until_true(at_rest, 5, "a connection is still in use")
    connection = await asyncpg.connect(service.database_url)
    try:
        states = await connection.fetch(
            "SELECT state, count(*) AS n FROM pg_stat_activity WHERE application_name = 'motcua' GROUP BY state"
        )
    finally:
        await connection.close()
    held = {row["state"]: row["n"] for row in states}
    print(f"  connections afterwards: {held}")
    assert set(held) <= {"idle", "active"}
    assert sum(held.values()) <= service.workers * 10
