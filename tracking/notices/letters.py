"""Letters as offices send them: thanks, congratulations, condolences, apologies; due, written, printed or mailed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import asyncpg
from aiohttp import web

from kit.database import Connection, Database
from kit.sessions import Staff
from tracking.codes import Code
from tracking.notices.mail import Mail, Mailer
from tracking.notices.outcome import NO_ADDRESS, NOT_CONFIGURED, SENT, UNCERTAIN, Outcome, Progress, dead
from tracking.notices.queue import queries
from tracking.notices.texts import Texts, Written

MOST = 200


class UnknownLetter(LookupError):
    """No letter of that kind goes with this dossier."""


class Kind(StrEnum):
    """What a letter says."""

    THANKS = "thanks"
    MARRIAGE = "marriage"
    BIRTH = "birth"
    CONDOLENCE = "condolence"
    APOLOGY = "apology"


@dataclass(frozen=True, slots=True)
class DueLetter:
    """A letter that an office owes, since when, and whether it could go by e-mail. Personal data."""

    code: str
    kind: Kind
    since: datetime
    procedure: str
    procedure_en: str
    applicant: str | None
    by_email: bool


async def letters_due(connection: Connection, office_id: str, limit: int = MOST) -> list[DueLetter]:
    """The letters of granted results of the last 90 days, and the apologies owed, oldest first."""
    rows = await queries.letters_due.rows(connection, office_id=office_id, most=limit)
    return [DueLetter(**{**row, "kind": Kind(row["kind"])}) for row in rows]


async def letters_counted(
    connection: Connection, office_id: str, first: datetime, past: datetime
) -> Mapping[Kind, int]:
    """How many letters of each kind went out from ``first`` until before ``past``; every kind is there."""
    rows = await queries.letters_counted.rows(connection, office_id=office_id, first=first, past=past)
    return dict.fromkeys(Kind, 0) | {Kind(row["kind"]): row["number"] for row in rows}


class Letters:
    """Writes letters and records how they went out."""

    def __init__(self, database: Database, texts: Texts, mailer: Mailer | None) -> None:
        self._database = database
        self._texts = texts
        self._mailer = mailer

    async def write(self, code: Code, kind: Kind, staff: Staff) -> Written:
        """The letter as it reads now. Raises UnknownLetter, Forbidden, DatabaseUnavailable."""
        async with self._database.connection() as connection:
            row = await _read(connection, code, kind, staff)
        return self._texts.letter(row, datetime.now(UTC))

    async def printed(self, code: Code, kind: Kind, staff: Staff) -> None:
        """It went out on paper; the apologies it makes are settled. Again changes nothing. Raises as :meth:`write`."""
        async with self._database.operation(), self._database.transaction() as connection:
            await _read(connection, code, kind, staff)
            if await _add(connection, code, kind, staff, "print") is not None or kind is Kind.APOLOGY:
                await _settle(connection, code, kind, staff, "print")

    async def mail(self, code: Code, kind: Kind, staff: Staff) -> Outcome:
        """Send it by e-mail, at most once (an apology once for what is owed); the answer is how that ended, and it can
        take 30 s.

        What surely did not arrive may be tried again; "uncertain" counts as sent. Raises as :meth:`write`.
        """
        async with self._database.operation(), self._database.transaction() as connection:
            row = await _read(connection, code, kind, staff)
            if self._mailer is None or not row["email"]:
                return dead(NO_ADDRESS if self._mailer else NOT_CONFIGURED)
            letter = await _add(connection, code, kind, staff, "email")
        if letter is None:
            return SENT
        now = datetime.now(UTC)
        written = self._texts.letter(row, now)
        key = f"letter-{letter}-{now:%Y%m%d%H%M%S%f}"  # a second apology is another mail
        mail = Mail(key, row["email"], written.subject, written.text, row["office_name"], now)
        outcome = await self._mailer.send(mail, Progress())
        async with self._database.operation(), self._database.transaction() as connection:
            if outcome is SENT or outcome.error == UNCERTAIN:
                await _settle(connection, code, kind, staff, "email")
            else:
                await queries.letter_drop.run(connection, id=letter)
        return outcome


LETTERS: web.AppKey[Letters] = web.AppKey("letters", Letters)


async def _read(connection: Connection, code: Code, kind: Kind, staff: Staff) -> asyncpg.Record:
    row = await queries.letter_read.row(connection, year=code.year, code=code.text, kind=kind.value)
    if row is None:
        raise UnknownLetter
    staff.must_act_at(row["office_id"])
    return row


async def _add(connection: Connection, code: Code, kind: Kind, staff: Staff, channel: str) -> int | None:
    found: int | None = await queries.letter_add.value(
        connection,
        year=code.year,
        code=code.text,
        office_id=staff.office,
        kind=kind.value,
        channel=channel,
        staff_id=staff.id,
    )
    return found


async def _settle(connection: Connection, code: Code, kind: Kind, staff: Staff, channel: str) -> None:
    await queries.letter_settle.run(
        connection,
        year=code.year,
        code=code.text,
        office_id=staff.office,
        kind=kind.value,
        channel=channel,
        staff_id=staff.id,
    )
