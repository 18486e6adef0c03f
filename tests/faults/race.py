"""Eight clerks call everyone in a line at once, and the one checker that says what went wrong."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from kit.sessions import Passwords, Role, put_staff
from tests.faults.running import OFFICE, RunningService
from tests.faults.wire import Wire
from tickets.policy import CallPolicy

SERVICES = ("ho-tich", "chung-thuc", "dat-dai")
SKILLS = (*SERVICES, *SERVICES, SERVICES[0], SERVICES[1])
"""What the eight counters take, beside the last two of which every counter takes the first service too."""
PASSWORD = "eight-clerks-call"
CLOCK_SLACK = 0.02
"""Seconds: PostgreSQL and the test read the same clock, at slightly different moments."""


@dataclass(frozen=True)
class Call:
    """One answered call: who got which ticket, asked and answered when (seconds since 1970)."""

    counter: str
    token: str
    number: str
    asked: float
    answered: float


@dataclass(frozen=True)
class Called:
    """What PostgreSQL knows of a ticket in the end."""

    token: str
    service: str
    rank: int
    serial: int
    number: str
    called_at: float | None
    call_events: int


def write_office(folder: Path) -> Path:
    """The file that gives the demo office, which is always open, eight more counters."""
    days = "\n".join(f'{day} = ["00:00-24:00"]' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    services = "\n".join(
        f'[[office.service]]\nid = "{name}"\nname = "{name}"\nname_en = "{name}"\n'
        f'prefix = "{prefix}"\nexpected_minutes = 5\n'
        for name, prefix in zip(SERVICES, "ABC", strict=True)
    )
    counters = "\n".join(
        f'[[office.counter]]\nid = "race-{number}"\nname = "Quầy {number}"\n'
        f"services = {sorted({skill, SERVICES[number % 3]})}\n".replace("'", '"')
        for number, skill in enumerate(SKILLS, start=1)
    )
    path = folder / "race.toml"
    path.write_text(
        f'schema = 1\n[[office]]\nid = "{OFFICE}"\nshort_key = "dmo"\nname = "Race"\nname_en = "Race"\n'
        f'kind = "point"\nagencies = ["H26.99"]\nvalid_from = 2025-07-01\n[office.calendar]\n'
        f'working_weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\nobserves_public_holidays = false\n'
        f"[office.calendar.hours]\n{days}\n{services}\n{counters}\n"
    )
    return path


async def add_clerks(service: RunningService) -> None:
    """Eight members of staff, one for each counter."""
    hashed = Passwords().hash(PASSWORD)
    connection = await asyncpg.connect(service.database_url)
    try:
        for number in range(1, 9):
            await put_staff(connection, name=f"race-{number}", role=Role.CLERK, office=OFFICE, password_hash=hashed)
    finally:
        await connection.close()


async def issue(service: RunningService, wanted: int, clients: int = 32) -> list[str]:
    """Have ``clients`` citizens at a time take ``wanted`` tickets, every tenth with priority; the numbers given."""
    numbers: list[str] = []
    orders = iter(range(wanted))

    async def client() -> None:
        async with Wire(service.port) as wire:
            for order in orders:
                body = {"service": SERVICES[order % 3], "priority": "elderly" if order % 10 == 0 else "normal"}
                reply = await wire.ask("POST", f"/api/v1/offices/{OFFICE}/tickets", body)
                assert reply.status == 201, reply.body
                numbers.append(reply.json["number"])

    await asyncio.gather(*(client() for _ in range(clients)))
    return numbers


async def call_everyone(service: RunningService) -> list[Call]:
    """Eight clerks call until nobody waits; every answer with its moments."""
    calls: list[Call] = []

    async def clerk(counter: str) -> None:
        bearer = await service.sign_in(counter, PASSWORD)
        async with Wire(service.port) as wire:
            opened = await wire.ask("POST", f"/api/v1/counters/{counter}/open", bearer=bearer)
            assert opened.status == 200, opened.body
            await ready.wait()
            nobody = 0
            while nobody < 3:
                asked = time.time()
                reply = await wire.ask("POST", f"/api/v1/counters/{counter}/call-next", bearer=bearer)
                if reply.status == 204:
                    nobody += 1
                    await asyncio.sleep(0.05)
                    continue
                assert reply.status == 200, reply.body
                nobody = 0
                calls.append(Call(counter, reply.json["token"], reply.json["number"], asked, time.time()))

    ready = asyncio.Barrier(8)
    await asyncio.gather(*(clerk(f"race-{number}") for number in range(1, 9)))
    return calls


async def read_called(service: RunningService) -> list[Called]:
    """Every ticket of the office, from PostgreSQL."""
    connection = await asyncpg.connect(service.database_url)
    try:
        rows = await connection.fetch(
            "SELECT token, service_id, rank, serial, number, extract(epoch FROM called_at)::float8 AS called_at,"
            " (SELECT count(*) FROM ticket_event WHERE ticket_event.token = ticket.token AND event = 'call') AS calls"
            " FROM ticket WHERE office_id = $1",
            OFFICE,
        )
    finally:
        await connection.close()
    return [Called(*row.values()) for row in rows]


def what_is_wrong(calls: Sequence[Call], tickets: Sequence[Called]) -> list[str]:
    """Every ticket that was called twice, was lost, or was overtaken; empty = the line was kept."""
    wrong = [*_called_twice(calls, tickets), *_lost(calls, tickets), *_overtaken(calls, tickets)]
    return [*wrong, *_overtaken_too_often(tickets)]


def _called_twice(calls: Sequence[Call], tickets: Sequence[Called]) -> Iterable[str]:
    times = Counter(call.token for call in calls)
    for ticket in tickets:
        if times[ticket.token] > 1 or ticket.call_events > 1:
            yield f"{ticket.number} called twice: {times[ticket.token]} answers, {ticket.call_events} events"


def _lost(calls: Sequence[Call], tickets: Sequence[Called]) -> Iterable[str]:
    answered = {call.token: call for call in calls}
    for ticket in tickets:
        call = answered.get(ticket.token)
        if call is None or ticket.called_at is None or not ticket.call_events:
            yield f"{ticket.number} lost: answered {call is not None}, called at {ticket.called_at}"
        elif not call.asked - CLOCK_SLACK <= ticket.called_at <= call.answered + CLOCK_SLACK:
            yield f"{ticket.number} was called at {ticket.called_at}, outside {call.asked} to {call.answered}"


def _overtaken(calls: Sequence[Call], tickets: Sequence[Called]) -> Iterable[str]:
    # Within a class. Calls that overlap in time may come in either order; who was answered before another was even
    # asked may not.
    first = {call.token: call for call in sorted(calls, key=lambda call: call.asked, reverse=True)}
    lines: dict[tuple[str, int], list[Called]] = defaultdict(list)
    for ticket in tickets:
        if ticket.token in first:
            lines[ticket.service, ticket.rank].append(ticket)
    for line in lines.values():
        earliest, whose = float("inf"), ""
        for ticket in sorted(line, key=lambda each: each.serial, reverse=True):
            call = first[ticket.token]
            if earliest < call.asked:
                gap = call.asked - earliest
                yield f"{ticket.number} overtaken by {whose}, answered {gap:.4f} s before it was asked"
            if call.answered < earliest:
                earliest, whose = call.answered, ticket.number


def _overtaken_too_often(tickets: Sequence[Called]) -> Iterable[str]:
    # Exactly, by the moments in PostgreSQL: by priority alone, and within the bound of the default policy.
    lines: dict[str, list[Called]] = defaultdict(list)
    for ticket in tickets:
        lines[ticket.service].append(ticket)
    for line in lines.values():
        for ticket in line:
            called_at = ticket.called_at or float("inf")
            passed = [one for one in line if one.serial > ticket.serial and (one.called_at or called_at) < called_at]
            if len(passed) > (CallPolicy().priority_bound if ticket.rank else 0) or any(one.rank for one in passed):
                yield f"{ticket.number} overtaken by {', '.join(one.number for one in passed)}"
