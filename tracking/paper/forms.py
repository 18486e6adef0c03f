"""Which printed forms there are, what they are called in each form set, and what stands in them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from tracking.case import Case, Event
from tracking.paper.record import Decision, Record, Step
from tracking.policy import FormSet
from tracking.status import Status


class Form(StrEnum):
    """A printed form; the values stand in addresses."""

    RECEIPT = "receipt"
    SUPPLEMENT_REQUEST = "supplement-request"
    REFUSAL = "refusal"
    EXTENSION = "extension"
    APOLOGY = "apology"
    STOP_NOTICE = "stop-notice"
    CONTROL_SLIP = "control-slip"
    REGISTER = "register"
    """Not of one dossier but of an office and a period."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A form's number in its set (None: the set has no form for it) and its title."""

    number: str | None
    title: str


@dataclass(frozen=True, slots=True)
class Edition:
    """One form set."""

    headings: Mapping[Form, Heading]
    agency_apart: bool
    """Whether the office stands at the top alone and the competent agency in the text: since July 2025 a dossier may
    be handed in anywhere in its province. Before, the agency stands over its own office.
    """
    lookup: bool
    """Whether the receipt bears the QR and PIN that open the dossier's page."""


# The assumptions about the sets, all in this table: no official text was at hand. Numbers and titles are those that
# public lists give for the annexes of circulars 01/2018/TT-VPCP and 03/2025/TT-VPCP. Form 04 serves both the extension
# before the due date and the apology after it; the set of 2018 has no stop notice.
EDITIONS: Mapping[FormSet, Edition] = {
    "2018": Edition(
        {
            Form.RECEIPT: Heading("01", "Giấy tiếp nhận hồ sơ và hẹn trả kết quả"),
            Form.SUPPLEMENT_REQUEST: Heading("02", "Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ"),
            Form.REFUSAL: Heading("03", "Phiếu từ chối tiếp nhận giải quyết hồ sơ"),
            Form.EXTENSION: Heading("04", "Phiếu xin lỗi và hẹn lại ngày trả kết quả"),
            Form.APOLOGY: Heading("04", "Phiếu xin lỗi và hẹn lại ngày trả kết quả"),
            Form.CONTROL_SLIP: Heading("05", "Phiếu kiểm soát quá trình giải quyết hồ sơ"),
            Form.REGISTER: Heading("06", "Sổ theo dõi hồ sơ"),
            Form.STOP_NOTICE: Heading(None, "Thông báo dừng giải quyết hồ sơ"),
        },
        agency_apart=False,
        lookup=False,
    ),
    "2025": Edition(
        {
            Form.RECEIPT: Heading("01", "Giấy tiếp nhận hồ sơ và hẹn trả kết quả"),
            Form.SUPPLEMENT_REQUEST: Heading("02", "Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ"),
            Form.REFUSAL: Heading("03", "Phiếu từ chối tiếp nhận giải quyết hồ sơ"),
            Form.EXTENSION: Heading("04", "Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết"),
            Form.APOLOGY: Heading("04", "Văn bản xin lỗi và hẹn lại ngày trả kết quả"),
            Form.STOP_NOTICE: Heading("05", "Thông báo dừng giải quyết hồ sơ"),
            Form.CONTROL_SLIP: Heading("06", "Phiếu kiểm soát quá trình giải quyết hồ sơ"),
            Form.REGISTER: Heading("07", "Sổ theo dõi hồ sơ"),
        },
        agency_apart=True,
        lookup=True,
    ),
}


def available(case: Case, events: Sequence[Event], now: datetime) -> list[Form]:
    """The forms that there are for a dossier at ``now``, in the order of the list."""
    return [form for form, there in _WHEN.items() if there(case, events, now)]


