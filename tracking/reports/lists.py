"""Lists of dossiers out of PostgreSQL: what is open at an office, and what lies behind a figure of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from kit.database import Database
from office.directory import Directory
from office.model import Agency, Office, OfficeDetail
from tracking.codes import Code
from tracking.policy import Policy
from tracking.reports.figures import Reading, Result
from tracking.reports.period import Period
from tracking.reports.store import queries
from tracking.reports.worklists import Horizon, WorkList, horizon
from tracking.status import Status, late

PAGE = 50
MOST = 10_000
"""Rows of one list that are counted and written to a file."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None: whatever it is."""

    procedures: Sequence[str] | None = None
    agency: str | None = None
    channel: str | None = None
    q: str | None = None
    """How the code begins."""


@dataclass(frozen=True, slots=True)
class Row:
    """One dossier of a list; moments are on the office's clock."""

    code: str
    procedure_code: str
    name: str
    name_en: str
    office: Office
    agency: Agency
    channel: str
    status: Status
    received_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    returned_at: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list; ``total`` stops at ``MOST``."""

    rows: Sequence[Row]
    total: int


@dataclass(frozen=True, slots=True)
class Behind:
    """Which dossiers of a report: those with one of ``results`` in a reading, or what was finished in the period."""

    period: Period
    offices: Sequence[str]
    results: Sequence[Result] | None = None
    reading: Reading = Reading.LAW
    finished: bool = False


class Lists:
    """Reads the lists."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory

    async def counts(self, detail: OfficeDetail, now: datetime) -> Mapping[str, int]:
        """How many dossiers each list holds, and what else waits at the office."""
        ahead = self.horizon(detail, now)
        async with self._database.connection() as connection:
            work = await queries.work_counts.row(
                connection,
                office_id=detail.office.id,
                agencies=detail.office.agencies,
                now=now,
                today_ends=ahead.today_ends,
                notice_ends=ahead.notice_ends,
            )
            others = await queries.work_others.row(connection, office_id=detail.office.id, now=now)
        assert work is not None and others is not None
        return {**dict(work.items()), **dict(others.items())}

    def horizon(self, detail: OfficeDetail, now: datetime) -> Horizon:
        """How far the office looks ahead, by its calendar and policy of today."""
        today = detail.calendar.local(now).date()
        return horizon(detail.calendar, Policy.from_mapping(detail.policies.on(today)), now)

    async def open(
        self,
        detail: OfficeDetail,
        which: WorkList,
        filters: Filters,
        now: datetime,
        *,
        elsewhere: bool | None = None,
        skip: int = 0,
        most: int = PAGE,
    ) -> Listed:
        """A page of an open list: received at the office or decided by its agencies; ``elsewhere`` tells them apart."""
        ahead = self.horizon(detail, now)
        async with self._database.connection() as connection:
            rows = await queries.work_dossiers.rows(
                connection,
                office_id=detail.office.id,
                agencies=detail.office.agencies,
                list=which.value,
                now=now,
                today_ends=ahead.today_ends,
                notice_ends=ahead.notice_ends,
                elsewhere=elsewhere,
                **_filters(filters, skip, most),
            )
        return await self._listed(rows, detail, now)

    async def behind(
        self, detail: OfficeDetail, behind: Behind, filters: Filters, now: datetime, *, skip: int = 0, most: int = PAGE
    ) -> Listed:
        """A page of the dossiers behind a figure of a report."""
        first, past = behind.period.bounds(detail.calendar.timezone)
        span = {"offices": behind.offices, "first": first, "past": past, **_filters(filters, skip, most)}
        async with self._database.connection() as connection:
            if behind.finished:
                rows = await queries.report_finished_dossiers.rows(connection, **span)
            else:
                rows = await queries.report_dossiers.rows(
                    connection,
                    **span,
                    results=behind.results,
                    strict=behind.reading is Reading.INDEX,
                    now=now,
                    zone=detail.calendar.timezone.key,
                )
        return await self._listed(rows, detail, now)

    async def applicants(self, rows: Sequence[Row]) -> Mapping[str, str]:
        """The applicants' names by code, for the staff's own page. Personal data."""
        async with self._database.connection() as connection:
            found = await queries.work_applicants.rows(
                connection, years=[Code(row.code).year for row in rows], codes=[row.code for row in rows]
            )
        return {row["code"]: row["name"] for row in found}

    async def procedures_of(self, field: str) -> Sequence[str]:
        """The procedures of a field."""
        async with self._database.connection() as connection:
            return list(await queries.report_procedures_of_field.value(connection, field=field))

    async def _listed(self, rows: Sequence[asyncpg.Record], detail: OfficeDetail, now: datetime) -> Listed:
        offices, agencies = await self._directory.offices(), await self._directory.agencies()
        return Listed([_row(row, detail, offices, agencies, now) for row in rows], rows[0]["total"] if rows else 0)


def _filters(filters: Filters, skip: int, most: int) -> dict[str, object]:
    return {
        "procedures": filters.procedures,
        "agency": filters.agency,
        "channel": filters.channel,
        "q": filters.q,
        "most": MOST,
        "skip": skip,
        "page_size": most,
    }


def _row(
    row: asyncpg.Record,
    detail: OfficeDetail,
    offices: Mapping[str, Office],
    agencies: Mapping[str, Agency],
    now: datetime,
) -> Row:
    def local(name: str) -> datetime | None:
        return detail.calendar.local(row[name]) if row[name] else None

    status = Status(row["status"])
    return Row(
        code=row["code"],
        procedure_code=row["procedure_code"],
        name=row["name"],
        name_en=row["name_en"],
        office=offices[row["receiving_office"]],
        agency=agencies.get(row["competent_agency"]) or Agency(*[row["competent_agency"]] * 3),  # imported just now
        channel=row["channel"],
        status=status,
        received_at=detail.calendar.local(row["received_at"]),
        due_at=local("due_at"),
        finished_at=local("finished_at"),
        returned_at=local("returned_at"),
        late=late(status, row["due_at"], row["finished_at"], row["clock_stopped_at"], now),
    )
