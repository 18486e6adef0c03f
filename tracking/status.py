"""The ten national dossier statuses and the public (level 0) answer made from a dossier. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum


class Status(IntEnum):
    """The national list; the numbers are what other systems exchange."""

    REGISTERED = 1
    ACCEPTED = 2
    NOT_ACCEPTED = 3
    PROCESSING = 4
    SUPPLEMENT_REQUIRED = 5
    PAYMENT_REQUIRED = 6
    WITHDRAWAL_REQUESTED = 7
    STOPPED = 8
    COMPLETED = 9
    RETURNED = 10

    @property
    def label(self) -> str:
        """The official Vietnamese wording."""
        return _LABELS[self]

    @property
    def is_final(self) -> bool:
        """Whether the agency has nothing left to do."""
        return self in FINAL


_LABELS = {
    Status.REGISTERED: "Mới đăng ký",
    Status.ACCEPTED: "Được tiếp nhận",
    Status.NOT_ACCEPTED: "Không được tiếp nhận",
    Status.PROCESSING: "Đang xử lý",
    Status.SUPPLEMENT_REQUIRED: "Yêu cầu bổ sung giấy tờ",
    Status.PAYMENT_REQUIRED: "Yêu cầu thực hiện nghĩa vụ tài chính",
    Status.WITHDRAWAL_REQUESTED: "Công dân yêu cầu rút hồ sơ",
    Status.STOPPED: "Dừng xử lý",
    Status.COMPLETED: "Đã xử lý xong",
    Status.RETURNED: "Đã trả kết quả",
}
FINAL = frozenset({Status.NOT_ACCEPTED, Status.STOPPED, Status.COMPLETED, Status.RETURNED})
_ACTIONS = {
    Status.SUPPLEMENT_REQUIRED: "supplement",
    Status.PAYMENT_REQUIRED: "payment",
    Status.COMPLETED: "collect_result",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A code or id and what it is called."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """What the public may know of one dossier: nothing about a person."""

    code: str
    procedure: Named
    receiving_office: Named
    competent_agency: Named
    status: Status
    received_at: datetime
    due_at: datetime | None
    appointment_on: date | None
    appointment_changes: int
    finished_at: datetime | None
    version: int
    clock_stopped_at: datetime | None = None

    def is_late(self, now: datetime) -> bool:
        """Late is computed, never a status (see :func:`late`)."""
        return late(self.status, self.due_at, self.finished_at, self.clock_stopped_at, now)

    def becomes_late_at(self, now: datetime) -> datetime | None:
        """The future moment at which this answer turns late by itself; None if it never will."""
        if self.due_at is None or self.finished_at is not None or self.due_at < now:
            return None
        return self.due_at if _clock_runs(self.status, self.clock_stopped_at) else None

    @property
    def action_needed(self) -> str | None:
        """What the citizen has to do next: ``supplement``, ``payment``, ``collect_result`` or nothing."""
        return _ACTIONS.get(self.status)


def late(
    status: Status, due_at: datetime | None, finished_at: datetime | None, stopped_at: datetime | None, now: datetime
) -> bool:
    """Whether the result came, or is still not there, after the due time.

    While a supplement is waited for the clock stands: late is then only what was late when it stopped (``stopped_at``;
    not known means in time). What ended without a result (not accepted, stopped) is not late.
    """
    if due_at is None or (status.is_final and finished_at is None):
        return False
    if _clock_runs(status, stopped_at) or finished_at is not None:
        return (finished_at or now) > due_at
    return stopped_at is not None and stopped_at > due_at


def _clock_runs(status: Status, stopped_at: datetime | None) -> bool:
    return not status.is_final and status is not Status.SUPPLEMENT_REQUIRED and stopped_at is None


def public_answer(dossier: Dossier, now: datetime) -> dict[str, object]:
    """The level 0 answer at ``now``, in the field order of the contract; times carry ``now``'s offset."""
    return {
        "code": dossier.code,
        "procedure": {"code": dossier.procedure.code, "name": dossier.procedure.name},
        "receiving_office": {"id": dossier.receiving_office.code, "name": dossier.receiving_office.name},
        "competent_agency": {"code": dossier.competent_agency.code, "name": dossier.competent_agency.name},
        "status": int(dossier.status),
        "status_name": dossier.status.name.lower(),
        "status_label": dossier.status.label,
        "received_on": dossier.received_at.astimezone(now.tzinfo).date().isoformat(),
        "appointment_on": dossier.appointment_on.isoformat() if dossier.appointment_on else None,
        "appointment_changes": dossier.appointment_changes,
        "late": dossier.is_late(now),
        "action_needed": dossier.action_needed,
        "version": dossier.version,
        "as_of": now.isoformat(timespec="milliseconds"),
    }
