"""Transfers that a bank or payment gateway reports: signed, each counted once."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from kit.database import Database
from tracking import cases
from tracking.actions import ReferenceReused
from tracking.api import UnknownDossier
from tracking.codes import Code
from tracking.receipts.receipts import queries

OLDEST_SECONDS = 300
"""How far a signature's timestamp may lie from now, either way."""
Pay = Callable[[Code, int, str, datetime], Awaitable[object]]
"""Writes a transfer down: dossier, amount in đồng, the bank's reference, now."""


class BadSignature(Exception):
    """The request is not signed with the secret, or was signed too long ago."""


class NothingDue(Exception):
    """The dossier owes nothing (any more)."""


class WrongAmount(Exception):
    """The transfer is not the amount that was asked for: nothing is recorded."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer: the bank's own number of it, the dossier and the amount in đồng."""

    reference: str
    code: Code
    amount: int


class Payments:
    """Takes in transfers."""

    def __init__(self, database: Database, pay: Pay) -> None:
        self._database = database
        self._pay = pay

    async def receive(self, transfer: Transfer, now: datetime) -> datetime:
        """Record the transfer; the answer is when it was recorded, for a repeated reference when that was first.

        Raises UnknownDossier, ReferenceReused, NothingDue, WrongAmount, and what the action itself raises.
        """
        async with self._database.operation():
            recorded = await self._recorded(transfer)
            if recorded is None:
                await self._check_amount(transfer)
                # The same reference may come for two dossiers at once: one of them has it then, see below.
                with contextlib.suppress(ReferenceReused):
                    await self._pay(transfer.code, transfer.amount, transfer.reference, now)
                recorded = await self._recorded(transfer)
        if recorded is None:
            raise NothingDue("the dossier owes nothing")
        return recorded

    async def _recorded(self, transfer: Transfer) -> datetime | None:
        async with self._database.connection() as connection:
            row = await queries.payment_by_reference.row(connection, reference=transfer.reference)
        if row is None:
            return None
        if (row["code"], row["amount"]) != (transfer.code.text, transfer.amount):
            raise ReferenceReused("this reference came before with another dossier or amount")
        paid_at: datetime = row["paid_at"]
        return paid_at

    async def _check_amount(self, transfer: Transfer) -> None:
        async with self._database.connection() as connection:
            case = await cases.read_case(connection, transfer.code)
        if case is None:
            raise UnknownDossier
        if case.amount_due == 0:
            raise NothingDue("the dossier owes nothing")
        if case.amount_due != transfer.amount:
            raise WrongAmount(f"asked for {case.amount_due} đồng, got {transfer.amount}")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC-SHA256 of ``timestamp.body`` in hexadecimal, as ``X-Motcua-Signature`` carries it."""
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={mac.hexdigest()}"


def check_signature(secret: str, timestamp: str, given: str, body: bytes, now: datetime) -> None:
    """Raise BadSignature unless ``given`` signs ``body`` at ``timestamp`` (Unix seconds) and that is about now."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise BadSignature("X-Motcua-Timestamp: expected Unix seconds")
    if abs(now.timestamp() - int(timestamp)) > OLDEST_SECONDS:
        raise BadSignature(f"X-Motcua-Timestamp: more than {OLDEST_SECONDS} seconds from now")
    expected = signature(secret, timestamp, body)
    if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
        raise BadSignature("X-Motcua-Signature: does not fit")
