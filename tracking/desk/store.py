"""What the clerk's pages read from PostgreSQL beside the dossier itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import asyncpg

from kit import sql
from kit.database import Connection
from office.model import Office
from tracking.codes import Code
from tracking.status import Status, late

queries = sql.load("tracking.desk")

PAGE = 25
MOST_OF_A_VISIT = 20
VISIT_IS_OF = timedelta(days=7)


class WorkList(StrEnum):
    """A list of what waits for a clerk; the names stand in addresses and in ``sql/desk.sql``."""

    NEW = "new"
    """Came in online and is not accepted yet."""
    HAND_OVER = "hand-over"
    IN_WORK = "in-work"
    SUPPLEMENT = "supplement"
    READY = "ready"
    """The result waits for the citizen."""
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Line:
    """One dossier in a list. Personal data: for staff alone."""

    code: str
    procedure: str
    applicant: str | None
    status: Status
    received_at: datetime
    appointment_on: date | None
    late: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One dossier of the group that a dossier belongs to; ``own``: this office may open it."""

    code: str
    procedure: str
    agency: str
    status: Status
    waits: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a dossier: its group, where the result is posted, what was sent. Personal data."""

    parts: Sequence[Part]
    post: Mapping[str, object] | None
    messages: Sequence[Mapping[str, object]]
    letters: Sequence[Mapping[str, object]]


async def read_counts(connection: Connection, office: Office, now: datetime) -> dict[WorkList, int]:
    """How long each list is."""
    row = await queries.desk_counts.row(connection, office_id=office.id, agencies=list(office.agencies), now=now)
    assert row is not None
    return {which: row[which.replace("-", "_")] for which in WorkList}


async def read_list(connection: Connection, office: Office, which: WorkList, page: int, now: datetime) -> list[Line]:
    """Page ``page`` (from 1) of a list, ``PAGE`` lines each."""
    bounds = {"office_id": office.id, "skip": (page - 1) * PAGE, "most": PAGE}
    if which is WorkList.READY:
        return _lines(await queries.desk_ready.rows(connection, **bounds), now)
    rows = await queries.desk_open.rows(connection, **bounds, agencies=list(office.agencies), list=which.value, now=now)
    return _lines(rows, now)


async def read_visit(connection: Connection, office: Office, ticket: str, now: datetime) -> list[Line]:
    """What was handed in at one visit of the last days."""
    rows = await queries.desk_of_visit.rows(
        connection, office_id=office.id, ticket=ticket, since=now - VISIT_IS_OF, most=MOST_OF_A_VISIT
    )
    return _lines(rows, now)


async def read_first_part(connection: Connection, group: Code) -> Code | None:
    """The first dossier of a group; None if there is no such group."""
    rows = await queries.desk_parts.rows(connection, group_code=group.text)
    return Code(rows[0]["code"]) if rows else None


async def read_beside(connection: Connection, code: Code, group: str | None, office: Office) -> Beside:
    """What stands beside the dossier, for the staff of ``office``."""
    parts = await queries.desk_parts.rows(connection, group_code=group) if group else []
    post = await queries.desk_post.row(connection, year=code.year, code=code.text)
    return Beside(
        parts=[_part(row, office) for row in parts],
        post=dict(post) if post else None,
        messages=[dict(row) for row in await queries.desk_messages.rows(connection, code=code.text)],
        letters=[dict(row) for row in await queries.desk_letters.rows(connection, year=code.year, code=code.text)],
    )


def _part(row: asyncpg.Record, office: Office) -> Part:
    return Part(
        code=row["code"],
        procedure=row["procedure"],
        agency=row["agency"],
        status=Status(row["status"]),
        waits=bool(row["after"]) and row["status"] == Status.REGISTERED,
        own=row["receiving_office"] == office.id or row["competent_agency"] in office.agencies,
    )


def _lines(rows: Sequence[asyncpg.Record], now: datetime) -> list[Line]:
    return [
        Line(
            code=row["code"],
            procedure=row["procedure"],
            applicant=row["applicant"],
            status=Status(row["status"]),
            received_at=row["received_at"],
            appointment_on=row["appointment_on"],
            late=late(Status(row["status"]), row["due_at"], row["finished_at"], row["clock_stopped_at"], now),
        )
        for row in rows
    ]
