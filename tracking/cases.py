"""Dossiers in PostgreSQL as those who work on them see them: the case, its events, the applicant, the papers."""

from __future__ import annotations

import asyncpg

from kit.database import Connection
from kit.problems import Forbidden
from kit.sessions import Role, Staff
from office.model import Office
from tracking.case import Applicant, Case, Event, Paper
from tracking.codes import Code
from tracking.deadlines import Limit
from tracking.status import Named, Status
from tracking.store import queries

WORKING = frozenset({Role.CLERK, Role.SUPERVISOR, Role.ADMIN})
"""Who works on dossiers."""


async def read_case(connection: Connection, code: Code) -> Case | None:
    """The dossier; None if there is none."""
    row = await queries.case_read.row(connection, year=code.year, code=code.text)
    return _case(row) if row is not None else None


async def read_events(connection: Connection, code: Code) -> list[Event]:
    """What happened to it, oldest first."""
    return [_event(row) for row in await queries.case_events.rows(connection, code=code.text)]


async def read_applicant(connection: Connection, code: Code) -> Applicant | None:
    """Who handed it in; None for dossiers of other systems."""
    row = await queries.case_applicant.row(connection, year=code.year, code=code.text)
    return Applicant(**{**row, "channels": tuple(row["channels"])}) if row is not None else None


async def read_papers(connection: Connection, code: Code) -> list[Paper]:
    """The papers that were taken in, in the order of the public notice."""
    return [Paper(**row) for row in await queries.case_papers.rows(connection, year=code.year, code=code.text)]


def must_work_on(staff: Staff, case: Case, own: Office) -> None:
    """Raise Forbidden unless ``own``, the office of ``staff``, received the dossier or its agency decides it."""
    if case.receiving_office.code != staff.office and case.competent_agency.code not in own.agencies:
        raise Forbidden("another office's dossier")


def _case(row: asyncpg.Record) -> Case:
    return Case(
        code=row["code"],
        procedure=Named(row["procedure_code"], row["procedure_name"]),
        receiving_office=Named(row["office_id"], row["office_name"]),
        competent_agency=Named(row["agency_code"], row["agency_name"]),
        channel=row["channel"],
        status=Status(row["status"]),
        received_at=row["received_at"],
        version=row["version"],
        handed_over_at=row["handed_over_at"],
        limit=Limit.parse(row["time_limit"]) if row["time_limit"] else None,
        due_at=row["due_at"],
        appointment_on=row["appointment_on"],
        appointment_changes=row["appointment_changes"],
        clock_stopped_at=row["clock_stopped_at"],
        stopped_minutes=row["stopped_minutes"],
        processing_minutes=row["processing_minutes"],
        outcome=row["outcome"],
        finished_at=row["finished_at"],
        returned_at=row["returned_at"],
        supplements=row["supplements"],
        extensions=row["extensions"],
        originals_held=row["originals_held"],
        amount_due=row["amount_due"],
        case_group=row["case_group"],
        ticket=row["ticket"],
        origin=row["origin"],
        public=row["public"],
    )


def _event(row: asyncpg.Record) -> Event:
    return Event(
        id=row["id"],
        at=row["at"],
        action=row["action"],
        from_status=Status(row["from_status"]) if row["from_status"] else None,
        to_status=Status(row["to_status"]),
        version=row["version"],
        staff_id=row["staff_id"],
        reason=row["reason"],
        details=row["details"] or {},
    )
