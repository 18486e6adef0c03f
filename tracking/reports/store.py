"""Reports out of PostgreSQL: a month a statement, so that each keeps its deadline however long the period is."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import asyncpg

from kit import sql
from kit.database import Connection, Database, DatabaseUnavailable
from office.directory import Directory
from office.model import Office, OfficeDetail
from tracking.policy import Policy
from tracking.reports.figures import Others, Result, Tally
from tracking.reports.period import Period
from tracking.reports.report import Counted, ProcedureName, Report, build

queries = sql.load("tracking.reports")
AT_ONCE = 2
"""Connections that the reports of one worker use at a time: their statements are long, and clerks need some too."""
LONGEST_WAIT = 10.0
"""Seconds until somebody who waits for a turn is asked to come again."""


class Reports:
    """Counts the dossiers of offices."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def read(self, office_id: str, period: Period, now: datetime, *, below: bool = False) -> Report:
        """The report of an office, with ``below`` of every office under it too.

        Raises UnknownOffice, DatabaseUnavailable.
        """
        detail = await self._directory.detail(office_id)
        offices = await self.offices(office_id, below=below)
        return await self._count(detail, offices, period, now)

    async def offices(self, office_id: str, *, below: bool) -> dict[str, Office]:
        """The office, and with ``below`` all that stand under it at any depth. Raises UnknownOffice."""
        own = (await self._directory.detail(office_id)).office
        every = await self._directory.offices()
        found = {office_id: own}
        grown = below
        while grown:
            more = {one.id: one for one in every.values() if one.parent in found and one.id not in found}
            found |= more
            grown = bool(more)
        return found

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseUnavailable("too many reports at once") from None
        try:
            async with self._database.connection() as connection:
                yield connection
        finally:
            self._turn.release()

    async def _count(
        self, detail: OfficeDetail, offices: Mapping[str, Office], period: Period, now: datetime
    ) -> Report:
        zone, ids = detail.calendar.timezone, list(offices)

        async def count(month: Period) -> Counted:
            async with self._connection() as connection:
                return await _month(connection, ids, *month.bounds(zone), now, zone.key)

        months = await asyncio.gather(*(count(month) for month in period.months()))
        channels = Counter[str]()
        for counted in months:
            channels.update(counted.channels)
        first, past = period.bounds(zone)
        async with self._connection() as connection:
            others = await _others(connection, ids, first, past, now, channels)
            codes = list({code for counted in months for code in counted.procedures})
            rows = await queries.report_procedures.rows(connection, codes=codes)
        return build(
            period,
            months,
            others,
            {row["code"]: ProcedureName(**row) for row in rows},
            {office.id: (office.name, office.name_en) for office in offices.values()},
            four_steps_target=_target(detail, period),
        )


def _target(detail: OfficeDetail, period: Period) -> int:
    first, _ = period.bounds(detail.calendar.timezone)
    return Policy.from_mapping(detail.policies.on(first.date())).four_steps_share_percent


async def _month(
    connection: Connection, offices: Sequence[str], first: datetime, past: datetime, now: datetime, zone: str
) -> Counted:
    span = {"offices": offices, "first": first, "past": past}
    tallies: dict[str, dict[str, Tally]] = {"office": {}, "procedure": {}}
    channels = Counter[str]()
    for row in await queries.report_cells.rows(connection, **span, now=now, zone=zone):
        tally = _of_cell(row)
        if row["dimension"] == "channel":
            channels[row["key"]] = tally.received
        else:
            tallies[row["dimension"]][row["key"]] = tally
    for row in await queries.report_times.rows(connection, **span):
        tally = tallies[row["dimension"]].setdefault(row["key"], Tally())
        tally.whole_times[row["whole"]] += row["dossiers"]
        tally.net_times[row["net"]] += row["dossiers"]
    for row in await queries.report_finished.rows(connection, **span):
        tallies[row["dimension"]].setdefault(row["key"], Tally()).finished = row["dossiers"]
    return Counted(tallies["office"], tallies["procedure"], channels)


def _of_cell(row: asyncpg.Record) -> Tally:
    law = Counter({result.value: int(row[result.value]) for result in Result})
    index = law.copy()
    for result, read in ((Result.BEFORE, Result.LATE), (Result.ON, Result.LATE), (Result.OPEN, Result.OVERDUE),
                         (Result.WAITING, Result.OVERDUE)):  # fmt: skip
        otherwise = row[f"strict_{result}"]
        index[result] -= otherwise
        index[read] += otherwise
    counts = {name: row[name] for name in ("timed", "minutes", "at_counter", "on_the_spot")}
    return Tally(law=law, index=index, stopped=row["stopped_minutes"], **counts)


async def _others(
    connection: Connection,
    offices: Sequence[str],
    first: datetime,
    past: datetime,
    now: datetime,
    channels: Mapping[str, int],
) -> Others:
    span = {"offices": offices, "first": first, "past": past}
    apologies = await queries.report_apologies.row(connection, **span)
    feedback = await queries.report_feedback.row(connection, **span, now=now)
    assert apologies is not None and feedback is not None
    return Others(
        scores={row["score"]: row["ratings"] for row in await queries.report_ratings.rows(connection, **span)},
        apologies_owed=apologies["owed"],
        apologies_sent=apologies["sent"],
        letters={row["kind"]: row["letters"] for row in await queries.report_letters.rows(connection, **span)},
        feedback_received=feedback["received"],
        feedback_judged=feedback["judged"],
        feedback_in_time=feedback["in_time"],
        channels=dict(channels),
    )
