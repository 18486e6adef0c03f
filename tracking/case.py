"""A dossier as those who work on it know it, and what has happened to it. Pure.

``tracking.status.Dossier`` is the public part of the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from tracking.deadlines import Limit
from tracking.status import Named, Status, late

Channel = Literal["counter", "online", "post"]
Outcome = Literal["granted", "refused"]


@dataclass(frozen=True, slots=True)
class Case:
    """One dossier whole, but for the applicant. Money is in đồng, moments carry an offset."""

    code: str
    procedure: Named
    receiving_office: Named
    competent_agency: Named
    channel: Channel
    status: Status
    received_at: datetime
    version: int = 1
    handed_over_at: datetime | None = None
    """When the clock last began."""
    limit: Limit | None = None
    """The time limit that was in force on the day of receipt."""
    due_at: datetime | None = None
    appointment_on: date | None = None
    appointment_changes: int = 0
    clock_stopped_at: datetime | None = None
    """Since when it is the citizen's turn; None while the clock runs."""
    stopped_minutes: int = 0
    processing_minutes: int | None = None
    outcome: Outcome | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    supplements: int = 0
    extensions: int = 0
    originals_held: bool = False
    amount_due: int = 0
    case_group: str | None = None
    ticket: str | None = None
    origin: str | None = None
    public: bool = True

    def is_late(self, now: datetime) -> bool:
        """Late is computed, never a status (see ``tracking.status.late``)."""
        return late(self.status, self.due_at, self.finished_at, self.clock_stopped_at, now)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``details`` depend on the action (see ``tracking.workflow``)."""

    id: int
    at: datetime
    action: str
    from_status: Status | None
    to_status: Status
    version: int
    staff_id: int | None = None
    reason: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper that was taken in."""

    name: str
    original: bool
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who handed the dossier in. Personal data: never in Redis, logs, metrics, addresses or level 0."""

    name: str
    id_number: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    channels: tuple[str, ...] = ()
    """How they want to hear: ``email``, ``sms``, ``phone``."""
    language: str = "vi"
