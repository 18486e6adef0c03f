"""What was really committed, kept beside the service, and what an answer must therefore look like."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg

from kit.database import Connection
from tests.faults.load import Sample
from tests.faults.running import OFFICE, RunningService
from tests.faults.wire import Broken, Refused, Wire
from tracking.exchange.imports import Outcome, merge
from tracking.exchange.state import DossierRow

STATUSES = (4, 5, 6)
"""A dossier of the ledger has the status that belongs to its version, so that any mixture of two shows."""
BOUND = 1.0
"""Seconds after a commit by which everybody must be shown it."""


@dataclass
class Dossiers:
    """Some dossiers that a test changes, and when each version was committed (began, ended; monotonic seconds)."""

    codes: list[str]
    commits: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    async def make(cls, connection: Connection, count: int, first: int = 1) -> Dossiers:
        """Import ``count`` new dossiers."""
        dossiers = cls([f"H26.18-261101-{number:04d}" for number in range(first, first + count)])
        await dossiers.change(connection, dossiers.codes)
        return dossiers

    async def change(self, connection: Connection, codes: Sequence[str]) -> None:
        """Import the next version of each of ``codes``, as ``motcua import dossiers`` would."""
        rows = [(line, self._row(code, len(self.commits[code]) + 1)) for line, code in enumerate(codes, start=1)]
        outcome = Outcome()
        async with connection.transaction():
            await merge(connection, rows, outcome)
            began = time.monotonic()
        assert outcome.added + outcome.changed == len(codes)
        for code in codes:
            self.commits[code].append((began, time.monotonic()))

    @staticmethod
    def _row(code: str, version: int) -> DossierRow:
        return DossierRow(
            code=code,
            procedure="2.000815",
            receiving_office="tay-ho",
            competent_agency="H26.18",
            channel="counter",
            status=STATUSES[version % 3],
            received_at=datetime(2026, 11, 1, 8, tzinfo=UTC),
        )

    def path(self, code: str) -> str:
        """Where the dossier is read."""
        return f"/api/v1/dossiers/{code}"

    def wrong(self, sample: Sample) -> str | None:
        """What is wrong with a 200 answer: another dossier, a version never committed, another version's status."""
        assert sample.reply is not None
        shown = sample.reply.json
        code, version = sample.path.rpartition("/")[2], shown["version"]
        if shown["code"] != code:
            return f"asked for {code}, got {shown['code']}"
        if not 1 <= version <= len(self.commits[code]) or self.commits[code][version - 1][0] > sample.done:
            return f"{code}: version {version} was not committed when it was shown"
        if shown["status"] != STATUSES[version % 3]:
            return f"{code}: version {version} shown with status {shown['status']}"
        return None

    def staleness(self, sample: Sample) -> float:
        """For how many seconds before the request a newer version than the one shown had been committed."""
        assert sample.reply is not None
        newer = self.commits[sample.path.rpartition("/")[2]][sample.reply.json["version"] :]
        return max(0.0, sample.sent - newer[0][1]) if newer else 0.0


