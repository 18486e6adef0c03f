"""What a ticket's holder is told, from the hall's snapshot, or from PostgreSQL when the ticket is in no hall any
more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.database import Database
from kit.outbox import Publisher
from office.directory import Directory
from tickets.hall import Halls, HallView, queries, ticket_json
from tickets.ticket import State, Token


class UnknownTicket(LookupError):
    """Nobody holds such a ticket."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The ticket object as JSON bytes, its validator, and the same as values for pages."""

    body: bytes
    etag: str
    office: str
    place: dict[str, Any]

    @property
    def state(self) -> State:
        """Where the ticket stands."""
        return State(self.place["state"])


class Reading:
    """Answers for tickets."""

    def __init__(self, database: Database, directory: Directory, halls: Halls, publisher: Publisher) -> None:
        self._database = database
        self._directory = directory
        self._halls = halls
        self._publisher = publisher

    async def office_of(self, token: Token) -> str:
        """The office whose line the token stands in. Raises UnknownTicket."""
        office = await self._directory.id_of_key(token.office_key)
        if office is None:
            raise UnknownTicket
        return office

    async def ticket(self, token: Token) -> Answer:
        """The current answer. Raises UnknownTicket, DatabaseUnavailable."""
        office = await self.office_of(token)
        view = await self._halls.view(office)
        return answer_in(view, token) or await self._answer_of_the_past(office, view, token)

    async def _answer_of_the_past(self, office: str, view: HallView, token: Token) -> Answer:
        place = await self._read_past(office, token)
        if not State(place["state"]).is_final:
            # Issued a moment ago at another worker: this worker's snapshot is the one that is behind.
            snapshot = await self._publisher.publish(self._halls.topic, office)
            if snapshot is not None and (answer := answer_in(self._halls.view_of(office, snapshot), token)) is not None:
                return answer
        queues = view.queues
        body = ticket_json(token.text, office, place, queues["version"], queues["as_of"], self._halls.status_base)
        return Answer(body, view.snapshot.etag, office, place)

    async def _read_past(self, office: str, token: Token) -> dict[str, Any]:
        timezone = (await self._directory.detail(office)).calendar.timezone
        async with self._database.connection() as connection:
            row = await queries.ticket_read.row(connection, day=token.day, token=token.text)
        if row is None:
            raise UnknownTicket
        state = State(row["state"])
        if token.day < datetime.now(timezone).date() and not state.is_final:
            state = State.EXPIRED  # nobody is called after the office's midnight
        return {
            "number": row["number"],
            "service": row["service_id"],
            "state": state.value,
            "ahead": None,
            "wait_minutes": None,
            "counter": row["counter"],
            "issued_at": row["issued_at"].astimezone(timezone).isoformat(timespec="seconds"),
        }


def answer_in(view: HallView, token: Token) -> Answer | None:
    """The answer out of one view of the hall; None if the ticket is not in it."""
    body = view.answer(token.text)
    if body is None:
        return None
    return Answer(body, view.snapshot.etag, view.queues["office"], view.places[token.text])
