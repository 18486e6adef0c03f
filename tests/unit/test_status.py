"""The public (level 0) answer: its fields, their order, lateness, and that nothing personal is in it."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracking.status import FINAL, Dossier, Named, Status, public_answer

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 9, 21, 10, 0, tzinfo=ZONE)
EARLIER, LATER = NOW - timedelta(days=1), NOW + timedelta(days=1)
PERSONAL = re.compile(r"phone|email|applicant|citizen|person|officer|staff|clerk|note|comment|reason|token|pin|fee")
FIELDS = (
    "code procedure receiving_office competent_agency status status_name status_label received_on appointment_on "
    "appointment_changes late action_needed version as_of"
)


def dossier(
    status: Status = Status.PROCESSING, due_at: datetime | None = LATER, finished_at: datetime | None = None
) -> Dossier:
    return Dossier(
        code="H26.18-260918-0007",
        procedure=Named("2.000815", "Chứng thực bản sao"),
        receiving_office=Named("tay-ho", "Điểm Tây Hồ"),
        competent_agency=Named("H26.18", "Ủy ban nhân dân phường Tây Hồ"),
        status=status,
        received_at=datetime(2026, 9, 17, 20, 0, tzinfo=ZoneInfo("UTC")),
        due_at=due_at,
        appointment_on=date(2026, 9, 23),
        appointment_changes=1,
        finished_at=finished_at,
        version=3,
    )


def test_the_answer_is_the_contract() -> None:
    answer = public_answer(dossier(), NOW)
    assert " ".join(answer) == FIELDS
    assert answer == {
        "code": "H26.18-260918-0007",
        "procedure": {"code": "2.000815", "name": "Chứng thực bản sao"},
        "receiving_office": {"id": "tay-ho", "name": "Điểm Tây Hồ"},
        "competent_agency": {"code": "H26.18", "name": "Ủy ban nhân dân phường Tây Hồ"},
        "status": 4,
        "status_name": "processing",
        "status_label": "Đang xử lý",
        "received_on": "2026-09-18",  # 20:00 UTC is the next day at the office
        "appointment_on": "2026-09-23",
        "appointment_changes": 1,
        "late": False,
        "action_needed": None,
        "version": 3,
        "as_of": "2026-09-21T10:00:00.000+07:00",
    }


def test_the_national_list() -> None:
    names = (
        "registered accepted not_accepted processing supplement_required payment_required withdrawal_requested "
        "stopped completed returned"
    )
    assert [status.name.lower() for status in Status] == names.split()
    assert [int(status) for status in Status] == list(range(1, 11))
    assert len({status.label for status in Status}) == 10


def test_nothing_personal_is_there_to_be_told() -> None:
    answer = public_answer(dossier(), NOW)
    names = [field.name for field in fields(Dossier)] + list(answer)
    assert not [name for name in names if PERSONAL.search(name)]


@pytest.mark.parametrize(
    ("status", "due_at", "finished_at", "late"),
    [
        (Status.PROCESSING, LATER, None, False),
        (Status.PROCESSING, NOW, None, False),
        (Status.PROCESSING, NOW - timedelta(microseconds=1), None, True),
        (Status.PROCESSING, None, None, False),
        (Status.SUPPLEMENT_REQUIRED, EARLIER, None, False),
        (Status.PAYMENT_REQUIRED, EARLIER, None, True),
        (Status.COMPLETED, EARLIER, EARLIER, False),
        (Status.COMPLETED, EARLIER, EARLIER + timedelta(seconds=1), True),
        (Status.RETURNED, EARLIER, EARLIER - timedelta(days=3), False),
        (Status.NOT_ACCEPTED, EARLIER, None, False),
        (Status.STOPPED, EARLIER, None, False),
    ],
)
def test_late_is_computed(status: Status, due_at: datetime | None, finished_at: datetime | None, late: bool) -> None:
    found = dossier(status, due_at, finished_at)
    assert found.is_late(NOW) is late
    assert public_answer(found, NOW)["late"] is late


@pytest.mark.parametrize("status", Status)
def test_it_turns_late_by_itself_exactly_when_it_says(status: Status) -> None:
    open_one = dossier(status)
    turns = open_one.becomes_late_at(NOW)
    assert (turns is None) == (status in FINAL | {Status.SUPPLEMENT_REQUIRED})
    if turns is not None:
        assert not open_one.is_late(turns)
        assert open_one.is_late(turns + timedelta(microseconds=1))
    else:
        assert not open_one.is_late(NOW + timedelta(days=3650))


@pytest.mark.parametrize(
    ("stopped_at", "late"), [(None, False), (EARLIER, False), (EARLIER + timedelta(seconds=1), True)]
)
def test_while_a_supplement_is_waited_for_the_clock_stands(stopped_at: datetime | None, late: bool) -> None:
    waiting = replace(dossier(Status.SUPPLEMENT_REQUIRED, EARLIER), clock_stopped_at=stopped_at)
    assert waiting.is_late(NOW) is late
    assert waiting.is_late(NOW + timedelta(days=400)) is late
    assert waiting.becomes_late_at(EARLIER - timedelta(days=1)) is None


def test_what_is_late_or_done_never_turns_late() -> None:
    assert dossier(due_at=EARLIER).becomes_late_at(NOW) is None
    assert dossier(due_at=None).becomes_late_at(NOW) is None
    assert dossier(Status.COMPLETED, LATER, NOW).becomes_late_at(NOW) is None


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (Status.SUPPLEMENT_REQUIRED, "supplement"),
        (Status.PAYMENT_REQUIRED, "payment"),
        (Status.COMPLETED, "collect_result"),
        (Status.RETURNED, None),
        (Status.ACCEPTED, None),
    ],
)
def test_what_the_citizen_must_do(status: Status, action: str | None) -> None:
    assert public_answer(dossier(status), NOW)["action_needed"] == action
