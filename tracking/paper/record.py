"""What the printed forms are made of, as values. Pure. Personal data: for paper and staff alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tracking.case import Applicant, Case, Event, Paper
from tracking.status import Status


@dataclass(frozen=True, slots=True)
class Receipt:
    """What opens level 1."""

    token: str
    pin: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that was asked for, in đồng."""

    amount: int
    purpose: str
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """All that the forms of one dossier are made of. Personal data."""

    case: Case
    events: Sequence[Event]
    applicant: Applicant | None = None
    papers: Sequence[Paper] = ()
    receipt: Receipt | None = None
    payments: Sequence[Payment] = ()
    staff: Mapping[int, str] = field(default_factory=dict)
    """Who did the events, by number."""
    apology_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request, refusal, new date or stop says."""

    at: datetime
    reason: str | None = None
    missing: tuple[str, ...] = ()
    guidance: str | None = None
    before: date | None = None
    """The appointment that no longer holds."""
    appointment_on: date | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the control slip. ``due_at`` is the time limit in force after the step."""

    at: datetime
    what: str
    who: str | None
    status: str
    due_at: datetime | None
    note: str | None
    outcome: str | None
    """Before, on or after the due day; only where the result was made."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice to whoever came with too little: the supplement request's twin, with a number in a code's place."""

    id: int
    office_id: str
    office_name: str
    procedure_name: str
    applicant_name: str
    staff: str | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """One dossier in the register. ``contact`` is the address or, without one, the phone."""

    code: str
    procedure: str
    agency: str
    applicant: str | None
    contact: str | None
    channel: str
    received_at: datetime
    appointment_on: date | None
    finished_at: datetime | None
    returned_at: datetime | None
    status: Status
    post: bool
    late: bool
