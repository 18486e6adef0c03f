"""How soon a commit is seen at every worker, and that nobody is shown an older version after a newer one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import asyncpg
import pytest
import redis.asyncio as redis

from tests.faults.ledger import BOUND, Dossiers, Tickets
from tests.faults.load import percentile
from tests.faults.running import OFFICE, RunningService
from tests.faults.wire import Reply, Wire, wire_to_each

pytestmark = pytest.mark.faults
CHANGES = 200
CALLS = 30
Shown = Callable[[Reply], bool]


class Watch:
    """Two keep-alive readers at each worker, asking for one address without pause, and some who hop."""

    def __init__(self, service: RunningService, path: str) -> None:
        self.service, self.path = service, path
        self.versions: dict[str, int] = {}
        """By worker, the newest version it has shown."""
        self.first_shown: dict[tuple[str, int], float] = {}
        """By worker and version, when the worker first showed that version or a newer one."""
        self.backwards: list[str] = []
        self.reads = self.hops = self.hops_back = 0
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Read until ``stop``."""
        wires = [*(await self._two_each()), Wire(self.service.port)]
        try:
            await asyncio.gather(*(self._stay(wire) for wire in wires[:-1]), self._hop(wires[-1]))
        finally:
            for wire in wires:
                await wire.drop()

    async def _two_each(self) -> list[Wire]:
        return [
            wire for _ in range(2) for wire in (await wire_to_each(self.service.port, self.service.workers)).values()
        ]

    async def _stay(self, wire: Wire) -> None:
        newest = 0
        while not self.stop.is_set():
            reply = await wire.ask("GET", self.path)
            version = self._note(reply)
            if version < newest:
                self.backwards.append(f"{reply.worker}: {newest}, then {version}")
            newest = version
            await asyncio.sleep(0.015)
        assert wire.connections == 1

    async def _hop(self, wire: Wire) -> None:
        newest = 0
        while not self.stop.is_set():
            version = self._note(await wire.ask("GET", self.path))
            self.hops += 1
            self.hops_back += version < newest
            newest = version
            await wire.drop()
            await asyncio.sleep(0.005)

    def _note(self, reply: Reply) -> int:
        assert reply.status == 200, reply.body
        self.reads += 1
        version: int = reply.json["version"]
        for passed in range(self.versions.get(reply.worker, 0) + 1, version + 1):
            self.first_shown[reply.worker, passed] = time.monotonic()
        self.versions[reply.worker] = max(version, self.versions.get(reply.worker, 0))
        return version

    def lags(self, commits: list[tuple[float, float]]) -> list[float]:
        """For each version and worker, the seconds from the end of the commit until it was shown."""
        assert len(self.versions) == self.service.workers
        return [
            max(0.0, self.first_shown[worker, version] - committed)
            for worker in self.versions
            for version, (_, committed) in enumerate(commits, start=1)
            if version > 1
        ]


async def test_a_change_is_seen_at_every_worker_within_a_second(service: RunningService) -> None:
    connection = await asyncpg.connect(service.database_url)
    dossiers = await Dossiers.make(connection, 1)
    code = dossiers.codes[0]
    watch = Watch(service, dossiers.path(code))
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(1)
    async with redis.Redis.from_url(service.redis_url) as bus:
        for number in range(CHANGES):
            await dossiers.change(connection, [code])
            if number > CHANGES // 2 and number % 10 == 0:
                await bus.client_kill_filter(_type="pubsub")  # announcements are lost in the second half
            await asyncio.sleep(0.07)
    await asyncio.sleep(BOUND)
    watch.stop.set()
    await watching
    await connection.close()

    lags = watch.lags(dossiers.commits[code])
    print(
        f"{CHANGES} changes, {watch.reads} reads at {len(watch.versions)} workers: seen after p50 "
        f"{percentile(lags, 0.5) * 1000:.0f}, p99 {percentile(lags, 0.99) * 1000:.0f}, max {max(lags) * 1000:.0f} ms; "
        f"a reader who hops saw a version go back {watch.hops_back} times in {watch.hops}; "
        f"answered by {layers(service)}"
    )
    assert len(lags) == CHANGES * service.workers
    assert max(lags) <= BOUND
    assert watch.backwards == []


def layers(service: RunningService) -> dict[str, int]:
    """How many dossier reads each layer has answered so far, over all workers."""
    pages = service.metrics()
    return {
        layer: int(sum(page.get(f'motcua_cache_reads_total{{layer="{layer}",topic="dossier"}}', 0) for page in pages))
        for layer in ("local", "redis", "database", "stale")
    }


async def test_a_call_is_seen_at_every_worker_within_a_second(service: RunningService) -> None:
    tickets = Tickets()
    await tickets.issue(service, CALLS)
    bearer = await service.sign_in()
    wires = await wire_to_each(service.port, service.workers)
    lags: list[float] = []
    try:
        async with Wire(service.port) as clerk:
            await clerk.ask("POST", f"/api/v1/counters/{OFFICE}-1/open", bearer=bearer)
            for number in range(CALLS):
                token = await tickets.call(clerk, f"{OFFICE}-1", bearer, f"staleness-{number}")
                assert token is not None
                called = tickets.calls[token][1]
                lags += await asyncio.gather(*(seen(wire, tickets.path(token), called) for wire in wires.values()))
    finally:
        for wire in wires.values():
            await wire.drop()
    print(
        f"{CALLS} calls at {len(wires)} workers: seen after p50 {percentile(lags, 0.5) * 1000:.0f}, "
        f"p99 {percentile(lags, 0.99) * 1000:.0f}, max {max(lags) * 1000:.0f} ms from the clerk's answer"
    )
    assert max(lags) <= BOUND


async def seen(wire: Wire, path: str, called: float) -> float:
    """Ask one worker until it shows the ticket as called; the answer is the seconds since the clerk knew."""
    while (await wire.ask("GET", path)).json["state"] != "called":
        assert time.monotonic() - called < 5
        await asyncio.sleep(0.01)
    return time.monotonic() - called
