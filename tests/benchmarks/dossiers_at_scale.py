"""`make bench-dossiers`: importing a million dossiers, and what a look-up and a report cost among them.

A million dossiers go into one database and ten thousand into another, both as files by the product's own import. Then
single random codes are read from PostgreSQL with no cache before it, one from each database in turn, so that a slow
moment of the machine meets both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from kit.database import Database
from office.directory import Directory
from service.commands.database import PATIENT
from service.commands.imports import load_offices
from service.embedded.postgres import EmbeddedPostgres
from service.prepare import migrate_database
from tracking.exchange.imports import import_file
from tracking.reports.period import Period
from tracking.reports.store import Reports
from tracking.store import dossier_topic

OFFICES, YEARS = 30, 3
CENTRE, PATTERN = "scale-centre", "tay-ho"
"""The office that all stand under, and the demo's office that they are like."""
FIRST_DAY = datetime(2023, 10, 2, 7, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
QUARTER = Period.parse("2026-Q3")
LEAST_ROWS_A_SECOND, LARGEST_RATIO, LONGEST_REPORT = 5_000, 1.2, 2.0
STATUSES = {10: 86, 9: 4, 4: 4, 3: 2, 5: 1.5, 2: 1, 8: 0.8, 6: 0.4, 1: 0.2, 7: 0.1}
"""Status → per cent."""
COLUMNS = (
    "code,procedure,receiving_office,competent_agency,channel,status,received_at,due_at,appointment_on,"
    "appointment_changes,finished_at,returned_at,outcome,version\n"
)
MAKE_OFFICES = """
    INSERT INTO office (id, short_key, name, name_en, kind, parent_id, valid_from, calendar, policy)
    SELECT made.id, made.short_key, made.id, made.id, 'point', nullif($1, made.id), '2023-01-01', calendar, policy
      FROM office AS pattern,
           (SELECT $1, 'sc0' UNION ALL
            SELECT format('scale-%s', n), 's' || to_char(n, 'FM00') FROM generate_series(1, $2::int) AS n)
               AS made (id, short_key)
     WHERE pattern.id = $3
"""


@dataclass(frozen=True)
class Names:
    """What the generated dossiers may name."""

    procedures: list[str]
    agencies: list[str]


def lines(many: int, names: Names) -> Iterator[str]:
    """The rows of the file: spread evenly over three years of weekdays, in working hours, most of them finished."""
    random = Random(many)
    statuses = random.choices(list(STATUSES), list(STATUSES.values()), k=many)
    days = [day for ahead in range(YEARS * 365) if (day := FIRST_DAY + timedelta(days=ahead)).weekday() < 5]
    for number, status in enumerate(statuses):
        received = days[number * len(days) // many] + timedelta(seconds=random.randrange(9 * 3600))
        due = received + timedelta(days=random.choice((3, 7, 14, 28)))
        finished = returned = ""
        if status in (3, 9, 10):
            done = received + (due - received) * random.triangular(0.05, 1.3, 0.8)
            finished = done.isoformat(timespec="seconds")
            returned = (done + timedelta(hours=3)).isoformat(timespec="seconds") if status == 10 else ""
        outcome = "granted" if finished and status != 3 else ""
        agency = names.agencies[number % len(names.agencies)]
        channel = random.choices(("online", "counter", "post"), (75, 22, 3))[0]
        yield (
            f"{agency}-{received:%y%m%d}-{number:07d},{random.choice(names.procedures)},scale-{1 + number % OFFICES},"
            f"{agency},{channel},{status},{received.isoformat()},{due:%Y-%m-%dT17:00:00+07:00},{due:%Y-%m-%d},"
            f"{number % 20 == 0:d},{finished},{returned},{outcome},1\n"
        )


async def fill(url: str, file: Path, many: int) -> tuple[float, list[str]]:
    """Import ``many`` dossiers through ``file``; the answer is seconds, and some of the codes."""
    database = await Database.connect(url, size=2, deadlines=PATIENT)
    try:
        with resources.as_file(resources.files("service.demo") / "offices.toml") as offices:
            await load_offices(database, offices)
        async with database.connection() as connection:
            await connection.execute(MAKE_OFFICES, CENTRE, OFFICES, PATTERN)
            procedures = [row["code"] for row in await connection.fetch("SELECT code FROM procedure ORDER BY code")]
            agencies = [row["code"] for row in await connection.fetch("SELECT code FROM agency ORDER BY code")]
            with file.open("w", encoding="utf-8") as opened:
                opened.write(COLUMNS)
                opened.writelines(lines(many, Names(procedures, agencies)))
            started = time.perf_counter()
            outcome = await import_file(connection, file, skip_bad=False)
            seconds = time.perf_counter() - started
            if (outcome.added, outcome.kept) != (many, True):
                raise SystemExit(f"of {many} dossiers {outcome.added} were added: {outcome.errors[:3]}")
            await connection.execute("VACUUM (ANALYZE)")
            codes = await connection.fetch("SELECT code FROM dossier ORDER BY random() LIMIT 20000")
        return seconds, [row["code"] for row in codes]
    finally:
        file.unlink(missing_ok=True)
        await database.close()


async def compare(urls: list[str], codes: list[list[str]], reads: int) -> list[float]:
    """The median of a single look-up in each database, in µs, read in turn."""
    databases = [await Database.connect(url, size=1) for url in urls]
    loads = [dossier_topic(database).load for database in databases]
    spent: list[list[float]] = [[] for _ in urls]
    gc.collect()
    gc.disable()
    try:
        for turn in range(reads + 200):  # the first are to warm up
            for which in (0, 1) if turn % 2 else (1, 0):
                code = codes[which][turn % len(codes[which])]
                started = time.perf_counter()
                (found,) = await loads[which]([code])
                spent[which].append(time.perf_counter() - started)
                if found.key != f"dossier:{code}":
                    raise SystemExit(f"the answer for {code} is another dossier's")
    finally:
        gc.enable()
        for database in databases:
            await database.close()
    return [median(times[200:]) * 1e6 for times in spent]


async def report(url: str) -> tuple[float, float]:
    """The seconds that a quarter of all offices takes: the first time, and the median of five."""
    database = await Database.connect(url, size=2)
    try:
        reports = Reports(database, Directory(database))

        async def once() -> float:
            started = time.perf_counter()
            await reports.read(CENTRE, QUARTER, datetime.now(FIRST_DAY.tzinfo), below=True)
            return time.perf_counter() - started

        first = await once()
        return first, median([await once() for _ in range(5)])
    finally:
        await database.close()


async def measure(urls: list[str], folder: Path, arguments: argparse.Namespace, say: Callable[[str], None]) -> bool:
    """Everything, in order; whether every mark is held."""
    held = True

    def mark(text: str, value: float, good: bool) -> None:
        nonlocal held
        held = held and good
        say(f"{text}: {value:,.2f} {'(held)' if good else '(MISSED)'}")

    seconds, codes_of_many = await fill(urls[0], folder / "dossiers.csv", arguments.dossiers)
    rate = arguments.dossiers / seconds
    mark(f"import of {arguments.dossiers:,} dossiers in {seconds:.1f} s, rows/s", rate, rate >= LEAST_ROWS_A_SECOND)
    _, codes_of_few = await fill(urls[1], folder / "dossiers.csv", arguments.few)
    big, small = await compare(urls, [codes_of_many, codes_of_few], arguments.reads)
    say(f"look-up, cache cold, median of {arguments.reads:,}: {big:.0f} µs among many, {small:.0f} µs among few")
    mark("ratio", big / small, big / small <= LARGEST_RATIO)
    first, usual = await report(urls[0])
    say(f"report of {QUARTER} over {OFFICES} offices: {first:.2f} s the first time, then {usual:.2f} s")
    mark("slower of them", max(first, usual), max(first, usual) <= LONGEST_REPORT)
    return held


def main() -> int:
    """Measure and print; 1 if a mark is missed."""
    parser = argparse.ArgumentParser(prog="dossiers_at_scale", description="A million dossiers beside ten thousand.")
    parser.add_argument("--dossiers", type=int, default=1_000_000, help="in the one database (1000000)")
    parser.add_argument("--few", type=int, default=10_000, help="in the other (10000)")
    parser.add_argument("--reads", type=int, default=3_000, help="look-ups in each (3000)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="motcua-scale-"))
    folder.chmod(0o755)  # PostgreSQL's own account has to pass through
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        urls = []
        for name in ("many", "few"):
            server = EmbeddedPostgres(folder / name)
            stack.callback(server.stop)
            urls.append(server.start())
            migrate_database(urls[-1])
        held = asyncio.run(measure(urls, folder, arguments, lambda line: print(line, flush=True)))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
