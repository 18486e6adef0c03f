"""Ticket answers for the status lane: the flood at the peak, one phone for each waiting person."""

from __future__ import annotations

from collections.abc import Callable

from kit.cache import VersionedCache
from kit.lane import Answer, answer_of
from kit.snapshot import Snapshot
from office.directory import Directory
from tickets.api import PRIVATE
from tickets.hall import Halls, HallView
from tickets.ticket import parse_token


class TicketSource:
    """Answers for ``/api/v1/tickets/`` and a token whose ticket is in its office's hall."""

    template = "/api/v1/tickets/{token}"

    def __init__(self, cache: VersionedCache, directory: Directory, halls: Halls) -> None:
        self._cache = cache
        self._directory = directory
        self._halls = halls

    def now(self, name: str) -> Answer | None:
        """From the hall in this worker's memory."""
        office = self._directory.known_id_of_key(name.partition(".")[0])
        if office is None:
            return None
        snapshot = self._cache.remembered(self._halls.topic, office)
        return _answer(self._halls.view_of(office, snapshot), name) if snapshot is not None else None

    def later(self, name: str, call: Callable[[Answer | None], None]) -> bool:
        """From the hall in Redis or PostgreSQL. A ticket that is in no hall is aiohttp's."""
        token = parse_token(name)
        office = self._directory.known_id_of_key(token.office_key) if token is not None else None
        if office is None:
            return False

        def found(hall: Snapshot | Exception | None) -> None:
            call(_answer(self._halls.view_of(office, hall), name) if isinstance(hall, Snapshot) else None)

        self._cache.ask(self._halls.topic, office, found)
        return True


def _answer(view: HallView, token: str) -> Answer | None:
    ready = view.ready.get(token)
    if ready is None and (body := view.answer(token)) is not None:
        ready = view.ready[token] = answer_of(view.snapshot, body, PRIVATE)
    return ready
