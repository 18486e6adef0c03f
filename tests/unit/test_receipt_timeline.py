"""What the citizen is told: what happened, what comes next, and nothing that an event does not mean to say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tracking.case import Case, Event
from tracking.receipts.contact import Contact, masked_email, masked_phone
from tracking.receipts.timeline import told
from tracking.status import Named, Status
from tracking.workflow import Action

NOW = datetime(2026, 9, 23, 9, 0, tzinfo=UTC)


def case(status: Status, **more: Any) -> Case:
    return Case("H26.99-260921-0001", Named("1.1", "Khai sinh"), Named("here", "Điểm"), Named("H26.99", "Ủy ban"),
                "counter", status, NOW - timedelta(days=2), **more)  # fmt: skip


def event(action: str, status: Status = Status.PROCESSING, minutes: int = 0, **more: Any) -> Event:
    return Event(minutes, NOW - timedelta(hours=1) + timedelta(minutes=minutes), action, None, status, 1, **more)


def test_every_action_has_words_in_both_languages() -> None:
    for action in Action:
        (step,) = told(case(Status.PROCESSING), [event(action.value)], NOW).steps
        assert step.label != Status.PROCESSING.label, action
        assert step.label_en.isascii(), step
        assert not step.vietnamese


def test_an_action_of_another_system_says_the_status() -> None:
    (step,) = told(case(Status.PROCESSING), [event("import", Status.COMPLETED)], NOW).steps
    assert (step.label, step.label_en) == ("Đã xử lý xong", "Completed")


def test_a_pushed_step_says_its_name_and_agency_and_nobody() -> None:
    details = {"name": "Thẩm định", "agency": "Phòng Tư pháp", "person": "Nguyễn Văn An"}
    (step,) = told(case(Status.PROCESSING), [event("step", details=details)], NOW).steps
    assert (step.label, step.vietnamese) == ("Thẩm định", True)
    assert dict(step.details) == {"name": "Thẩm định", "agency": "Phòng Tư pháp"}


def test_steps_stand_in_the_order_in_which_they_happened() -> None:
    events = [event("transfer", minutes=5), event("register", minutes=1), event("accept", minutes=3)]
    assert [step.action for step in told(case(Status.PROCESSING), events, NOW).steps] == [
        "register",
        "accept",
        "transfer",
    ]


def test_what_is_missing_and_the_new_day_can_be_read() -> None:
    events = [
        event("request-supplement", minutes=1, details={"missing": ["Giấy chứng sinh"], "guidance": None, "x": "y"}),
        event("extend", minutes=2, details={"appointment_on": "2026-09-30", "before": "2026-09-24"}),
    ]
    timeline = told(case(Status.PROCESSING), events, NOW)
    asked, extended = timeline.steps
    assert asked.texts("missing") == ("Giấy chứng sinh",)
    assert asked.texts("guidance") == ()
    assert dict(asked.details) == {"missing": ["Giấy chứng sinh"]}
    assert extended.appointment_on == date(2026, 9, 30)
    assert timeline.last("extend", "request-supplement") is extended
    assert timeline.last("return") is None


@pytest.mark.parametrize(
    ("status", "kind", "who"),
    [
        (Status.REGISTERED, "check", "office"),
        (Status.ACCEPTED, "transfer", "office"),
        (Status.PROCESSING, "decide", "agency"),
        (Status.SUPPLEMENT_REQUIRED, "supplement", "you"),
        (Status.PAYMENT_REQUIRED, "payment", "you"),
        (Status.WITHDRAWAL_REQUESTED, "withdrawal", "office"),
        (Status.COMPLETED, "collect_result", "you"),
    ],
)
def test_what_comes_next_and_of_whom(status: Status, kind: str, who: str) -> None:
    following = told(case(status), [], NOW).next
    assert following is not None
    assert (following.kind, following.who) == (kind, who)


@pytest.mark.parametrize("status", [Status.NOT_ACCEPTED, Status.STOPPED, Status.RETURNED])
def test_nothing_comes_after_the_end(status: Status) -> None:
    assert told(case(status), [], NOW).next is None


def test_a_day_that_is_over_is_not_promised() -> None:
    def by(day: date) -> date | None:
        following = told(case(Status.PROCESSING, appointment_on=day), [], NOW).next
        assert following is not None
        return following.by

    assert by(date(2026, 9, 23)) == date(2026, 9, 23)
    assert by(date(2026, 9, 22)) is None


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0912345612", "09xx xxx x12"),
        ("+84 912 345 612", "09xx xxx x12"),
        ("024 3825 1234", "02xx xxx xx34"),
        ("113", "xxx"),
        ("", None),
        (None, None),
    ],
)
def test_a_phone_number_is_masked(number: str | None, shown: str | None) -> None:
    assert masked_phone(number) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("nam@example.org", "n***@example.org"),
        ("n@example.org", "***@example.org"),
        ("no address", "***"),
        (None, None),
    ],
)
def test_a_mail_address_is_masked(address: str | None, shown: str | None) -> None:
    assert masked_email(address) == shown


def test_only_channels_with_an_address_are_offered() -> None:
    assert Contact("n***@example.org", None, (), "vi").offered == ("email",)
    assert Contact(None, "09xx", (), "vi").offered == ("sms", "phone")
