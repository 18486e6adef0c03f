"""What the forms are made of, read from PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from kit import sql
from kit.database import Connection
from tracking.cases import read_applicant, read_case, read_events, read_papers
from tracking.codes import Code
from tracking.paper.record import Decision, Notice, Payment, Receipt, Record, RegisterLine
from tracking.status import Status, late

_sql = sql.load("tracking.paper")


async def read_record(connection: Connection, code: Code) -> Record | None:
    """One dossier with all that its forms say; None if there is none."""
    case = await read_case(connection, code)
    if case is None:
        return None
    events = await read_events(connection, code)
    receipt = await _sql.paper_receipt.row(connection, code=code.text)
    acted = sorted({event.staff_id for event in events if event.staff_id is not None})
    return Record(
        case=case,
        events=events,
        applicant=await read_applicant(connection, code),
        papers=await read_papers(connection, code),
        receipt=Receipt(**receipt) if receipt else None,
        payments=[Payment(**row) for row in await _sql.paper_payments.rows(connection, code=code.text)],
        staff={row["id"]: row["name"] for row in await _sql.paper_staff.rows(connection, ids=acted)},
        apology_reason=await _sql.paper_apology.value(connection, year=code.year, code=code.text),
    )


async def read_notice(connection: Connection, number: int) -> Notice | None:
    """The intake notice of that number; None if there is none."""
    row = await _sql.paper_notice.row(connection, id=number)
    if row is None:
        return None
    return Notice(
        id=row["id"],
        office_id=row["office_id"],
        office_name=row["office_name"],
        procedure_name=row["procedure_name"],
        applicant_name=row["applicant_name"],
        staff=row["staff"],
        decision=Decision(row["at"], row["reason"], tuple(row["missing"]), row["guidance"]),
    )


async def read_register(
    connection: Connection, office_id: str, first: datetime, past: datetime, most: int, now: datetime
) -> list[RegisterLine]:
    """The first ``most`` dossiers that the office received from ``first`` on and before ``past``; late at ``now``."""
    rows = await _sql.paper_register.rows(connection, office_id=office_id, first=first, past=past, most=most)
    return [
        RegisterLine(
            code=row["code"],
            procedure=row["procedure"],
            agency=row["agency"],
            applicant=row["applicant"],
            contact=row["contact"],
            channel=row["channel"],
            received_at=row["received_at"],
            appointment_on=row["appointment_on"],
            finished_at=row["finished_at"],
            returned_at=row["returned_at"],
            status=Status(row["status"]),
            post=row["post"],
            late=late(Status(row["status"]), row["due_at"], row["finished_at"], row["clock_stopped_at"], now),
        )
        for row in rows
    ]
