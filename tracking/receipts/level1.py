"""Level 1: all that a receipt opens, read from PostgreSQL at each request. Nothing of it is ever cached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from kit.database import Connection, Database
from office.directory import Directory
from office.model import OfficeDetail
from tracking import cases
from tracking.case import Case
from tracking.codes import Code
from tracking.paper import vietqr
from tracking.policy import Policy
from tracking.receipts.contact import Contact, masked_email, masked_phone
from tracking.receipts.receipts import UnknownReceipt, queries, searched
from tracking.receipts.timeline import Step, Timeline, told
from tracking.status import Dossier, Status, public_answer
from tracking.store import VIET_NAM

RATABLE = frozenset({Status.COMPLETED, Status.RETURNED})
ENDED = frozenset({Status.NOT_ACCEPTED, Status.STOPPED})


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment in đồng; ``paid_at`` and ``method`` are None while it is only asked for."""

    amount: int
    purpose: str
    asked_at: datetime
    paid_at: datetime | None
    method: str | None


@dataclass(frozen=True, slots=True)
class Voice:
    """One feedback (``feedback``, ``petition``): when it came, when the answer is due, and the answer."""

    id: int
    kind: str
    at: datetime
    due_at: datetime
    answer: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Level1:
    """One dossier as its applicant may see it at ``now``: no name, no ID number, contacts masked."""

    case: Case
    timeline: Timeline
    contact: Contact | None
    originals: tuple[str, ...]
    payments: tuple[Payment, ...]
    tracking_number: str | None
    voices: tuple[Voice, ...]
    rated: bool
    policy: Policy
    now: datetime

    @property
    def due(self) -> int:
        """What is still to be paid, in đồng: nothing any more for what ended without a result."""
        return 0 if self.case.status in ENDED else self.case.amount_due

    @property
    def vietqr(self) -> str | None:
        """The text of the VietQR for what is due; None if nothing is, the office has named no bank, or the dossier's
        code is too long for a transfer.
        """
        bank_bin, account = self.policy.bank_bin, self.policy.bank_account
        if not (self.due and bank_bin and account):
            return None
        try:
            return vietqr.payload(bank_bin, account, self.due, self.case.code)
        except ValueError:
            return None

    @property
    def ratable(self) -> bool:
        """Whether the result is there and nobody has rated yet."""
        return self.case.status in RATABLE and not self.rated

    def answer(self) -> dict[str, object]:
        """The whole as JSON: the level 0 fields first."""
        return public_answer(public_part(self.case), self.now) | {
            "timeline": [_step_json(step, self.now) for step in self.timeline.steps],
            "next": self._next_json(),
            "fees": {
                "due": self.due,
                "paid": [_payment_json(payment, self.now) for payment in self.payments if payment.paid_at],
                "vietqr": self.vietqr,
            },
            "reasons": [
                {"at": _moment(step.at, self.now), "action": step.action, "reason": step.reason}
                for step in self.timeline.steps
                if step.reason
            ],
            "contact": _contact_json(self.contact),
            "post": {"tracking_number": self.tracking_number} if self.tracking_number else None,
            "originals_held": list(self.originals),
            "feedback": [voice_json(voice, self.now) for voice in self.voices],
            "rated": self.rated,
            "rating_questions": list(questions(self.policy)),
        }

    def _next_json(self) -> dict[str, object] | None:
        following = self.timeline.next
        if following is None:
            return None
        return {
            "kind": following.kind,
            "who": following.who,
            "label": following.label,
            "label_en": following.label_en,
            "by": following.by.isoformat() if following.by else None,
        }


class Reading:
    """Reads level 1 by a receipt's token."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory

    async def read(self, token: str) -> Level1:
        """What ``token`` opens now. Raises UnknownReceipt."""
        async with self._database.operation(), self._database.connection() as connection:
            found = await queries.receipt_by_token.value(connection, token=searched(token))
            case = await cases.read_case(connection, Code(found)) if found is not None else None
            if case is None:
                raise UnknownReceipt
            return await self._whole(connection, Code(found), case)

    async def _whole(self, connection: Connection, code: Code, case: Case) -> Level1:
        detail = await self._directory.detail(case.receiving_office.code)
        now = datetime.now(VIET_NAM)
        events = await cases.read_events(connection, code)
        contact = await queries.level1_contact.row(connection, year=code.year, code=code.text)
        originals = await queries.level1_originals.rows(connection, year=code.year, code=code.text)
        payments = await queries.level1_payments.rows(connection, code=code.text)
        voices = await queries.level1_feedback.rows(connection, code=code.text)
        rest = await queries.level1_rest.row(connection, year=code.year, code=code.text)
        assert rest is not None
        return Level1(
            case=case,
            timeline=told(case, events, now),
            contact=_contact(contact),
            originals=tuple(row["name"] for row in originals),
            payments=tuple(Payment(**row) for row in payments),
            tracking_number=rest["tracking_number"],
            voices=tuple(Voice(**row) for row in voices),
            rated=rest["rated"],
            policy=policy_of(detail, now.date()),
            now=now,
        )


def policy_of(detail: OfficeDetail, day: date) -> Policy:
    """The office's rules on ``day``."""
    return Policy.from_mapping(detail.policies.on(day))


def questions(policy: Policy) -> tuple[str, ...]:
    """The office's own questions of the rating form."""
    return tuple(dict.fromkeys(line.strip() for line in policy.rating_criteria.splitlines() if line.strip()))


def public_part(case: Case) -> Dossier:
    """What level 0 shows of the case."""
    return Dossier(
        code=case.code,
        procedure=case.procedure,
        receiving_office=case.receiving_office,
        competent_agency=case.competent_agency,
        status=case.status,
        received_at=case.received_at,
        due_at=case.due_at,
        appointment_on=case.appointment_on,
        appointment_changes=case.appointment_changes,
        finished_at=case.finished_at,
        version=case.version,
        clock_stopped_at=case.clock_stopped_at,
    )


def voice_json(voice: Voice, now: datetime) -> dict[str, object]:
    """One feedback as JSON, without the words of whoever sent it."""
    return {
        "id": voice.id,
        "kind": voice.kind,
        "at": _moment(voice.at, now),
        "due_at": _moment(voice.due_at, now),
        "answer": voice.answer,
        "answered_at": _moment(voice.answered_at, now) if voice.answered_at else None,
    }


def _contact(row: asyncpg.Record | None) -> Contact | None:
    if row is None:
        return None
    return Contact(masked_email(row["email"]), masked_phone(row["phone"]), tuple(row["channels"]), row["language"])


def _contact_json(contact: Contact | None) -> Mapping[str, object] | None:
    if contact is None:
        return None
    channels: Sequence[str] = contact.channels
    return {"email": contact.email, "phone": contact.phone, "channels": channels, "language": contact.language}


def _step_json(step: Step, now: datetime) -> dict[str, object]:
    return {
        "at": _moment(step.at, now),
        "action": step.action,
        "label": step.label,
        "label_en": step.label_en,
        "reason": step.reason,
        "status": int(step.status),
        "details": dict(step.details),
    }


def _payment_json(payment: Payment, now: datetime) -> dict[str, object]:
    assert payment.paid_at is not None
    return {
        "amount": payment.amount,
        "purpose": payment.purpose,
        "paid_on": payment.paid_at.astimezone(now.tzinfo).date().isoformat(),
        "method": payment.method,
    }


def _moment(at: datetime, now: datetime) -> str:
    return at.astimezone(now.tzinfo).isoformat(timespec="seconds")
