"""Redis dies or stands still under 200 reads a second: nobody waits, nobody is shown what is not true."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from tests.faults.ledger import BOUND, Dossiers, Tickets, Verdict, Writing, paths
from tests.faults.load import Sample, in_words, open_loop, percentile, share_within
from tests.faults.running import RunningService
from tests.faults.wire import ask_once

pytestmark = pytest.mark.faults
READS_PER_SECOND = 200


@dataclass
class Traffic:
    """Readers and writers at work; ``samples`` is filled when the context ends."""

    writing: Writing
    samples: list[Sample]

    def verdict(self) -> Verdict:
        """What the reads showed."""
        return Verdict.of(self.samples, self.writing.dossiers, self.writing.tickets)


@contextlib.asynccontextmanager
async def traffic(service: RunningService, first: int) -> AsyncIterator[Traffic]:
    connection = await asyncpg.connect(service.database_url)
    dossiers, tickets = await Dossiers.make(connection, 60, first), Tickets()
    await connection.close()
    await tickets.issue(service, 60)
    writing, done = Writing(service, dossiers, tickets), asyncio.Event()
    running = Traffic(writing, [])
    writer = asyncio.create_task(writing.run())
    reader = asyncio.create_task(open_loop(service.port, paths(dossiers, tickets), rate=READS_PER_SECOND, until=done))
    try:
        await asyncio.sleep(1.5)
        yield running
    finally:
        writing.stop.set()
        done.set()
        _, running.samples = await asyncio.gather(writer, reader)


def report(name: str, running: Traffic, verdict: Verdict) -> None:
    calls = running.writing.tickets.call_seconds
    changes = sum(map(len, running.writing.dossiers.commits.values())) - 60
    print(in_words(name, running.samples))
    print(
        f"  stalest {verdict.stalest * 1000:.0f} ms, {changes} dossier changes, {len(calls)} calls, "
        f"p99 of a call {percentile(calls, 0.99) * 1000:.0f} ms, max {max(calls) * 1000:.0f} ms"
    )


async def test_redis_is_killed(service: RunningService) -> None:
    async with traffic(service, 1) as running:
        old = service.redis_process()
        old.kill()
        killed = time.monotonic()
        await asyncio.sleep(6)
    assert service.redis_process().pid != old.pid
    verdict = running.verdict()
    report("kill -9 of Redis", running, verdict)
    report_of_fault("  from the kill on", [sample for sample in running.samples if sample.due >= killed])
    assert verdict.wrong == []
    assert verdict.backwards == []
    assert verdict.stalest <= BOUND
    assert share_within(running.samples, 0.5) >= 0.995
    assert all(page["motcua_redis_breaker_open"] == 0 for page in service.metrics())


async def test_redis_stands_still_for_ten_seconds(service: RunningService) -> None:
    async with traffic(service, 1001) as running:
        dossiers = running.writing.dossiers
        redis = service.redis_process()
        redis.suspend()
        frozen = time.monotonic()
        try:
            running.writing.changing = dossiers.codes[:30]  # changed during the freeze, and not after it
            await asyncio.sleep(9.5)
            running.writing.changing = dossiers.codes[30:]
            await asyncio.sleep(0.5)
        finally:
            redis.resume()
        thawed = time.monotonic()
        await asyncio.sleep(3)
    verdict = running.verdict()
    report("SIGSTOP of Redis for 10 s", running, verdict)
    during = [sample for sample in running.samples if frozen <= sample.due < thawed]
    after = [sample for sample in running.samples if sample.sent > thawed + 1]
    report_of_fault("  while it stood still", during)
    assert verdict.wrong == []
    assert verdict.backwards == []
    assert verdict.stalest <= BOUND
    assert share_within(running.samples, 0.5) >= 0.995
    assert share_within(during, 0.5) >= 0.995

    behind = [
        sample.path
        for sample in after
        if sample.path.rpartition("/")[2] in dossiers.codes[:30] and dossiers.staleness(sample) > 0
    ]
    assert after and behind == []
    for code in dossiers.codes[:30]:
        reply = await ask_once(service.port, "GET", dossiers.path(code))
        assert reply.json["version"] == len(dossiers.commits[code])
    assert all(page["motcua_redis_breaker_open"] == 0 for page in service.metrics())


def report_of_fault(name: str, samples: list[Sample]) -> None:
    print(in_words(name, samples))
