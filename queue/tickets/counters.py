"""What a clerk does at a counter: open, close, call the next number, move a ticket on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from kit.database import Connection, Database, DatabaseUnavailable
from kit.outbox import Publisher
from kit.sessions import Role, Staff
from kit.tasks import Tasks
from metrics import catalogue
from office.directory import Directory
from tickets.hall import Halls, queries
from tickets.policy import CallPolicy
from tickets.reading import Answer, Reading, UnknownTicket
from tickets.ticket import MOVES, MoveNotAllowed, State, Token, parse_token

log = structlog.get_logger()

AT_THE_COUNTER = frozenset({Role.CLERK, Role.SUPERVISOR, Role.ADMIN})
"""Who may open counters and call."""


class UnknownCounter(LookupError):
    """There is no such counter."""


class CounterClosed(Exception):
    """The counter has to be opened first."""


class NotItsSkill(ValueError):
    """The counter cannot take a service that was asked of it."""


@dataclass(frozen=True, slots=True)
class AtCounter:
    """A ticket that a counter has called and not ended."""

    token: str
    number: str
    service: str
    state: State
    called_at: datetime
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class CounterState:
    """A counter as its clerk sees it."""

    id: str
    office: str
    name: str
    skills: tuple[str, ...]
    services: tuple[str, ...]
    opened_at: datetime | None
    staff: str | None


class Counters:
    """The clerk's operations. Each is one statement; what it changed is published right after."""

    def __init__(
        self, database: Database, directory: Directory, halls: Halls, reading: Reading, publisher: Publisher
    ) -> None:
        self._database = database
        self._directory = directory
        self._halls = halls
        self._reading = reading
        self._publisher = publisher
        self._tasks = Tasks()

    async def read(self, counter_id: str, staff: Staff) -> CounterState:
        """The counter. Raises UnknownCounter, and Forbidden if it is another office's."""
        async with self._database.connection() as connection:
            row = await queries.counter_read.row(connection, counter_id=counter_id)
        if row is None:
            raise UnknownCounter(counter_id)
        staff.must_act_at(row["office_id"])
        return CounterState(
            row["id"],
            row["office_id"],
            row["name"],
            tuple(row["skills"]),
            tuple(row["services"]),
            row["opened_at"],
            row["staff"],
        )

    async def open(self, counter_id: str, services: Sequence[str], staff: Staff) -> None:
        """Open the counter for ``services`` (at least one). Raises UnknownCounter, Forbidden, NotItsSkill."""
        async with self._database.operation():
            counter = await self.read(counter_id, staff)
            wanted = list(dict.fromkeys(services))
            if unskilled := [service for service in wanted if service not in counter.skills] or not wanted:
                raise NotItsSkill(f"counter {counter_id} takes {', '.join(counter.skills)}, not {unskilled}")
            async with self._database.connection() as connection:
                opened = await queries.counter_open.row(
                    connection, counter_id=counter_id, services=wanted, staff_id=staff.id
                )
            if opened is None:
                raise NotItsSkill(f"what counter {counter_id} takes has just changed; look again")
            self._publish(counter.office)

    async def close(self, counter_id: str, staff: Staff) -> None:
        """Close the counter; who is being served there stays. Raises UnknownCounter, Forbidden."""
        async with self._database.operation():
            counter = await self.read(counter_id, staff)
            async with self._database.connection() as connection:
                await queries.counter_close.row(connection, counter_id=counter_id)
            self._publish(counter.office)

    async def call_next(self, counter_id: str, key: str | None, staff: Staff, now: datetime) -> Answer | None:
        """Call the next ticket by the office's policy; None if nobody waits here. The same ``key`` never calls twice.

        Raises UnknownCounter, Forbidden, CounterClosed.
        """
        async with self._database.operation():
            counter = await self.read(counter_id, staff)
            if counter.opened_at is None:
                raise CounterClosed(f"counter {counter_id} is closed; open it first")
            detail = await self._directory.detail(counter.office)
            day = detail.service_day(now)
            policy = CallPolicy.from_mapping(detail.policies.on(day))
            async with self._database.connection() as connection:
                token = await queries.ticket_call_next.value(
                    connection,
                    counter_id=counter_id,
                    day=day,
                    key=key,
                    staff_id=staff.id,
                    priority_bound=policy.priority_bound,
                    escape=policy.escape,
                    listed=policy.listed,
                )
                if token is not None:
                    catalogue.tickets_called.labels(counter.office).inc()
                elif key is not None:
                    token = await _called_with(connection, f"call {counter_id}", key)
            return await self._published_answer(counter.office, token) if token else None

    async def move(self, token: Token, name: str, staff: Staff | None) -> Answer:
        """Move a ticket on (``start``, ``finish``, ``no-show``, ``recall``; ``cancel`` by its holder, without staff).

        Raises UnknownTicket, Forbidden, MoveNotAllowed.
        """
        async with self._database.operation():
            office = await self._reading.office_of(token)
            if staff is not None:
                staff.must_act_at(office)
            move = MOVES[name]
            async with self._database.connection() as connection:
                moved = await queries.ticket_move.value(
                    connection,
                    day=token.day,
                    token=token.text,
                    from_states=[state.value for state in move.sources],
                    to_state=move.target.value,
                    ends=move.target.is_final,
                    event=move.name,
                    staff_id=staff.id if staff else None,
                )
                if moved is None:
                    row = await queries.ticket_read.row(connection, day=token.day, token=token.text)
                    if row is None:
                        raise UnknownTicket
                    raise MoveNotAllowed(move, State(row["state"]))
            return await self._published_answer(office, token.text)

    async def at(self, counter: CounterState, now: datetime) -> list[AtCounter]:
        """The tickets that the counter has called and not ended, oldest first."""
        day = (await self._directory.detail(counter.office)).service_day(now)
        async with self._database.connection() as connection:
            rows = await queries.counter_tickets.rows(
                connection, office_id=counter.office, day=day, counter_id=counter.id
            )
        return [
            AtCounter(
                row["token"],
                row["number"],
                row["service_id"],
                State(row["state"]),
                row["called_at"],
                row["started_at"],
            )
            for row in rows
        ]

    async def _published_answer(self, office: str, token_text: str) -> Answer:
        try:
            await self._publisher.publish(self._halls.topic, office)
        except DatabaseUnavailable as error:
            log.warning("hall_not_published", office=office, reason=str(error))
        token = parse_token(token_text)
        assert token is not None
        return await self._reading.ticket(token)

    async def settle(self) -> None:
        """Let publications that are under way end, for at most a second."""
        await self._tasks.end(1)

    def _publish(self, office: str) -> None:
        self._tasks.start(self._publisher.publish(self._halls.topic, office))


async def _called_with(connection: Connection, scope: str, key: str) -> str | None:
    # The first call with this key may not have committed yet, and hold the last ticket that waited: trying to claim the
    # key waits for it. What is claimed here is given back: a key that called nobody may call somebody later.
    probe = connection.transaction()
    await probe.start()
    try:
        await queries.call_key_probe.row(connection, scope=scope, key=key)
        earlier = await queries.idempotency_read.row(connection, scope=scope, key=key)
    finally:
        await probe.rollback()
    return earlier["made"] or None if earlier else None
