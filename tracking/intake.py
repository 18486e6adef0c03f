"""Taking a dossier in: complete → code, due date, appointment, receipt; incomplete → the one complete notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kit import idempotency
from kit.database import Connection, Database
from kit.idempotency import claim
from kit.problems import BadRequest, FieldError
from kit.sessions import Staff
from office.directory import Directory
from office.model import GroupKind, OfficeDetail, Procedure
from tracking import codes
from tracking.actions import Actions, By
from tracking.case import Applicant, Case, Channel, Paper
from tracking.cases import read_case
from tracking.codes import Code
from tracking.deadlines import Limit
from tracking.notices.queue import Happened, Trigger, announce
from tracking.policy import Policy
from tracking.receipts.receipts import Receipts
from tracking.rules import RuleBroken
from tracking.status import Named, Status
from tracking.store import queries
from tracking.workflow import Rules, begin

MOST_TRIES = 100
"""Codes of a day that another system may have used already before one is found that is free."""


class UnknownNotice(LookupError):
    """There is no such notice at this office."""


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
class _Part:
    procedure: Procedure
    agency: Named
    waits: bool = False


@dataclass(frozen=True, slots=True)
class _Visit:
    """What is handed in, with all that was looked up for it."""

    handed: Handed
    detail: OfficeDetail
    rules: Rules
    kind: GroupKind | None
    parts: Sequence[_Part]
    by: By
    now: datetime


class Intake:
    """Registers dossiers and groups, and writes notices."""

    def __init__(self, database: Database, directory: Directory, actions: Actions, receipts: Receipts) -> None:
        self._database = database
        self._directory = directory
        self._actions = actions
        self._receipts = receipts

    async def take(self, handed: Handed, staff: Staff, by: By, key: str | None, now: datetime) -> Taken:
        """Take in what was handed in at the office of ``staff``. The same key and contents are taken in once.

        Raises BadRequest (a field names what the office does not have), RuleBroken, UnknownNotice, KeyReused.
        """
        async with self._database.operation():
            detail = await self._directory.detail(staff.office)
            rules = Rules(Policy.from_mapping(detail.policies.on(detail.service_day(now))), detail.calendar)
            kind, parts = await self._parts(detail, handed)
            visit = _Visit(handed, detail, rules, kind, parts, by, now)
            async with self._database.transaction() as connection:
                earlier = await self._earlier(connection, visit, key)
                taken = earlier or await self._take(connection, visit)
                if key is not None and earlier is None:
                    await idempotency.made(connection, _scope(detail), key, " ".join(_names(taken)))
            if earlier is None:
                await self._actions.publish(list(taken.cases))
        return taken

    async def _earlier(self, connection: Connection, visit: _Visit, key: str | None) -> Taken | None:
        if key is None:
            return None
        what = await claim(connection, _scope(visit.detail), key, visit.handed)
        return await self._made(connection, what) if what is not None else None

    async def _take(self, connection: Connection, visit: _Visit) -> Taken:
        given, most = await self._notices_given(connection, visit), visit.rules.policy.max_intake_notices
        if not visit.handed.missing:
            return await self._register(connection, visit)
        if given >= most:
            raise RuleBroken.max_intake_notices(most)
        return Taken(notice=await self._notice(connection, visit))

    async def _made(self, connection: Connection, made: str) -> Taken:
        if made.startswith("notice "):
            return Taken(notice=int(made.removeprefix("notice ")))
        found = [(name, await read_case(connection, Code(name))) for name in made.split()]
        return Taken(Code(found[0][0]), tuple(case for _, case in found if case is not None))

    # what it is about

    async def _parts(self, detail: OfficeDetail, handed: Handed) -> tuple[GroupKind | None, list[_Part]]:
        if (handed.procedure is None) == (handed.group is None):
            raise _wrong("procedure", "name a procedure or a group")
        if handed.group is None:
            return None, [await self._part(detail, str(handed.procedure), handed.agency, "procedure")]
        kind = (await self._directory.group_kinds()).get(handed.group)
        if kind is None:
            raise _wrong("group", f"there is no group {handed.group!r}")
        parts = [await self._part(detail, part.procedure, None, "group", waits=bool(part.after)) for part in kind.parts]
        return kind, parts

    async def _part(
        self, detail: OfficeDetail, procedure_code: str, agency: str | None, field: str, *, waits: bool = False
    ) -> _Part:
        procedure = next((one for one in detail.procedures if one.code == procedure_code), None)
        if procedure is None:
            raise _wrong(field, f"this office does not receive procedure {procedure_code!r}")
        agencies = await self._directory.agencies()
        decides = agencies.get(agency or procedure.agency or detail.office.agencies[0])
        if decides is None:
            raise _wrong("agency", f"there is no agency {agency!r}")
        return _Part(procedure, Named(decides.code, decides.name), waits)

    # incomplete

    async def _notices_given(self, connection: Connection, visit: _Visit) -> int:
        if visit.handed.notice is None:
            return 0
        row = await queries.notice_read.row(connection, id=visit.handed.notice, office_id=visit.detail.office.id)
        if row is None:
            raise UnknownNotice(str(visit.handed.notice))
        return int(row["given"])

    async def _notice(self, connection: Connection, visit: _Visit) -> int:
        handed = visit.handed
        if absent := [name for name in ("reason", "guidance") if not getattr(handed, name)]:
            raise BadRequest(
                "a notice says everything at once", [FieldError(name, "needed with missing papers") for name in absent]
            )
        return int(
            await queries.notice_add.value(
                connection,
                office_id=visit.detail.office.id,
                procedure_code=visit.parts[0].procedure.code,
                at=visit.now,
                staff_id=visit.by.staff.id if visit.by.staff else None,
                applicant_name=handed.applicant.name,
                missing=list(handed.missing),
                reason=handed.reason,
                guidance=handed.guidance,
                earlier=handed.notice,
                request_id=visit.by.request_id,
            )
        )

    # complete

    async def _register(self, connection: Connection, visit: _Visit) -> Taken:
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

    async def _open_group(self, connection: Connection, visit: _Visit) -> Code:
        assert visit.kind is not None
        code, office = await self._draw(connection, visit), visit.detail.office.id
        await queries.group_add.run(
            connection, code=code.text, kind=visit.kind.id, office_id=office, opened_at=visit.now
        )
        return code

    async def _draw(self, connection: Connection, visit: _Visit) -> Code:
        agency, day = visit.detail.office.agencies[0], visit.detail.service_day(visit.now)
        serial = await queries.serial_draw.value(connection, agency_code=agency, day=day)
        return codes.issue(agency, day, serial)

    async def _add(
        self, connection: Connection, visit: _Visit, part: _Part, group: Code | None, papers: tuple[Paper, ...]
    ) -> Case:
        case = _received(visit, part, group, papers)
        event_id, code = await self._insert(connection, case, visit)
        case = replace(case, code=code.text)
        await self._beside(connection, visit, case, papers, _fee(visit, part))
        triggers = (Trigger.ACCEPTED,) if case.status is Status.ACCEPTED else ()
        await announce(connection, Happened(event_id, visit.now, code, visit.detail.office.id, triggers))
        return case

    async def _insert(self, connection: Connection, case: Case, visit: _Visit) -> tuple[int, Code]:
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
        raise BadRequest("every code of the day seems to be taken by another system")

    async def _beside(
        self, connection: Connection, visit: _Visit, case: Case, papers: tuple[Paper, ...], fee: int
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


def _received(visit: _Visit, part: _Part, group: Code | None, papers: tuple[Paper, ...]) -> Case:
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


def _fee(visit: _Visit, part: _Part) -> int:
    limit = part.procedure.limit_on(visit.detail.service_day(visit.now))
    return limit.fee if limit else 0


def _scope(detail: OfficeDetail) -> str:
    return f"intake {detail.office.id}"


def _names(taken: Taken) -> list[str]:
    # What a repetition is answered from: the number of the notice, or the codes, the one to follow first.
    if taken.code is None:
        return ["notice", str(taken.notice)]
    return list(dict.fromkeys([taken.code.text, *(case.code for case in taken.cases)]))


def _wrong(field: str, reason: str) -> BadRequest:
    return BadRequest("the intake names what is not there", [FieldError(field, reason)])
