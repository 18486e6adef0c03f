"""How many calls a second: ``call_next`` beside a bare ``UPDATE … RETURNING``, through the same pool, in one run.

The bare statement changes one waiting ticket by its primary key: no line, no policy, no event, no outbox. Rounds are
interleaved, so that a slow moment of the machine meets both.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from kit.database import Connection, Database, Deadlines
from service.embedded.postgres import EmbeddedPostgres
from service.prepare import migrate_database
from tickets.hall import queries

WAITING, COUNTERS, CLERKS = 1_000, 8, 8
"""Tickets that wait at each office, its counters, and how many call at a time, wherever they sit."""
MARK = 0.5
DAY = datetime.now(UTC).date()
OFFICES = """
    INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
    SELECT 'o' || n, 'o' || n, '', '', 'point', '2025-07-01' FROM generate_series(1, $1::int) AS n
"""
SERVICES = """
    INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
    SELECT office.id, letter, '', '', upper(letter), 10, 0 FROM office, unnest('{a,b,c}'::text[]) AS letter
"""
COUNTERS_OPEN = """
    INSERT INTO counter (id, office_id, name, position, skills, services, opened_at)
    SELECT office.id || '-' || n, office.id, '', n, '{a,b,c}', '{a,b,c}', now()
      FROM office, generate_series(1, $1::int) AS n
"""
LINE = """
    INSERT INTO ticket (day, token, office_id, service_id, serial, number, priority, rank, state, issued_at)
    SELECT $1::date, office.id || '.1.' || lpad(n::text, 22, '0'), office.id, chr(97 + n % 3), n, n::text, 'normal',
           least(n % 12, 1), 'waiting', now() - n * interval '10 seconds'
      FROM office, generate_series(1, $2::int) AS n
"""
BARE = (
    "UPDATE ticket SET state = 'called', counter_id = $1, called_at = clock_timestamp()"
    " WHERE day = $2 AND token = $3 AND state = 'waiting' RETURNING token"
)
Call = Callable[[Connection, int], Awaitable[object]]


@dataclass
class Measured:
    """Calls a second by round, of both."""

    offices: int
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Ours to the bare statement's, by round."""
        return [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)]


def call_next(offices: int) -> Call:
    """One call by the default policy, the offices and their counters in turn."""

    async def call(connection: Connection, number: int) -> object:
        return await queries.ticket_call_next.value(
            connection,
            counter_id=f"o{1 + number % offices}-{1 + number // offices % COUNTERS}",
            day=DAY,
            key=None,
            staff_id=None,
            priority_bound=2,
            escape=timedelta(),
            listed=False,
        )

    return call


def bare(offices: int) -> Call:
    """One bare update, each of another ticket, the offices in turn."""

    async def call(connection: Connection, number: int) -> object:
        office, place = 1 + number % offices, WAITING - number // offices
        return await connection.fetchval(BARE, f"o{office}-1", DAY, f"o{office}.1.{place:022d}")

    return call


async def rate(database: Database, call: Call, calls: int) -> float:
    """Calls a second with everybody waiting at the start; each has to find somebody."""
    async with database.connection() as connection:
        await connection.execute("TRUNCATE ticket, outbox; TRUNCATE idempotency_key")
        await connection.execute(LINE, DAY, WAITING)
        await connection.execute("ANALYZE ticket")
    orders = iter(range(calls))

    async def clerk(numbers: Iterator[int]) -> None:
        for number in numbers:
            async with database.connection() as connection:
                assert await call(connection, number) is not None, number

    began = time.perf_counter()
    await asyncio.gather(*(clerk(orders) for _ in range(CLERKS)))
    return calls / (time.perf_counter() - began)


async def measure(url: str, most_offices: int, rounds: int, calls: int) -> list[Measured]:
    """One office, then ``most_offices``; a round that only warms up comes first."""
    database = await Database.connect(url, size=CLERKS, deadlines=Deadlines(acquire=20, command=20))
    try:
        async with database.connection() as connection:
            await connection.execute(OFFICES, most_offices)
            await connection.execute(SERVICES)
            await connection.execute(COUNTERS_OPEN, COUNTERS)
        table = [Measured(1), Measured(most_offices)]
        for number, measured in itertools.product(range(rounds + 1), table):
            ours = await rate(database, call_next(measured.offices), calls)
            floor = await rate(database, bare(measured.offices), calls)
            if number:
                measured.ours.append(ours)
                measured.bare.append(floor)
    finally:
        await database.close()
    return table


def markdown(table: list[Measured], calls: int) -> str:
    """The table and whether the mark is reached."""
    lines = [
        f"| offices, {WAITING} waiting at each | call-next/s | bare UPDATE … RETURNING/s | ratio (least, most) |",
        "|---|---:|---:|---:|",
    ]
    for found in table:
        ratios = f"{median(found.ratios):.2f} ({min(found.ratios):.2f}, {max(found.ratios):.2f})"
        lines.append(f"| {found.offices} | {median(found.ours):,.0f} | {median(found.bare):,.0f} | {ratios} |")
    lines.append("")
    for found in table:
        word = "reached" if median(found.ratios) >= MARK else "MISSED"
        lines.append(f"- {word}: {found.offices} offices {median(found.ratios):.2f}, mark ≥ {MARK}")
    lines.append(f"\nMedians of {len(table[0].ours)} interleaved rounds of {calls} calls, {CLERKS} at a time.")
    return "\n".join(lines)


def main() -> int:
    """Exit status 1 when the mark is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--offices", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=800)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="motcua-bench-"))
    folder.chmod(0o755)  # PostgreSQL's own account has to pass through
    postgres = EmbeddedPostgres(folder / "postgres")
    try:
        url = postgres.start()
        migrate_database(url)
        table = asyncio.run(measure(url, given.offices, given.rounds, given.calls))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(markdown(table, given.calls))
    return 0 if all(median(found.ratios) >= MARK for found in table) else 1


if __name__ == "__main__":
    sys.exit(main())