@dataclass
class Tickets:
    """Tickets of the demo office, and when each was called."""

    numbers: dict[str, str] = field(default_factory=dict)
    calls: dict[str, tuple[float, float]] = field(default_factory=dict)
    call_seconds: list[float] = field(default_factory=list)

    async def issue(self, service: RunningService, count: int) -> None:
        """Take ``count`` tickets."""
        async with Wire(service.port) as wire:
            for _ in range(count):
                reply = await wire.ask("POST", f"/api/v1/offices/{OFFICE}/tickets", {"service": "ho-tich"})
                assert reply.status == 201, reply.body
                self.numbers[reply.json["token"]] = reply.json["number"]

    async def call(self, wire: Wire, counter: str, bearer: str, key: str) -> str | None:
        """Call the next ticket, again with the same key until it worked; the answer is its token."""
        asked = time.monotonic()
        while True:
            try:
                reply = await wire.ask("POST", f"/api/v1/counters/{counter}/call-next", key=key, bearer=bearer)
            except (Refused, Broken):
                continue
            if reply.status in (200, 204):
                break
            await asyncio.sleep(0.05)
        self.call_seconds.append(time.monotonic() - asked)
        if reply.status == 204:
            return None
        token: str = reply.json["token"]
        self.calls[token] = (asked, time.monotonic())
        return token

    def path(self, token: str) -> str:
        """Where the ticket is read."""
        return f"/api/v1/tickets/{token}"

    def wrong(self, sample: Sample) -> str | None:
        """What is wrong with a 200 answer: another ticket, or a state it cannot have had."""
        assert sample.reply is not None
        shown = sample.reply.json
        token = sample.path.rpartition("/")[2]
        if (shown["token"], shown["number"]) != (token, self.numbers[token]):
            return f"asked for {self.numbers[token]}, got {shown['number']}"
        asked = self.calls.get(token, (float("inf"), 0.0))[0]
        if shown["state"] != "waiting" and (shown["state"] != "called" or sample.done < asked):
            return f"{shown['number']} shown as {shown['state']} before it was"
        return None

    def staleness(self, sample: Sample) -> float:
        """For how many seconds before the request a ticket shown as waiting had been called."""
        assert sample.reply is not None
        called = self.calls.get(sample.path.rpartition("/")[2])
        return max(0.0, sample.sent - called[1]) if called and sample.reply.json["state"] == "waiting" else 0.0


@dataclass
class Verdict:
    """What a run of reads showed."""

    wrong: list[str]
    backwards: list[str]
    stalest: float

    @classmethod
    def of(cls, samples: Sequence[Sample], dossiers: Dossiers, tickets: Tickets) -> Verdict:
        """Check every 200 answer. Versions are compared within a lane for as long as one worker answers it."""
        wrong, backwards, stalest = [], [], 0.0
        newest: dict[tuple[int, str, str], int] = {}
        for sample in sorted(samples, key=lambda each: each.done):
            if sample.reply is None or sample.reply.status != 200:
                continue
            book = dossiers if "/dossiers/" in sample.path else tickets
            if problem := book.wrong(sample):
                wrong.append(problem)
                continue
            stalest = max(stalest, book.staleness(sample))
            key, version = (sample.lane, sample.reply.worker, sample.path), sample.reply.json["version"]
            if version < newest.get(key, 0):
                backwards.append(f"{sample.path}: {newest[key]}, then {version}")
            newest[key] = version
        return cls(wrong, backwards, stalest)


@dataclass
class Writing:
    """Changes dossiers and calls tickets at a steady pace until it is told to stop."""

    service: RunningService
    dossiers: Dossiers
    tickets: Tickets
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    changing: list[str] = field(default_factory=list)
    """The codes to change now; a test may swap them while it runs."""

    async def run(self) -> None:
        """One dossier every 50 ms, one call every 300 ms."""
        await asyncio.gather(self._change(), self._call())

    async def _change(self) -> None:
        connection = await asyncpg.connect(self.service.database_url)
        try:
            for number in itertools.count():
                if self.stop.is_set():
                    return
                codes = self.changing or self.dossiers.codes
                await self.dossiers.change(connection, [codes[number % len(codes)]])
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    async def _call(self) -> None:
        bearer = await self.service.sign_in()
        async with Wire(self.service.port) as wire:
            opened = await wire.ask("POST", f"/api/v1/counters/{OFFICE}-4/open", bearer=bearer)
            assert opened.status == 200, opened.body
            while not self.stop.is_set():
                await self.tickets.call(wire, f"{OFFICE}-4", bearer, f"call-{random.getrandbits(64):016x}")
                await asyncio.sleep(0.3)


def paths(dossiers: Dossiers, tickets: Tickets) -> Callable[[], str]:
    """Dossiers and tickets in turn, each at random."""
    turns: Iterator[bool] = itertools.cycle((True, False))

    def path() -> str:
        if next(turns):
            return dossiers.path(random.choice(dossiers.codes))
        return tickets.path(random.choice(list(tickets.numbers)))

    return path


async def until_true(check: Callable[[], Awaitable[bool]], seconds: float, what: str) -> float:
    """Ask ``check`` again and again until it says yes; the answer is how many seconds that took."""
    began = time.monotonic()
    while not await check():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began
