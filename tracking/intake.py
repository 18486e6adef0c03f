"""Taking a dossier in: complete → code, due date, appointment, receipt; incomplete → the one complete notice."""

from __future__ import annotations

from datetime import datetime

from kit import idempotency
from kit.database import Connection, Database
from kit.idempotency import claim
from kit.problems import BadRequest, FieldError
from kit.sessions import Staff
from office.directory import Directory
from office.model import GroupKind, OfficeDetail
from tracking.actions import Actions, By
from tracking.cases import read_case
from tracking.codes import Code
from tracking.decisions import Rules
from tracking.policy import Policy
from tracking.receipts.receipts import Receipts
from tracking.registration import Handed, Part, Registration, Taken, Visit
from tracking.rules import RuleBroken
from tracking.status import Named
from tracking.store import queries


class UnknownNotice(LookupError):
    """There is no such notice at this office."""


class Intake:
    """Registers dossiers and groups, and writes notices."""

    def __init__(self, database: Database, directory: Directory, actions: Actions, receipts: Receipts) -> None:
        self._database = database
        self._directory = directory
        self._actions = actions
        self._registration = Registration(receipts)

    async def take(self, handed: Handed, staff: Staff, by: By, key: str | None, now: datetime) -> Taken:
        """Take in what was handed in at the office of ``staff``. The same key and contents are taken in once.

        Raises BadRequest (a field names what the office does not have), RuleBroken, UnknownNotice, KeyReused.
        """
        async with self._database.operation():
            detail = await self._directory.detail(staff.office)
            rules = Rules(Policy.from_mapping(detail.policies.on(detail.service_day(now))), detail.calendar)
            kind, parts = await self._parts(detail, handed)
            visit = Visit(handed, detail, rules, kind, parts, by, now)
            async with self._database.transaction() as connection:
                earlier = await self._earlier(connection, visit, key)
                taken = earlier or await self._take(connection, visit)
                if key is not None and earlier is None:
                    await idempotency.made(connection, _scope(detail), key, " ".join(_names(taken)))
        if earlier is None:
            await self._actions.publish(list(taken.cases))
        return taken

    async def _earlier(self, connection: Connection, visit: Visit, key: str | None) -> Taken | None:
        if key is None:
            return None
        what = await claim(connection, _scope(visit.detail), key, visit.handed)
        return await self._made(connection, what) if what is not None else None

    async def _take(self, connection: Connection, visit: Visit) -> Taken:
        given, most = await self._notices_given(connection, visit), visit.rules.policy.max_intake_notices
        if not visit.handed.missing:
            return await self._registration.register(connection, visit)
        if given >= most:
            raise RuleBroken.max_intake_notices(most)
        return Taken(notice=await self._notice(connection, visit))

    async def _made(self, connection: Connection, made: str) -> Taken:
        if made.startswith("notice "):
            return Taken(notice=int(made.removeprefix("notice ")))
        found = [(name, await read_case(connection, Code(name))) for name in made.split()]
        return Taken(Code(found[0][0]), tuple(case for _, case in found if case is not None))

    # what it is about

    async def _parts(self, detail: OfficeDetail, handed: Handed) -> tuple[GroupKind | None, list[Part]]:
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
    ) -> Part:
        procedure = next((one for one in detail.procedures if one.code == procedure_code), None)
        if procedure is None:
            raise _wrong(field, f"this office does not receive procedure {procedure_code!r}")
        agencies = await self._directory.agencies()
        decides = agencies.get(agency or procedure.agency or detail.office.agencies[0])
        if decides is None:
            raise _wrong("agency", f"there is no agency {agency!r}")
        return Part(procedure, Named(decides.code, decides.name), waits)

    # incomplete

    async def _notices_given(self, connection: Connection, visit: Visit) -> int:
        if visit.handed.notice is None:
            return 0
        row = await queries.notice_read.row(connection, id=visit.handed.notice, office_id=visit.detail.office.id)
        if row is None:
            raise UnknownNotice(str(visit.handed.notice))
        return int(row["given"])

    async def _notice(self, connection: Connection, visit: Visit) -> int:
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


def _scope(detail: OfficeDetail) -> str:
    return f"intake {detail.office.id}"


def _names(taken: Taken) -> list[str]:
    # What a repetition is answered from: the number of the notice, or the codes, the one to follow first.
    if taken.code is None:
        return ["notice", str(taken.notice)]
    return list(dict.fromkeys([taken.code.text, *(case.code for case in taken.cases)]))


def _wrong(field: str, reason: str) -> BadRequest:
    return BadRequest("the intake names what is not there", [FieldError(field, reason)])
