"""Doing something with a dossier: decided by ``workflow``, written in one transaction, then made public."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
import structlog

from kit.cache import Topic
from kit.database import Connection, Database, DatabaseUnavailable
from kit.idempotency import claim
from kit.outbox import Publisher
from kit.problems import BadRequest, FieldError
from kit.sessions import Staff
from office.directory import Directory
from tracking import groups
from tracking.api import UnknownDossier
from tracking.case import Case
from tracking.cases import must_work_on, read_case
from tracking.codes import Code
from tracking.deadlines import Limit
from tracking.decisions import Decision, Rules, decide
from tracking.notices.queue import Happened, Trigger, announce
from tracking.policy import Policy
from tracking.rules import RuleBroken
from tracking.store import queries
from tracking.workflow import Action, MissingDetail, Wish

log = structlog.get_logger()


class VersionConflict(Exception):
    """Somebody else changed the dossier after the caller looked at it."""

    def __init__(self, known: int, case: Case) -> None:
        super().__init__(
            f"hồ sơ đã thay đổi (phiên bản {case.version}, không còn {known}); xin xem lại trước khi làm · "
            f"the dossier has changed (version {case.version}, no longer {known}); look again first"
        )


class ReferenceReused(Exception):
    """The bank's reference of a transfer stands on another payment already."""


