"""Messages to applicants by e-mail and SMS: the next ones due, one attempt, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from kit.database import Connection, Database
from tracking.notices.mail import Mail, Mailer
from tracking.notices.outcome import NO_ADDRESS, NOT_CONFIGURED, Outcome, Progress, Result, dead
from tracking.notices.queue import queries
from tracking.notices.sms import SmsGateway
from tracking.notices.texts import Texts

STATES = {Result.SENT: "sent", Result.PUT_OFF: "waiting", Result.DEAD: "dead"}


@dataclass(frozen=True, slots=True)
class Claimed:
    """One piece of work that this process has taken on. ``topic`` is how it goes out: email, sms, webhook."""

    id: int
    topic: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Channels:
    """The ways out that are configured; None: there is none."""

    mailer: Mailer | None = None
    sms: SmsGateway | None = None


class Messages:
    """The queue of messages."""

    def __init__(self, database: Database, channels: Channels, texts: Texts) -> None:
        self._database = database
        self._channels = channels
        self._texts = texts

    async def claim(self, most: int, grace: timedelta) -> Sequence[Claimed]:
        """Take on at most ``most``; after ``grace`` without a result they count as left behind."""
        async with self._database.connection() as connection:
            rows = await queries.messages_claim.rows(connection, most=most, grace=grace)
        return [Claimed(row["id"], row["channel"], row["attempts"]) for row in rows]

    async def attempt(self, claimed: Claimed, progress: Progress) -> Outcome:
        """Send one, as it reads now. Raises DatabaseUnavailable; nothing was sent then."""
        async with self._database.connection() as connection:
            rows = await queries.messages_read.rows(connection, ids=[claimed.id])
        if not rows:
            return dead("the dossier is gone")
        return await (self._mail if claimed.topic == "email" else self._text)(rows[0], progress)

    async def _mail(self, row: asyncpg.Record, progress: Progress) -> Outcome:
        if self._channels.mailer is None:
            return dead(NOT_CONFIGURED)
        if not row["email"]:
            return dead(NO_ADDRESS)
        written = self._texts.email(row, datetime.now(UTC))
        key = f"message-{row['id']}-{row['event_id']}"
        mail = Mail(key, row["email"], written.subject, written.text, row["office_name"], row["made_at"])
        return await self._channels.mailer.send(mail, progress)

    async def _text(self, row: asyncpg.Record, progress: Progress) -> Outcome:
        if self._channels.sms is None:
            return dead(NOT_CONFIGURED)
        if not row["phone"]:
            return dead("no number")
        text = self._texts.sms(row, datetime.now(UTC))
        return await self._channels.sms.send(f"message-{row['id']}", row["phone"], text, progress)

    async def settle(self, claimed: Claimed, outcome: Outcome, wait: float) -> None:
        """Write down how the attempt ended; put off, it is due in ``wait`` seconds. Raises DatabaseUnavailable."""
        async with self._database.connection() as connection:
            await queries.message_settle.run(
                connection,
                id=claimed.id,
                attempts=claimed.attempts,
                state=STATES[outcome.result],
                error=outcome.error,
                tried=outcome.tried,
                wait=timedelta(seconds=wait),
            )

    async def give_up_on_abandoned(self) -> None:
        """Settle what a process that died was sending."""
        async with self._database.connection() as connection:
            await queries.messages_abandoned.run(connection)


async def by_state(connection: Connection) -> Sequence[tuple[str, str, int]]:
    """How many wait and how many are dead: channel (or ``webhook``), state, number."""
    return [tuple(row) for row in await queries.messages_by_state.rows(connection)]
