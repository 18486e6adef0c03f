"""Eight counters of one office call at once: nobody twice, nobody lost, and the bound on overtaking holds exactly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from kit.database import Connection, Database, Deadlines
from tickets.hall import queries
from tickets.ticket import new_token

DAY = datetime.now(UTC).date()
BOUND = 2
SKILLS = ("{a}", "{b}", "{a,b}", "{b,a}", "{a,c}", "{c}", "{a,b,c}", "{c,b,a}")
POLICY: dict[str, Any] = {"priority_bound": BOUND, "escape": timedelta(), "listed": False}


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Database]:
    """A pool wide enough for everybody, and an office with eight counters."""
    database = await Database.connect(database_url, size=12, deadlines=Deadlines(acquire=5, command=10))
    async with database.connection() as connection:
        await connection.execute("""
            INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
            VALUES ('office-1', 'o1', '', '', 'point', now());
            INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
            SELECT 'office-1', id, id, id, upper(id), 10, 0 FROM unnest('{a,b,c}'::text[]) AS id;
        """)
        await connection.executemany(
            "INSERT INTO counter (id, office_id, name, position, skills, services, opened_at)"
            " VALUES ($1, 'office-1', '', 0, $2::text::text[], $2::text::text[], now())",
            [(f"counter-{number}", skills) for number, skills in enumerate(SKILLS)],
        )
    yield database
    await database.close()


async def issue(connection: Connection, service: str, rank: int) -> str:
    token = new_token("o1", DAY).text
    await queries.ticket_issue.row(
        connection, scope="s", key=token, body_sha256=b"", token=token, office_id="office-1", service_id=service,
        day=DAY, prefix=service.upper(), priority="normal", rank=rank, phone=None, dossier_code=None,
    )  # fmt: skip
    return token


async def call(database: Database, counter: int, key: str | None = None) -> str | None:
    async with database.connection() as connection:
        token: str | None = await queries.ticket_call_next.value(
            connection, counter_id=f"counter-{counter}", day=DAY, key=key, staff_id=None, **POLICY
        )
    return token


async def tickets(database: Database) -> list[asyncpg.Record]:
    async with database.connection() as connection:
        return await connection.fetch(
            "SELECT token, service_id, rank, state, issued_at, called_at,"
            " (SELECT count(*) FROM ticket_event WHERE ticket_event.token = ticket.token AND event = 'call') AS events"
            " FROM ticket ORDER BY issued_at"
        )


def check(rows: list[asyncpg.Record]) -> None:
    """Each called once, at a moment that keeps the line and the bound."""
    assert all((row["state"], row["events"]) == ("called", 1) for row in rows)
    assert len({row["called_at"] for row in rows}) == len(rows)
    for row in rows:
        passed = [
            other
            for other in rows
            if other["service_id"] == row["service_id"]
            and other["issued_at"] > row["issued_at"]
            and other["called_at"] < row["called_at"]
        ]
        assert {other["rank"] for other in passed} <= {0}
        assert len(passed) <= (BOUND if row["rank"] else 0)


async def test_eight_counters_while_people_come(office: Database) -> None:
    random, came = Random(4), asyncio.Event()

    async def arrivals() -> None:
        async with office.connection() as connection:
            for number in range(160):
                await issue(connection, random.choice("abc"), int(random.random() < 0.5))
                if number == 60:
                    came.set()  # a line is there, and people go on coming
        done.append(True)

    async def clerk(counter: int) -> list[str]:
        await came.wait()
        found: list[str] = []
        while True:
            last = bool(done)
            token = await call(office, counter)
            if token is not None:
                found.append(token)
            elif last:
                return found

    done: list[bool] = []
    coming = asyncio.create_task(arrivals())
    found = await asyncio.gather(*(clerk(counter) for counter in range(8)))
    await coming
    rows = await tickets(office)
    times = Counter(token for of_clerk in found for token in of_clerk)
    assert times == Counter({row["token"]: 1 for row in rows})
    assert len(rows) == 160
    check(rows)
    assert any(row["rank"] == 0 and other["rank"] == 1 and other["issued_at"] < row["issued_at"]
               and row["called_at"] < other["called_at"] for row in rows for other in rows)  # fmt: skip


async def test_whoever_is_just_leaving_holds_nobody_up_and_one_who_stays_keeps_the_bound(office: Database) -> None:
    async with office.connection() as connection:
        first = await issue(connection, "a", 1)
        elders = [await issue(connection, "a", 0) for _ in range(4)]
        second = await issue(connection, "a", 1)
    assert [await call(office, 0), await call(office, 0)] == elders[:2]
    async with office.transaction() as leaving:
        await leaving.execute("SELECT FROM ticket WHERE token = $1 FOR UPDATE", first)
        assert await call(office, 0) == second
        last = asyncio.create_task(call(office, 0))  # only an elder could be called, who would be the third to overtake
        await asyncio.sleep(0.2)
        assert not last.done()
    assert await last == first
    assert [await call(office, 0), await call(office, 0), await call(office, 0)] == [*elders[2:], None]


async def test_one_press_of_the_button_is_one_call(office: Database) -> None:
    async with office.connection() as connection:
        for _ in range(9):
            await issue(connection, "a", 1)
    found = await asyncio.gather(*(call(office, 0, key="one-press") for _ in range(8)))
    assert sum(token is not None for token in found) == 1
    assert sum(row["state"] == "called" for row in await tickets(office)) == 1
    assert await call(office, 1, key="one-press") is None  # nobody waits for b
    assert await call(office, 2, key="one-press") is not None  # another counter's button
