"""Giving out numbers: once per idempotency key, whatever the network does."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from kit.database import Database, DatabaseUnavailable
from kit.idempotency import KeyReused
from kit.outbox import Publisher
from metrics import catalogue
from office.directory import Directory
from office.model import OfficeDetail
from tickets.hall import Halls, queries
from tickets.reading import Reading
from tickets.ticket import Priority, Token, new_token, parse_token

log = structlog.get_logger()


class OfficeClosed(Exception):
    """No numbers are given out now; the text says when the office opens again."""


class UnknownService(LookupError):
    """The office has no such service."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a citizen asks for. ``phone`` is personal data: it goes into the ticket's row and nowhere else."""

    service: str
    priority: Priority = Priority.NORMAL
    phone: str | None = None
    dossier_code: str | None = None

    def sha256(self) -> bytes:
        """Tells whether a repeated key comes with the same wish."""
        parts = (self.service, self.priority.value, self.phone, self.dossier_code)
        return hashlib.sha256(orjson.dumps(parts)).digest()


@dataclass(frozen=True, slots=True)
class Issued:
    """The answer to a wish: the ticket object as JSON, and its token."""

    body: bytes
    token: str


class Issuing:
    """Issues tickets."""

    def __init__(
        self, database: Database, directory: Directory, halls: Halls, reading: Reading, publisher: Publisher
    ) -> None:
        self._database = database
        self._directory = directory
        self._halls = halls
        self._reading = reading
        self._publisher = publisher

    async def issue(self, office_id: str, wish: Wish, key: str | None, now: datetime) -> Issued:
        """A ticket for ``wish`` at ``now``. The same ``key`` and wish give the same answer again.

        Raises UnknownOffice, UnknownService, OfficeClosed, KeyReused, DatabaseUnavailable.
        """
        async with self._database.operation():
            detail = await self._directory.detail(office_id)
            if wish.service not in detail.services:
                raise UnknownService(wish.service)
            key = key or secrets.token_urlsafe(16)
            made = await self._repeated(office_id, wish, key) if not detail.takes_tickets(now) else None
            if made is None:
                if not detail.takes_tickets(now):
                    opening = detail.opens_at(now)
                    when = f"opens at {opening.isoformat(timespec='minutes')}" if opening else "does not open again"
                    raise OfficeClosed(f"the office is closed; it {when}")
                made = await self._make(detail, wish, key, now)
            return await self._answer(office_id, key, *made)

    async def _make(self, detail: OfficeDetail, wish: Wish, key: str, now: datetime) -> tuple[Token, bytes | None]:
        office_id, service = detail.office.id, detail.services[wish.service]
        token = new_token(detail.office.short_key, detail.service_day(now))
        async with self._database.connection() as connection:
            row = await queries.ticket_issue.row(
                connection,
                scope=f"ticket {office_id}",
                key=key,
                body_sha256=wish.sha256(),
                token=token.text,
                office_id=office_id,
                service_id=service.id,
                day=token.day,
                prefix=service.prefix,
                priority=wish.priority.value,
                rank=wish.priority.rank,
                phone=wish.phone,
                dossier_code=wish.dossier_code,
            )
        if row is not None:
            catalogue.tickets_issued.labels(office_id).inc()
            return token, None
        repeated = await self._repeated(office_id, wish, key)
        if repeated is None:
            raise DatabaseUnavailable("the first request with this key was undone while this one waited")
        return repeated

    async def _repeated(self, office_id: str, wish: Wish, key: str) -> tuple[Token, bytes | None] | None:
        async with self._database.connection() as connection:
            row = await queries.idempotency_read.row(connection, scope=f"ticket {office_id}", key=key)
        if row is None:
            return None
        if row["body_sha256"] != wish.sha256():
            raise KeyReused("this Idempotency-Key was used with another body")
        token = parse_token(row["made"])
        assert token is not None
        return token, row["answer"].encode() if row["answer"] is not None else None

    async def _answer(self, office_id: str, key: str, token: Token, answer: bytes | None) -> Issued:
        if answer is not None:
            return Issued(answer, token.text)
        await self._publish(office_id)
        fresh = (await self._reading.ticket(token)).body
        async with self._database.connection() as connection:
            stored = await queries.idempotency_answer.value(
                connection, scope=f"ticket {office_id}", key=key, answer=fresh.decode()
            )
        return Issued(stored.encode(), token.text)

    async def _publish(self, office_id: str) -> None:
        try:
            await self._publisher.publish(self._halls.topic, office_id)
        except DatabaseUnavailable as error:
            # The outbox row is there and a relay will publish; here it only means that the place in line is asked for
            # anew.
            log.warning("hall_not_published", office=office_id, reason=str(error))
