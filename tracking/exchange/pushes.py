"""Taking the state of a dossier from another one-stop system: idempotent by version, never back in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from operator import itemgetter

import structlog

from kit.cache import Topic
from kit.database import Connection, Database, DatabaseUnavailable
from kit.outbox import Publisher
from kit.problems import BadRequest, FieldError
from kit.sessions import Role, Staff
from office.directory import Directory, UnknownOffice
from tracking.codes import Code
from tracking.exchange.clocks import Clock, Clocks, OfficeTime
from tracking.exchange.references import queries
from tracking.exchange.state import Push
from tracking.notices.queue import Happened, announce

log = structlog.get_logger()


class WorkedOnHere(Exception):
    """The dossier is this system's own: nobody else may overwrite it."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. ``changed`` is false for a version that is not newer; ``version`` is the stored one."""

    code: str
    version: int
    changed: bool
    added: bool = False


class Pushes:
    """Stores what other systems push."""

    def __init__(self, database: Database, directory: Directory, publisher: Publisher, dossiers: Topic) -> None:
        self._database = database
        self._directory = directory
        self._publisher = publisher
        self._dossiers = dossiers

    async def take(self, code: Code, push: Push, staff: Staff, request_id: str | None = None) -> Pushed:
        """Store ``push`` if it is newer, and make it public.

        Raises Forbidden (another office's dossier), BadRequest (it names what is not there), WorkedOnHere,
        DatabaseUnavailable.
        """
        _must_answer_for(staff, push.receiving_office)
        async with self._database.operation():
            office = await self._office(push.receiving_office)
            async with self._database.transaction() as connection:
                pushed = await self._store(connection, code, push, office, staff, request_id)
        if pushed.changed:
            await self._publish(code)
        return pushed

    async def _store(
        self, connection: Connection, code: Code, push: Push, office: OfficeTime, staff: Staff, request_id: str | None
    ) -> Pushed:
        known = await queries.push_lock.row(connection, year=code.year, code=code.text)
        if known is not None:
            _must_answer_for(staff, known["receiving_office"])
            if known["ours"]:
                raise WorkedOnHere(
                    "hồ sơ này do hệ thống này xử lý, không nhận trạng thái từ hệ thống khác · "
                    "this dossier is worked on in this system; the state of another one is not taken"
                )
            if push.version <= known["version"]:
                return Pushed(code.text, known["version"], changed=False)
        clock = await _clock(connection, push, office)
        if await _write(connection, code, push, clock, known["version"] if known else None) is None:
            # Somebody else made the dossier between the look and the write; now it is there, and locked.
            return await self._store(connection, code, push, office, staff, request_id)
        event = await queries.push_event.row(
            connection, code=code.text, version=push.version, status=push.status, office_id=push.receiving_office,
            from_status=known["status"] if known else None, staff_id=staff.id, request_id=request_id,
            steps=[step.model_dump() for step in push.steps],
        )  # fmt: skip
        assert event is not None
        await announce(connection, Happened(event["id"], event["at"], code, push.receiving_office, ()))
        return Pushed(code.text, push.version, changed=True, added=known is None)

    async def _office(self, office_id: str) -> OfficeTime:
        try:
            detail = await self._directory.detail(office_id)
        except UnknownOffice:
            raise BadRequest("the body names what is not there", [_missing("receiving_office")]) from None
        return OfficeTime(detail.calendar, detail.policies)

    async def _publish(self, code: Code) -> None:
        try:
            await self._publisher.publish(self._dossiers, code.text)
        except DatabaseUnavailable as error:
            log.warning("dossier_not_published", reason=str(error))  # the outbox row is there; a relay will


def _must_answer_for(staff: Staff, office_id: str) -> None:
    if staff.role is not Role.ADMIN:
        staff.must_act_at(office_id)


async def _clock(connection: Connection, push: Push, office: OfficeTime) -> Clock:
    there = await queries.push_references.row(connection, procedure=push.procedure, agency=push.competent_agency)
    assert there is not None
    fields = (("procedure", there["procedure"]), ("competent_agency", there["agency"]))
    if missing := [_missing(field) for field, found in fields if not found]:
        raise BadRequest("the body names what is not there", missing)
    rows = await queries.push_limits.rows(connection, procedure=push.procedure)
    limits: list[tuple[date, str]] = [itemgetter("valid_from", "time_limit")(row) for row in rows]
    return Clocks({push.receiving_office: office}, {push.procedure: limits}).complete(push)


def _missing(field: str) -> FieldError:
    return FieldError(field, "not in this system's catalogue")


async def _write(connection: Connection, code: Code, push: Push, clock: Clock, known: int | None) -> int | None:
    stored = await queries.push_store.value(
        connection,
        year=code.year,
        code=code.text,
        known=known,
        procedure=push.procedure,
        receiving_office=push.receiving_office,
        competent_agency=push.competent_agency,
        channel=push.channel,
        status=push.status,
        received_at=push.received_at,
        handed_over_at=clock.handed_over_at,
        time_limit=clock.time_limit,
        due_at=push.due_at,
        appointment_on=push.appointment_on,
        appointment_changes=push.appointment_changes,
        clock_stopped_at=push.clock_stopped_at,
        stopped_minutes=push.stopped_minutes,
        supplements=push.supplements,
        processing_minutes=clock.processing_minutes,
        outcome=push.outcome,
        finished_at=push.finished_at,
        returned_at=push.returned_at,
        version=push.version,
        origin=push.origin,
    )
    return int(stored) if stored is not None else None