_WHEN: Mapping[Form, Callable[[Case, Sequence[Event], datetime], bool]] = {
    Form.RECEIPT: lambda case, _, __: case.status not in (Status.REGISTERED, Status.NOT_ACCEPTED),
    Form.SUPPLEMENT_REQUEST: lambda _, events, __: _last(events, "request-supplement") is not None,
    Form.REFUSAL: lambda case, _, __: case.status is Status.NOT_ACCEPTED or case.outcome == "refused",
    Form.EXTENSION: lambda _, events, __: _last(events, "extend") is not None,
    Form.APOLOGY: lambda case, _, now: case.is_late(now),
    Form.STOP_NOTICE: lambda case, _, __: case.status is Status.STOPPED,
    Form.CONTROL_SLIP: lambda _, events, __: bool(events),
}
_DECIDED_BY: Mapping[Form, tuple[str, ...]] = {
    Form.SUPPLEMENT_REQUEST: ("request-supplement",),
    Form.REFUSAL: ("decline", "refuse"),
    Form.EXTENSION: ("extend",),
    Form.STOP_NOTICE: ("stop",),
}


def _last(events: Sequence[Event], *actions: str) -> Event | None:
    return next((event for event in reversed(events) if event.action in actions), None)


def decision(form: Form, record: Record, now: datetime) -> Decision:
    """What the form says: by its last event, or, where another system decided, without a reason and dated ``now``."""
    if form is Form.APOLOGY:
        return Decision(now, record.apology_reason, before=record.case.appointment_on)
    event = _last(record.events, *_DECIDED_BY[form])
    if event is None:
        return Decision(record.case.finished_at or now)
    details = event.details
    missing = details.get("missing")
    guidance = details.get("guidance")
    return Decision(
        at=event.at,
        reason=event.reason,
        missing=tuple(str(item) for item in missing) if isinstance(missing, list) else (),
        guidance=str(guidance) if guidance else None,
        before=_day(details.get("before")),
        appointment_on=_day(details.get("appointment_on")),
    )


def _day(value: object) -> date | None:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else None


def steps(record: Record, timezone: tzinfo) -> list[Step]:
    """The control slip's lines, oldest first; moments are the office's."""
    found, due_at = [], None
    for event in record.events:
        told = event.details.get("due_at")
        due_at = datetime.fromisoformat(told).astimezone(timezone) if isinstance(told, str) else due_at
        done = event.action in ("complete", "refuse") and due_at is not None
        found.append(
            Step(
                at=event.at.astimezone(timezone),
                what=STEPS.get(event.action, event.to_status.label),
                who=record.staff.get(event.staff_id) if event.staff_id is not None else None,
                status=event.to_status.label,
                due_at=due_at,
                note=event.reason,
                outcome=punctuality(event.at, due_at) if done and due_at is not None else None,
            )
        )
    return found


def punctuality(finished_at: datetime, due_at: datetime) -> str:
    """Before the due day, in time on that day, or late; the day is that of ``due_at``'s offset."""
    if finished_at > due_at:
        return "Quá hạn"
    last_day = (due_at - timedelta.resolution).date()  # a day may close at 24:00
    return "Trước hạn" if finished_at.astimezone(due_at.tzinfo).date() < last_day else "Đúng hạn"


STEPS: Mapping[str, str] = {
    "register": "Đăng ký hồ sơ",
    "accept": "Tiếp nhận hồ sơ",
    "decline": "Từ chối tiếp nhận",
    "transfer": "Chuyển cơ quan giải quyết",
    "request-supplement": "Yêu cầu bổ sung giấy tờ",
    "receive-supplement": "Nhận giấy tờ bổ sung",
    "request-payment": "Yêu cầu nộp phí, lệ phí, thuế",
    "receive-payment": "Thu phí, lệ phí, thuế",
    "extend": "Gia hạn, xin lỗi và hẹn lại",
    "refuse": "Từ chối giải quyết",
    "complete": "Có kết quả giải quyết",
    "return": "Trả kết quả",
    "return-originals": "Trả lại bản chính",
    "withdraw": "Công dân yêu cầu rút hồ sơ",
    "resume": "Tiếp tục giải quyết",
    "stop": "Dừng giải quyết",
    "import": "Nhận dữ liệu từ hệ thống khác",
}
"""What the control slip calls an action; one that is not here is called by the status it led to."""
