"""What happened to a dossier and what comes next, told for the citizen. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from tracking.case import Case, Event
from tracking.status import Status

Who = Literal["you", "office", "agency"]

_LABELS: Mapping[str, tuple[str, str]] = {
    "register": ("Đã nộp hồ sơ", "Handed in"),
    "accept": ("Đã tiếp nhận và hẹn ngày trả kết quả", "Accepted, with an appointment for the result"),
    "decline": ("Không được tiếp nhận", "Not accepted"),
    "transfer": ("Đã chuyển cơ quan giải quyết", "Handed over to the deciding agency"),
    "request-supplement": ("Yêu cầu bổ sung giấy tờ", "Further papers asked for"),
    "receive-supplement": ("Đã nhận giấy tờ bổ sung", "Further papers received"),
    "request-payment": ("Yêu cầu nộp tiền", "Payment asked for"),
    "receive-payment": ("Đã nhận tiền", "Payment received"),
    "extend": ("Xin lỗi và hẹn lại ngày trả kết quả", "Apology and new appointment"),
    "refuse": ("Từ chối giải quyết", "Refused"),
    "complete": ("Đã có kết quả", "The result is there"),
    "return": ("Đã trả kết quả", "The result was handed over"),
    "return-originals": ("Đã trả lại giấy tờ gốc", "Originals were given back"),
    "withdraw": ("Quý vị yêu cầu rút hồ sơ", "You asked to withdraw"),
    "resume": ("Tiếp tục xử lý", "Work goes on"),
    "stop": ("Dừng xử lý", "Stopped"),
    "late": ("Quá hạn giải quyết; chúng tôi xin lỗi quý vị", "Past the time limit; we apologise"),
}
_STATUS_EN: Mapping[Status, str] = {
    Status.REGISTERED: "Registered",
    Status.ACCEPTED: "Accepted",
    Status.NOT_ACCEPTED: "Not accepted",
    Status.PROCESSING: "Being processed",
    Status.SUPPLEMENT_REQUIRED: "Further papers needed",
    Status.PAYMENT_REQUIRED: "Payment needed",
    Status.WITHDRAWAL_REQUESTED: "Withdrawal requested",
    Status.STOPPED: "Stopped",
    Status.COMPLETED: "Completed",
    Status.RETURNED: "Result returned",
}
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "accept": ("due_at", "appointment_on"),
    "request-supplement": ("missing", "guidance"),
    "receive-supplement": ("due_at", "appointment_on", "before"),
    "request-payment": ("amount", "purpose"),
    "receive-payment": ("amount", "method"),
    "extend": ("due_at", "appointment_on", "before"),
    "refuse": ("late",),
    "complete": ("late",),
    "return": ("originals",),
    "step": ("name", "agency"),
}
"""What of an event's details the citizen sees; nothing else gets out, whatever is written there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. ``vietnamese``: the label is another system's, there is no English of it."""

    at: datetime
    action: str
    label: str
    label_en: str
    status: Status
    reason: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    vietnamese: bool = False

    @property
    def appointment_on(self) -> date | None:
        """The day that this step promised."""
        promised = self.details.get("appointment_on")
        return date.fromisoformat(promised[:10]) if isinstance(promised, str) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts out of the details; none if there is no such list."""
        found = self.details.get(name)
        return tuple(str(one) for one in found) if isinstance(found, list | tuple) else ()


@dataclass(frozen=True, slots=True)
class Next:
    """What is expected next, of whom, and by which day (None: no day is set, or the day is over)."""

    kind: str
    who: Who
    label: str
    label_en: str
    by: date | None = None


_NEXT: Mapping[Status, Next] = {
    Status.REGISTERED: Next("check", "office", "Nơi tiếp nhận kiểm tra giấy tờ", "The office checks the papers"),
    Status.ACCEPTED: Next("transfer", "office", "Chuyển cơ quan giải quyết", "Hand-over to the deciding agency"),
    Status.PROCESSING: Next("decide", "agency", "Cơ quan giải quyết hồ sơ", "The agency decides"),
    Status.SUPPLEMENT_REQUIRED: Next("supplement", "you", "Quý vị bổ sung giấy tờ", "You hand in the missing papers"),
    Status.PAYMENT_REQUIRED: Next("payment", "you", "Quý vị nộp tiền theo thông báo", "You pay what is asked"),
    Status.WITHDRAWAL_REQUESTED: Next(
        "withdrawal", "office", "Cơ quan trả lời việc rút hồ sơ", "The withdrawal is answered"
    ),
    Status.COMPLETED: Next("collect_result", "you", "Quý vị nhận kết quả", "You collect the result"),
}


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened, oldest first, and what comes next; ``next`` is None when it is over."""

    steps: tuple[Step, ...]
    next: Next | None

    def last(self, *actions: str) -> Step | None:
        """The latest step of one of these actions."""
        return next((step for step in reversed(self.steps) if step.action in actions), None)


def told(case: Case, events: Sequence[Event], now: datetime) -> Timeline:
    """The timeline at ``now``; days are those of ``now``'s offset."""
    steps = sorted((_step(event) for event in events), key=lambda step: step.at)
    return Timeline(tuple(steps), _next(case, now))


def _step(event: Event) -> Step:
    # At the counter handing in and acceptance are one.
    at_once = event.action == "register" and event.to_status is Status.ACCEPTED
    action = "accept" if at_once else event.action
    shown = {name: event.details[name] for name in _SHOWN.get(action, ()) if event.details.get(name) is not None}
    pushed = shown.get("name") if action == "step" else None
    label, label_en = _LABELS.get(action, (event.to_status.label, _STATUS_EN[event.to_status]))
    if pushed:
        label = label_en = str(pushed)
    return Step(event.at, event.action, label, label_en, event.to_status, event.reason, shown, bool(pushed))


def _next(case: Case, now: datetime) -> Next | None:
    found = _NEXT.get(case.status)
    return replace(found, by=_by(case, now)) if found is not None else None


def _by(case: Case, now: datetime) -> date | None:
    if case.status is Status.ACCEPTED:
        day = _day(case.handed_over_at, now)
    elif case.status in (Status.PROCESSING, Status.COMPLETED):
        day = case.appointment_on or _day(case.due_at, now)
    else:
        return None
    return day if day is not None and day >= now.date() else None


def _day(at: datetime | None, now: datetime) -> date | None:
    return at.astimezone(now.tzinfo).date() if at is not None else None
