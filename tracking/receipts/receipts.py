"""Receipts: the random token in the QR and the PIN printed beside it, either of which opens level 1.

Whatever does not open it (unknown, hidden, revoked, a wrong or locked PIN) gets one answer after the same work.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from kit import sql
from kit.database import Connection, Database
from kit.sessions import Staff
from tracking.codes import Code

queries = sql.load("tracking.receipts")

TOKEN_BYTES = 24
PIN_DIGITS = 6
MOST_FAILURES = 5
LOCK_TIME = timedelta(minutes=15)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,100}", re.ASCII)
_UNKNOWN = "-"
"""Looked for where what was sent cannot be a token, so that it takes the same way as one that is unknown."""


class UnknownReceipt(LookupError):
    """Nothing that may be shown belongs to this token, or to this code and PIN: the same whatever the reason."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the paper carries: the QR's token (192 random bits) and the PIN (six digits)."""

    token: str
    pin: str


class Receipts:
    """Issues, revokes and finds receipts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, connection: Connection, code: Code) -> Receipt:
        """The dossier's receipt, made in the caller's transaction if it has none yet."""
        row = await queries.receipt_issue.row(
            connection,
            token=secrets.token_urlsafe(TOKEN_BYTES),
            year=code.year,
            code=code.text,
            pin=f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}",
        )
        if row is not None:
            return Receipt(row["token"], row["pin"])
        current = await self.current(connection, code)
        if current is None:
            raise UnknownReceipt  # revoked between the two statements; the caller's transaction is undone
        return current

    async def current(self, connection: Connection, code: Code) -> Receipt | None:
        """The receipt that is good now, for printing it (again); None if the dossier has none."""
        row = await queries.receipt_current.row(connection, code=code.text)
        return Receipt(row["token"], row["pin"]) if row is not None else None

    async def revoke_and_issue(
        self, connection: Connection, code: Code, staff: Staff, request_id: str | None = None
    ) -> Receipt:
        """A fresh receipt in the caller's transaction; with its commit the old token and PIN are dead."""
        await queries.receipt_revoke.run(connection, code=code.text)
        await queries.receipt_audit.run(
            connection,
            staff_id=staff.id,
            office_id=staff.office,
            action="reissue-receipt",
            code=code.text,
            request_id=request_id,
        )
        return await self.issue(connection, code)

    async def by_pin(self, code: Code, pin: str) -> str:
        """The token of the receipt with this code and PIN. Raises UnknownReceipt.

        After ``MOST_FAILURES`` wrong PINs not even the right one opens for ``LOCK_TIME``; the token still does.
        """
        async with self._database.transaction() as connection:
            row = await queries.receipt_pin_read.row(connection, year=code.year, code=code.text)
            opens = _opens(row, pin)
            failures = _failures_after(row, opens)
            await queries.receipt_pin_tried.value(
                connection,
                failures=failures,
                lock=failures == MOST_FAILURES and row is not None and not row["locked"],
                lock_time=LOCK_TIME,
                year=code.year,
                code=code.text,
            )
        if row is None or not opens:
            raise UnknownReceipt
        return str(row["token"])


def searched(token: str) -> str:
    """``token`` as it may be asked for: what cannot be one is replaced by what is none."""
    return token if _TOKEN.fullmatch(token) else _UNKNOWN


def _opens(row: asyncpg.Record | None, pin: str) -> bool:
    expected = row["pin"] if row is not None else "-" * PIN_DIGITS
    fits = secrets.compare_digest(expected.encode(), pin.encode(errors="replace"))
    return fits and row is not None and row["public"] and not row["locked"]


def _failures_after(row: asyncpg.Record | None, opens: bool) -> int:
    if row is None or opens:
        return 0
    if row["locked"]:
        return int(row["pin_failures"])
    # A lock that is over has cost its time: five new guesses.
    before = 0 if row["locked_until"] is not None and row["pin_failures"] >= MOST_FAILURES else row["pin_failures"]
    return int(before) + 1
