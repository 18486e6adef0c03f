"""Registering what is complete: code, due date, appointment, receipt; several dossiers at once for a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kit.database import Connection
from kit.problems import BadRequest
from office.model import GroupKind, OfficeDetail, Procedure
from tracking import codes
from tracking.actions import By
from tracking.case import Applicant, Case, Channel, Paper
from tracking.codes import Code
from tracking.deadlines import Limit
from tracking.decisions import Rules, begin
from tracking.notices.queue import Happened, Trigger, announce
from tracking.receipts.receipts import Receipts
from tracking.status import Named, Status
from tracking.store import queries

MOST_TRIES = 5
"""How often a code may turn out to be another system's before the intake is given up."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the result is posted to. Personal data."""

    recipient: str
    address: str
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed in at one visit: for a procedure, or for a ``group`` of them.

    With ``missing`` papers nothing is registered: the applicant gets a notice with all of them, ``reason`` and
    ``guidance``. ``notice`` is an earlier notice that this visit answers.
    """

    applicant: Applicant
    procedure: str | None = None
    group: str | None = None
    channel: Channel = "counter"
    agency: str | None = None
    papers: tuple[Paper, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None
    guidance: str | None = None
    notice: int | None = None
    ticket: str | None = None
    fee_paid: bool = False
    post: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it: the code of the dossier or group and every dossier, or the number of the notice."""

    code: Code | None = None
    cases: tuple[Case, ...] = ()
    notice: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One dossier to be: its procedure, who decides, and whether it waits for others of its group."""

    procedure: Procedure
    agency: Named
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """What is handed in, with all that was looked up for it."""

    handed: Handed
    detail: OfficeDetail
    rules: Rules
    kind: GroupKind | None
    parts: Sequence[Part]
    by: By
    now: datetime


class Registration:
    """Writes new dossiers, each with its event, applicant, papers, fee and receipt, in the caller's transaction."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    async def register(self, connection: Connection, visit: Visit) -> Taken:
        """The dossier, or the dossiers of a group under one more code."""
        group = await self._open_group(connection, visit) if visit.kind is not None else None
        cases = []
        for position, part in enumerate(visit.parts):
            # The family hands in one file: its papers are with the first part.
            case = await self._add(connection, visit, part, group, visit.handed.papers if position == 0 else ())
            cases.append(case)
            if group is not None and visit.kind is not None:
                await queries.group_part_add.run(
                    connection,
                    group_code=group.text,
                    position=position,
                    year=Code(case.code).year,
                    code=case.code,
                    after=list(visit.kind.parts[position].after),
                )
        if visit.handed.notice is not None:
            await queries.notice_close.run(connection, id=visit.handed.notice, code=cases[0].code)
        return Taken(group or Code(cases[0].code), tuple(cases))

    async def _open_group(self, connection: Connection, visit: Visit) -> Code:
        assert visit.kind is not None
        for _ in range(MOST_TRIES):
            code, office = await self._draw(connection, visit), visit.detail.office.id
            what = {"kind": visit.kind.id, "office_id": office, "opened_at": visit.now}
            if await queries.group_add.value(connection, year=code.year, code=code.text, **what) is not None:
                return code
            await self._catch_up(connection, visit, code)
        raise BadRequest("every code of the day seems to be taken by another system")

    async def _draw(self, connection: Connection, visit: Visit) -> Code:
        agency, day = visit.detail.office.agencies[0], visit.detail.service_day(visit.now)
        serial = await queries.serial_draw.value(connection, agency_code=agency, day=day)
        return codes.issue(agency, day, serial)

    async def _catch_up(self, connection: Connection, visit: Visit, taken: Code) -> None:
        agency, day = visit.detail.office.agencies[0], visit.detail.service_day(visit.now)
        prefix = taken.text.rpartition("-")[0] + "-"
        await queries.serial_catch_up.run(connection, agency_code=agency, day=day, year=taken.year, prefix=prefix)

    async def _add(
        self, connection: Connection, visit: Visit, part: Part, group: Code | None, papers: tuple[Paper, ...]
    ) -> Case:
        case = _received(visit, part, group, papers)
        event_id, code = await self._insert(connection, case, visit)
        case = replace(case, code=code.text)
        await self._beside(connection, visit, case, papers, _fee(visit, part))
        triggers = (Trigger.ACCEPTED,) if case.status is Status.ACCEPTED else ()
        await announce(connection, Happened(event_id, visit.now, code, visit.detail.office.id, triggers))
        return case

    async def _insert(self, connection: Connection, case: Case, visit: Visit) -> tuple[int, Code]:
        for _ in range(MOST_TRIES):
            code = await self._draw(connection, visit)
            event_id = await queries.case_add.value(
                connection,
                year=code.year,
                code=code.text,
                procedure_code=case.procedure.code,
                receiving_office=case.receiving_office.code,
                competent_agency=case.competent_agency.code,
                channel=case.channel,
                status=case.status,
                received_at=case.received_at,
                handed_over_at=case.handed_over_at,
                time_limit=str(case.limit) if case.limit else None,
                due_at=case.due_at,
                appointment_on=case.appointment_on,
                originals_held=case.originals_held,
                amount_due=case.amount_due,
                case_group=case.case_group,
                ticket=case.ticket,
                staff_id=visit.by.staff.id if visit.by.staff else None,
                details={
                    "time_limit": str(case.limit) if case.limit else None,
                    "due_at": case.due_at and case.due_at.isoformat(),
                    "appointment_on": case.appointment_on and case.appointment_on.isoformat(),
                },
                request_id=visit.by.request_id,
            )
            if event_id is not None:
                return event_id, code
            await self._catch_up(connection, visit, code)
        raise BadRequest("every code of the day seems to be taken by another system")

    async def _beside(
        self, connection: Connection, visit: Visit, case: Case, papers: tuple[Paper, ...], fee: int
    ) -> None:
        code, handed, who = Code(case.code), visit.handed, visit.handed.applicant
        at = {"year": code.year, "code": code.text}
        await queries.applicant_add.run(
            connection, **at, name=who.name, id_number=who.id_number, phone=who.phone, email=who.email,
            address=who.address, channels=list(who.channels), language=who.language,
        )  # fmt: skip
        if papers:
            names, originals = [paper.name for paper in papers], [paper.original for paper in papers]
            await queries.papers_add.run(connection, **at, names=names, originals=originals)
        if handed.post is not None:
            post = handed.post
            await queries.post_add.run(
                connection, **at, recipient=post.recipient, address=post.address, phone=post.phone
            )
        if fee:
            await queries.payment_ask.run(connection, **at, amount=fee, purpose="Phí, lệ phí", at=visit.now)
            if handed.fee_paid:
                await queries.payments_settle.run(
                    connection, code=code.text, at=visit.now, method="cash", reference=None
                )
        await self._receipts.issue(connection, code)


def _received(visit: Visit, part: Part, group: Code | None, papers: tuple[Paper, ...]) -> Case:
    handed, office = visit.handed, visit.detail.office
    limit = part.procedure.limit_on(visit.detail.service_day(visit.now))
    waits = part.waits or handed.channel == "online"
    case = Case(
        code="",
        procedure=Named(part.procedure.code, part.procedure.name),
        receiving_office=Named(office.id, office.name),
        competent_agency=part.agency,
        channel=handed.channel,
        status=Status.REGISTERED if waits else Status.ACCEPTED,
        received_at=visit.now,
        limit=Limit.parse(limit.time_limit) if limit else None,
        originals_held=any(paper.original for paper in papers),
        amount_due=0 if handed.fee_paid else _fee(visit, part),
        case_group=group.text if group else None,
        ticket=handed.ticket,
    )
    return case if waits else begin(case, visit.rules, online=False)


def _fee(visit: Visit, part: Part) -> int:
    limit = part.procedure.limit_on(visit.detail.service_day(visit.now))
    return limit.fee if limit else 0
