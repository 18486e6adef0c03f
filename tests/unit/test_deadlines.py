"""Hand-over and due date: the worked examples by hand, and what holds for every office and moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from office.calendar import Calendar
from office.hours import WEEKDAYS
from tracking.deadlines import DeadlinePolicy, Limit, deadline, due, hand_over

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = Calendar.default()
POLICY = DeadlinePolicy()
OFFICES = st.sampled_from(
    [
        CALENDAR,
        Calendar.from_mapping({"saturday": "closed", "closures": ["2026-08-21", "2026-08-24"]}),
        Calendar.from_mapping({"exceptions": {"2026-08-20": ["07:30-11:30"], "2026-08-21": ["16:00-20:00"]}}),
        Calendar.from_mapping(
            {"hours": {"tue": ["13:00-24:00"], "sat": ["00:00-24:00"]}, "working_weekdays": ["tue", "sat"]}
        ),
    ]
)
POLICIES = st.sampled_from(
    [POLICY, DeadlinePolicy.from_mapping({"transfer_cutoff": "11:00"}), DeadlinePolicy(timedelta(hours=24))]
)
MOMENTS = st.datetimes(datetime(2026, 8, 10), datetime(2026, 9, 10), timezones=st.just(HANOI))  # noqa: DTZ001
LIMITS = st.one_of(
    st.builds(Limit, st.integers(0, 30), st.just("d")), st.builds(Limit, st.integers(1, 80), st.just("h"))
)


def at(text: str) -> datetime:
    """Return a moment in Hanoi."""
    return datetime.fromisoformat(text).replace(tzinfo=HANOI)


@pytest.mark.parametrize(
    ("received", "limit", "handed_over", "expected"),
    [
        # the two worked examples of the domain notes
        ("2026-08-21T15:30", "3d", "2026-08-22T07:30", "2026-08-26T17:00"),
        ("2026-08-28T16:00", "0d", "2026-09-03T07:30", "2026-09-03T17:00"),
        # the cut-off
        ("2026-08-20T15:00", "0d", "2026-08-20T15:00", "2026-08-20T17:00"),
        ("2026-08-20T15:00:01", "0d", "2026-08-21T07:30", "2026-08-21T17:00"),
        ("2026-08-14T15:01", "1d", "2026-08-17T07:30", "2026-08-18T17:00"),
        # before opening, noon break, at the edges of the break, after the close
        ("2026-08-20T00:00", "1d", "2026-08-20T07:30", "2026-08-21T17:00"),
        ("2026-08-20T07:10", "0d", "2026-08-20T07:30", "2026-08-20T17:00"),
        ("2026-08-20T11:29", "0d", "2026-08-20T11:29", "2026-08-20T17:00"),
        ("2026-08-20T11:30", "0d", "2026-08-20T13:30", "2026-08-20T17:00"),
        ("2026-08-20T12:15", "2d", "2026-08-20T13:30", "2026-08-22T17:00"),
        ("2026-08-20T17:00", "0d", "2026-08-21T07:30", "2026-08-21T17:00"),
        # an ordinary Saturday morning is open, but is not a working day; the make-up Saturday is
        ("2026-08-15T08:00", "1d", "2026-08-17T07:30", "2026-08-18T17:00"),
        ("2026-08-14T10:00", "1d", "2026-08-14T10:00", "2026-08-17T17:00"),
        ("2026-08-22T08:00", "1d", "2026-08-22T08:00", "2026-08-24T17:00"),
        # Tết 2027 and 24 November
        ("2027-02-03T10:00", "1d", "2027-02-03T10:00", "2027-02-11T17:00"),
        ("2027-02-03T15:30", "1d", "2027-02-11T07:30", "2027-02-12T17:00"),
        ("2026-11-23T10:00", "1d", "2026-11-23T10:00", "2026-11-25T17:00"),
        ("2026-11-24T10:00", "0d", "2026-11-25T07:30", "2026-11-25T17:00"),
        # hours: across lunch, to the close exactly, over the night and the holidays
        ("2026-08-20T09:00", "4h", "2026-08-20T09:00", "2026-08-20T15:00"),
        ("2026-08-20T07:30", "4h", "2026-08-20T07:30", "2026-08-20T11:30"),
        ("2026-08-20T12:00", "4h", "2026-08-20T13:30", "2026-08-21T08:00"),
        ("2026-08-28T14:00", "4h", "2026-08-28T14:00", "2026-09-03T08:30"),
        ("2026-08-28T15:30", "4h", "2026-09-03T07:30", "2026-09-03T11:30"),
    ],
)
def test_in_person_by_hand(received: str, limit: str, handed_over: str, expected: str) -> None:
    counted = deadline(at(received), Limit.parse(limit), CALENDAR, POLICY)
    assert (counted.received, counted.handed_over, counted.due) == (
        at(received),
        at(handed_over),
        at(expected),
    )
    assert counted.due_on == at(expected).date()


@pytest.mark.parametrize(
    ("received", "handed_over"),
    [
        ("2026-08-20T16:59", "2026-08-20T16:59"),
        ("2026-08-20T17:00", "2026-08-21T07:30"),
        ("2026-08-20T23:30", "2026-08-21T07:30"),
        ("2026-08-20T02:00", "2026-08-20T07:30"),
        ("2026-08-21T22:00", "2026-08-22T07:30"),
        ("2026-08-15T10:00", "2026-08-17T07:30"),
        ("2026-09-02T10:00", "2026-09-03T07:30"),
    ],
)
def test_online_by_hand(received: str, handed_over: str) -> None:
    assert hand_over(at(received), CALENDAR, POLICY, online=True) == at(handed_over)


@pytest.mark.parametrize(
    ("calendar", "cutoff", "received", "handed_over"),
    [
        ({}, "11:00", "2026-08-20T11:01", "2026-08-21T07:30"),
        ({}, "24:00", "2026-08-20T16:59", "2026-08-20T16:59"),
        # closed for the afternoon: by the cut-off, but nobody is there to take it
        ({"exceptions": {"2026-08-20": ["07:30-11:30"]}}, "15:00", "2026-08-20T12:00", "2026-08-21T07:30"),
        # received by the cut-off in a long break: still handed over that day
        ({"hours": {"thu": ["07:30-11:30", "16:00-18:00"]}}, "15:00", "2026-08-20T14:00", "2026-08-20T16:00"),
        ({"hours": {"thu": ["07:30-11:30", "16:00-18:00"]}}, "15:00", "2026-08-20T15:30", "2026-08-27T07:30"),
    ],
)
def test_other_offices_by_hand(calendar: dict[str, Any], cutoff: str, received: str, handed_over: str) -> None:
    policy = DeadlinePolicy.from_mapping({"transfer_cutoff": cutoff})
    assert hand_over(at(received), Calendar.from_mapping(calendar), policy) == at(handed_over)


def test_a_round_the_clock_office_promises_the_day_that_ends_at_midnight() -> None:
    calendar = Calendar.from_mapping(
        {
            "hours": {name: ["00:00-24:00"] for name in WEEKDAYS},
            "working_weekdays": list(WEEKDAYS),
            "observes_public_holidays": False,
        }
    )
    counted = deadline(at("2026-09-01T03:00"), Limit(1, "d"), calendar, POLICY)
    assert counted.handed_over == at("2026-09-01T03:00")
    assert counted.due == at("2026-09-03T00:00")
    assert counted.due_on == date(2026, 9, 2)
    assert hand_over(at("2026-09-01T15:01"), calendar, POLICY) == at("2026-09-02T00:00")


def test_other_offsets_are_the_same_moment() -> None:
    counted = deadline(datetime(2026, 8, 21, 8, 30, tzinfo=UTC), Limit(3, "d"), CALENDAR, POLICY)
    assert counted.received.isoformat() == "2026-08-21T15:30:00+07:00"
    assert counted.due.isoformat() == "2026-08-26T17:00:00+07:00"


def test_times_without_offset_are_refused() -> None:
    naive = datetime(2026, 8, 21, 8)  # noqa: DTZ001 - that is the point
    for limit in (Limit(1, "d"), Limit(1, "h")):
        with pytest.raises(ValueError, match="no offset"):
            deadline(naive, limit, CALENDAR, POLICY)
        with pytest.raises(ValueError, match="no offset"):
            due(naive, limit, CALENDAR)


def test_no_days_from_a_day_that_does_not_count_are_refused() -> None:
    with pytest.raises(ValueError, match="limit 0d: 2026-08-15 is no working day"):
        due(at("2026-08-15T08:00"), Limit(0, "d"), CALENDAR)


@pytest.mark.parametrize("text", ["3d", "0d", "1000d", "1h", "4h", "8000h"])
def test_limits_read_and_write(text: str) -> None:
    assert str(Limit.parse(f" {text.upper()}\n")) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "limit '': expected working days like 3d"),
        ("3", "limit '3': expected"),
        ("3 d", "limit '3 d': expected"),
        ("-1d", "limit '-1d': expected"),
        ("1.5d", "expected working days"),
        ("٣d", "expected working days"),
        ("3w", "expected working days"),
        ("1001d", "limit 1001d: expected 0d to 1000d"),
        ("0h", "limit 0h: expected 1h to 8000h"),
        ("8001h", "limit 8001h: expected 1h to 8000h"),
        ("9" * 5_000 + "d", "expected working days"),
    ],
)
def test_wrong_limits_say_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        Limit.parse(text)
    assert len(str(raised.value)) < 150


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"transfer_cutoff": "3pm"}, "transfer_cutoff: '3pm' is not a time"),
        ({"transfer_cutoff": 15}, "transfer_cutoff: 15 is not a time"),
        ({"cutoff": "15:00"}, "cutoff: not a key"),
    ],
)
def test_a_wrong_policy_names_its_key(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeadlinePolicy.from_mapping(mapping)


def test_the_policy_goes_there_and_back() -> None:
    assert POLICY.to_mapping() == {"transfer_cutoff": "15:00"}
    assert DeadlinePolicy.from_mapping({}) == POLICY
    for text in ("00:00", "14:45", "24:00"):
        assert DeadlinePolicy.from_mapping({"transfer_cutoff": text}).to_mapping() == {"transfer_cutoff": text}


@given(MOMENTS, LIMITS, OFFICES, POLICIES, st.booleans())
@settings(deadline=None)
def test_nothing_happens_on_a_closed_day(
    received: datetime, limit: Limit, calendar: Calendar, policy: DeadlinePolicy, online: bool
) -> None:
    counted = deadline(received, limit, calendar, policy, online=online)
    assert received <= counted.handed_over < counted.due
    spans = calendar.working_spans(counted.handed_over.date())
    assert any(start <= counted.handed_over < end for start, end in spans)
    assert any(start < counted.due <= end for start, end in calendar.working_spans(counted.due_on))


@given(MOMENTS, MOMENTS, LIMITS, OFFICES, POLICIES, st.booleans())
@settings(deadline=None)
def test_who_comes_later_is_never_done_earlier(
    one: datetime, other: datetime, limit: Limit, calendar: Calendar, policy: DeadlinePolicy, online: bool
) -> None:
    first, second = (deadline(at, limit, calendar, policy, online=online) for at in sorted((one, other)))
    assert first.handed_over <= second.handed_over
    assert first.due <= second.due


@given(MOMENTS, OFFICES, POLICIES)
@settings(deadline=None)
def test_online_is_never_handed_over_later_than_in_person(
    received: datetime, calendar: Calendar, policy: DeadlinePolicy
) -> None:
    assert hand_over(received, calendar, policy, online=True) <= hand_over(received, calendar, policy)


@given(MOMENTS, st.integers(0, 20), st.integers(0, 20), OFFICES)
@settings(deadline=None)
def test_days_at_once_or_in_two_steps(received: datetime, a: int, b: int, calendar: Calendar) -> None:
    handed_over = hand_over(received, calendar, POLICY)
    half_way = due(handed_over, Limit(a, "d"), calendar) - timedelta.resolution
    assert due(handed_over, Limit(a + b, "d"), calendar) == due(half_way, Limit(b, "d"), calendar)


@given(MOMENTS, st.integers(1, 40), st.integers(1, 40), OFFICES)
@settings(deadline=None)
def test_hours_at_once_or_in_two_steps(received: datetime, a: int, b: int, calendar: Calendar) -> None:
    handed_over = hand_over(received, calendar, POLICY)
    half_way = due(handed_over, Limit(a, "h"), calendar)
    assert due(handed_over, Limit(a + b, "h"), calendar) == due(half_way, Limit(b, "h"), calendar)