class KeptElsewhere(Exception):
    """The dossier is kept by another one-stop system, which pushes its state."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does it: the member of staff (None: the service itself), and the request it came with."""

    staff: Staff | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What a caller says about repetition: the version that was looked at (``If-Match``), the idempotency key."""

    version: int | None = None
    key: str | None = None


class Actions:
    """Every change of a dossier that is ours."""

    def __init__(
        self, database: Database, directory: Directory, publisher: Publisher, dossiers: Topic, group_topic: Topic
    ) -> None:
        self._database = database
        self._directory = directory
        self._publisher = publisher
        self._dossiers = dossiers
        self._groups = group_topic

    async def act(self, code: Code, action: Action, wish: Wish, by: By, known: Known, now: datetime) -> Case:
        """Do ``action``; the answer is the case afterwards. The same key and wish act once.

        Raises UnknownDossier, Forbidden, KeptElsewhere, VersionConflict, KeyReused, ReferenceReused, ActionNotAllowed,
        BadRequest, RuleBroken, DatabaseUnavailable; nothing is kept then.
        """
        async with self._database.operation(), self._database.transaction() as connection:
            case, changed = await self._act(connection, code, action, wish, by, known, now)
        await self.publish(changed)
        return case

    async def _act(
        self, connection: Connection, code: Code, action: Action, wish: Wish, by: By, known: Known, now: datetime
    ) -> tuple[Case, list[Case]]:
        await groups.lock(connection, code)
        await queries.case_lock.row(connection, year=code.year, code=code.text)
        case = await read_case(connection, code)
        if case is None:
            raise UnknownDossier
        if by.staff is not None:
            must_work_on(by.staff, case, (await self._directory.offices())[by.staff.office])
        if known.key and await claim(connection, f"dossier {code} {action}", known.key, wish) is not None:
            return case, []
        if known.version is not None and known.version != case.version:
            raise VersionConflict(known.version, case)
        if case.origin not in (None, "import"):  # what was imported is taken over by the first of our actions
            raise KeptElsewhere(f"hồ sơ do hệ thống {case.origin} quản lý · kept by the system {case.origin}")
        waits = action is Action.ACCEPT and case.case_group is not None
        if waits and (ahead := await groups.waits_for(connection, str(case.case_group), code)):
            raise RuleBroken.waits_for(ahead)
        changed = await self.apply(connection, case, action, wish, by, now)
        return changed[0], changed

    async def pay(self, code: Code, amount: int, reference: str, now: datetime) -> Case:
        """Write down a transfer that the bank reports (idempotent by ``reference`` at the caller).

        Raises as :meth:`act`.
        """
        wish = Wish(amount=amount, method="transfer", reference=reference)
        return await self.act(code, Action.RECEIVE_PAYMENT, wish, By(), Known(key=f"bank {reference}"), now)

    async def apply(
        self, connection: Connection, case: Case, action: Action, wish: Wish, by: By, now: datetime
    ) -> list[Case]:
        """Decide and write inside the caller's transaction, with what follows for the other parts of a group; the
        answer is every case that changed, the given one first. The caller holds its lock and publishes afterwards.
        """
        rules = await self.rules(case)
        try:
            decision = decide(await self._with_limit(case), action, wish, rules, now)
        except MissingDetail as error:
            raise BadRequest(
                str(error), [FieldError(name, "needed for this action") for name in error.fields]
            ) from None
        await self._write(connection, case, action, wish, by, decision, now)
        changed = [decision.case]
        if case.case_group is not None:
            changed += await self._follow(connection, case.case_group, by, now)
        return changed

    async def _follow(self, connection: Connection, group_code: str, by: By, now: datetime) -> list[Case]:
        found = await groups.consequence(connection, group_code)
        if found is None:
            return []
        code, action, reason = found
        waiting = await read_case(connection, code)
        assert waiting is not None
        if action is Action.ACCEPT:
            waiting = replace(waiting, received_at=now)  # its clock begins when what it waited for is there
        return await self.apply(connection, waiting, action, Wish(reason=reason), by, now)

    async def rules(self, case: Case) -> Rules:
        """What is in force for a case: the receiving office's policy on the day of receipt, and its calendar."""
        detail = await self._directory.detail(case.receiving_office.code)
        day = detail.calendar.local(case.received_at).date()
        return Rules(Policy.from_mapping(detail.policies.on(day)), detail.calendar)

    async def _with_limit(self, case: Case) -> Case:
        # Dossiers of other systems come without; the limit of the day of receipt is then looked up.
        if case.limit is not None:
            return case
        detail = await self._directory.detail(case.receiving_office.code)
        day = detail.calendar.local(case.received_at).date()
        procedure = next((one for one in detail.procedures if one.code == case.procedure.code), None)
        found = procedure.limit_on(day) if procedure else None
        return replace(case, limit=Limit.parse(found.time_limit)) if found else case

    async def _write(
        self, connection: Connection, before: Case, action: Action, wish: Wish, by: By, decision: Decision,
        now: datetime,
    ) -> None:  # fmt: skip
        after, code = decision.case, Code(decision.case.code)
        event_id = await queries.case_change.value(
            connection,
            year=code.year,
            code=code.text,
            status=after.status,
            version=after.version,
            received_at=after.received_at,
            handed_over_at=after.handed_over_at,
            time_limit=str(after.limit) if after.limit else None,
            due_at=after.due_at,
            appointment_on=after.appointment_on,
            appointment_changes=after.appointment_changes,
            clock_stopped_at=after.clock_stopped_at,
            stopped_minutes=after.stopped_minutes,
            processing_minutes=after.processing_minutes,
            outcome=after.outcome,
            finished_at=after.finished_at,
            returned_at=after.returned_at,
            supplements=after.supplements,
            extensions=after.extensions,
            originals_held=after.originals_held,
            amount_due=after.amount_due,
            at=now,
            action=action.value,
            from_status=before.status,
            staff_id=by.staff.id if by.staff else None,
            reason=wish.reason,
            details=dict(decision.details),
            office_id=by.staff.office if by.staff else None,
            request_id=by.request_id,
        )
        await _beside(connection, before, action, wish, decision, now)
        triggers = tuple(Trigger(name) for name in decision.triggers)
        await announce(connection, Happened(event_id, now, code, after.receiving_office.code, triggers))

    async def publish(self, changed: list[Case]) -> None:
        """Make committed changes public; what cannot be published now a relay publishes."""
        topics = [(self._dossiers, case.code) for case in changed]
        topics += [(self._groups, group) for group in dict.fromkeys(case.case_group for case in changed) if group]
        try:
            async with self._database.operation():
                for topic, name in topics:
                    await self._publisher.publish(topic, name)
        except DatabaseUnavailable as error:
            log.warning("dossier_not_published", reason=str(error))


async def _beside(
    connection: Connection, before: Case, action: Action, wish: Wish, decision: Decision, now: datetime
) -> None:
    code = Code(before.code)
    if action is Action.REQUEST_PAYMENT:
        await queries.payment_ask.run(
            connection, year=code.year, code=code.text, amount=wish.amount, purpose=wish.purpose, at=now
        )
    if action is Action.RECEIVE_PAYMENT:
        reference = wish.reference if wish.method == "transfer" else None
        try:
            await queries.payments_settle.run(
                connection, code=code.text, at=now, method=wish.method, reference=reference
            )
        except asyncpg.UniqueViolationError as error:
            raise ReferenceReused("this reference came before with another dossier or amount") from error
    if before.originals_held and not decision.case.originals_held:
        await queries.originals_given_back.run(connection, year=code.year, code=code.text, at=now)
    if decision.apology:
        await queries.apology_owe.run(
            connection,
            year=code.year,
            code=code.text,
            kind=decision.apology,
            office_id=before.receiving_office.code,
            at=now,
            reason=wish.reason,
        )
