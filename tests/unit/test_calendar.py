"""The working calendar: by hand for days anyone can check on a wall calendar, by properties for the rest."""

from __future__ import annotations

import json
import pickle
import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from office.calendar import Calendar
from office.holidays import Overrides, national_year
from office.hours import WEEKDAYS

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
WEEKDAY_HOURS = ["07:30-11:30", "13:30-17:00"]
ROUND_THE_CLOCK: dict[str, Any] = {
    "hours": dict.fromkeys(WEEKDAYS, ["00:00-24:00"]),  # noqa: RUF024 - nobody changes it
    "working_weekdays": list(WEEKDAYS),
    "observes_public_holidays": False,
}
DAYS = st.dates(date(2025, 12, 1), date(2027, 12, 31))
MOMENTS = st.datetimes(datetime(2025, 12, 1), datetime(2027, 12, 31), timezones=st.just(HANOI)).map(  # noqa: DTZ001
    lambda at: at.replace(second=0, microsecond=0)
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Draw a calendar with at least one working weekday and all kinds of exceptions."""
    spans = st.sampled_from(
        [WEEKDAY_HOURS, ["07:30-11:30"], ["00:00-24:00"], ["08:00-12:00", "12:00-20:00"], ["16:00-21:00"]]
    )
    hours = draw(st.dictionaries(st.sampled_from(WEEKDAYS), spans, min_size=1))
    working = draw(st.lists(st.sampled_from(sorted(hours)), min_size=1, unique=True))
    closures = draw(st.sets(DAYS, max_size=20))
    exceptions = draw(st.dictionaries(DAYS, st.one_of(spans, st.just([])), max_size=20))
    makeup_days = draw(st.dictionaries(DAYS, st.sampled_from(working), max_size=10))
    return Calendar.from_mapping(
        {
            "hours": hours,
            "working_weekdays": working,
            "saturday": "receive_only" if "sat" in working else draw(st.sampled_from(["receive_only", "closed"])),
            "closures": sorted(closures - exceptions.keys() - makeup_days.keys()),
            "exceptions": {str(day): spans for day, spans in exceptions.items()},
            "makeup_days": {str(day): name for day, name in makeup_days.items()},
            "observes_public_holidays": draw(st.booleans()),
        }
    )


def at(text: str) -> datetime:
    """Return a moment in Hanoi."""
    return datetime.fromisoformat(text).replace(tzinfo=HANOI)


def opening(calendar: Calendar, day: str) -> list[str]:
    """Return the opening hours of a day as people write them."""
    spans = calendar.opening_spans(date.fromisoformat(day))
    return [f"{start:%H:%M}-{end:%H:%M}" for start, end in spans]


@pytest.mark.parametrize(
    ("day", "hours", "working"),
    [
        ("2026-08-21", WEEKDAY_HOURS, True),  # a Friday
        ("2026-08-15", ["07:30-11:30"], False),  # a Saturday: open, but it does not count
        ("2026-08-16", [], False),  # a Sunday
        ("2026-08-22", WEEKDAY_HOURS, True),  # the make-up Saturday for 31 August
        ("2026-08-31", [], False),  # swapped off
        ("2026-09-01", [], False),  # National Day
        ("2026-09-02", [], False),
        ("2026-09-03", WEEKDAY_HOURS, True),
        ("2026-01-02", [], False),  # swapped off; the library does not know
        ("2026-01-10", WEEKDAY_HOURS, True),  # its make-up Saturday
        ("2026-02-13", WEEKDAY_HOURS, True),  # the Friday before Tết 2026
        ("2026-02-16", [], False),
        ("2026-02-20", [], False),
        ("2026-02-21", ["07:30-11:30"], False),
        ("2026-02-23", WEEKDAY_HOURS, True),
        ("2026-04-27", [], False),  # Hùng Kings' day fell on Sunday
        ("2025-11-24", WEEKDAY_HOURS, True),  # not a holiday yet
        ("2026-11-24", [], False),  # Vietnam Cultural Day
        ("2027-02-03", WEEKDAY_HOURS, True),  # the day before Tết 2027
        ("2027-02-04", [], False),
        ("2027-02-06", [], False),  # the first day of Tết, a Saturday
        ("2027-02-10", [], False),
        ("2027-02-11", WEEKDAY_HOURS, True),
        ("2025-05-02", [], False),
        ("2025-04-26", WEEKDAY_HOURS, True),
        ("2024-05-04", WEEKDAY_HOURS, True),
        ("2014-09-06", WEEKDAY_HOURS, True),  # a make-up Saturday only the library knows
    ],
)
def test_default_calendar_by_hand(day: str, hours: list[str], working: bool) -> None:
    calendar = Calendar.default()
    assert opening(calendar, day) == hours
    assert calendar.is_working_day(date.fromisoformat(day)) is working
    assert bool(calendar.working_spans(date.fromisoformat(day))) is working


@pytest.mark.parametrize(
    ("mapping", "day", "hours", "working"),
    [
        ({"closures": ["2026-08-21"]}, "2026-08-21", [], False),
        ({"closures": [date(2026, 8, 22)]}, "2026-08-22", [], False),  # beats the national make-up day
        ({"exceptions": {"2026-08-21": []}}, "2026-08-21", [], False),
        ({"exceptions": {"2026-08-21": ["08:00-10:00"]}}, "2026-08-21", ["08:00-10:00"], True),
        ({"exceptions": {"2026-08-16": ["08:00-10:00"]}}, "2026-08-16", ["08:00-10:00"], False),
        ({"exceptions": {"2026-09-02": ["08:00-10:00"]}}, "2026-09-02", ["08:00-10:00"], False),
        ({"exceptions": {"2026-08-22": ["08:00-10:00"]}}, "2026-08-22", ["08:00-10:00"], True),
        ({"makeup_days": {"2026-08-15": "fri"}}, "2026-08-15", WEEKDAY_HOURS, True),
        ({"makeup_days": {"2026-11-24": "tue"}}, "2026-11-24", WEEKDAY_HOURS, True),  # its own word wins
        ({"makeup_days": {"2026-08-15": "fri"}, "exceptions": {"2026-08-15": []}}, "2026-08-15", [], False),
        ({"saturday": "closed"}, "2026-08-15", [], False),
        ({"saturday": "closed"}, "2026-08-22", WEEKDAY_HOURS, True),
        ({"saturday": "receive_only"}, "2026-08-15", ["07:30-11:30"], False),
        ({"observes_public_holidays": False}, "2026-08-31", WEEKDAY_HOURS, True),
        ({"observes_public_holidays": False}, "2026-08-22", ["07:30-11:30"], False),
        # who never works on Mondays lost nothing on 31 August and has nothing to make up
        ({"working_weekdays": ["tue", "wed", "thu", "fri"]}, "2026-08-22", ["07:30-11:30"], False),
        (
            {"hours": {"mon": ["07:00-09:00"]}},
            "2026-08-22",
            ["07:00-09:00"],
            True,
        ),  # the hours of that Monday
        ({"hours": {"mon": ["07:00-09:00"]}}, "2026-08-21", [], False),
    ],
)
def test_what_an_office_sets_differently(mapping: dict[str, Any], day: str, hours: list[str], working: bool) -> None:
    calendar = Calendar.from_mapping(mapping)
    assert opening(calendar, day) == hours
    assert calendar.is_working_day(date.fromisoformat(day)) is working


def test_opening_is_half_open_and_the_next_one_is_found() -> None:
    calendar = Calendar.default()
    assert [calendar.is_open(at(f"2026-08-20T{clock}")) for clock in ("07:29", "07:30", "11:29", "11:30")] == [
        False,
        True,
        True,
        False,
    ]
    assert calendar.is_open(datetime(2026, 8, 20, 0, 30, tzinfo=UTC))
    assert calendar.next_opening(at("2026-08-20T07:30")) == at("2026-08-20T07:30")
    assert calendar.next_opening(at("2026-08-20T07:31")) == at("2026-08-20T13:30")
    assert calendar.next_opening(at("2026-08-28T17:00")) == at("2026-08-29T07:30")
    assert calendar.next_opening(at("2026-08-29T11:30")) == at("2026-09-03T07:30")


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        ("2026-08-21", 1, "2026-08-22"),
        ("2026-08-22", 3, "2026-08-26"),
        ("2026-08-28", 1, "2026-09-03"),
        ("2026-08-30", 0, "2026-08-30"),
        ("2027-02-03", 1, "2027-02-11"),
        ("2026-11-23", 2, "2026-11-26"),
        ("2025-12-31", 6, "2026-01-10"),  # 5, 6, 7, 8, 9 and the make-up Saturday
    ],
)
def test_adding_working_days_by_hand(day: str, n: int, expected: str) -> None:
    assert Calendar.default().add_working_days(date.fromisoformat(day), n) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-08-20T08:00", 0, "2026-08-20T08:00"),
        ("2026-08-20T07:30", 240, "2026-08-20T11:30"),  # exactly at the noon close
        ("2026-08-20T07:30", 241, "2026-08-20T13:31"),
        ("2026-08-20T09:00", 240, "2026-08-20T15:00"),
        ("2026-08-20T12:00", 1, "2026-08-20T13:31"),
        ("2026-08-20T13:30", 210, "2026-08-20T17:00"),
        ("2026-08-20T16:59", 2, "2026-08-21T07:31"),
        ("2026-08-28T16:00", 120, "2026-09-03T08:30"),
        ("2026-08-15T08:00", 60, "2026-08-17T08:30"),  # a Saturday morning does not count
        ("2026-08-22T16:00", 120, "2026-08-24T08:30"),  # a make-up Saturday does
    ],
)
def test_adding_working_time_by_hand(start: str, minutes: int, expected: str) -> None:
    assert Calendar.default().add_working_time(at(start), minutes) == at(expected)


def test_a_round_the_clock_office_counts_every_minute() -> None:
    calendar = Calendar.from_mapping(ROUND_THE_CLOCK)
    start = at("2026-09-01T23:30")
    assert calendar.is_open(start)
    assert calendar.is_open(at("2026-09-02T00:00"))
    assert calendar.add_working_time(start, 30) == at("2026-09-02T00:00")
    assert calendar.add_working_time(start, 10_000) == start + timedelta(minutes=10_000)
    assert calendar.working_spans(date(2026, 9, 2)) == ((at("2026-09-02T00:00"), at("2026-09-03T00:00")),)
    assert calendar.add_working_days(date(2026, 8, 31), 10) == date(2026, 9, 10)


def test_a_calendar_without_working_days_says_so() -> None:
    empty = Calendar.from_mapping({"hours": {}})
    with pytest.raises(ValueError, match="no working day in the 732 days after 2026-08-21"):
        empty.add_working_days(date(2026, 8, 21), 1)
    with pytest.raises(ValueError, match="no working day in the 732 days"):
        empty.add_working_time(at("2026-08-21T08:00"), 1)
    with pytest.raises(ValueError, match="no opening hours in the 732 days after 2026-08-21"):
        empty.next_opening(at("2026-08-21T08:00"))


@pytest.mark.parametrize("year", [1, 206, 1900, 2101, 9999])
def test_years_without_known_holidays_are_refused(year: int) -> None:
    calendar = Calendar.default()
    with pytest.raises(ValueError, match="outside the years 1901–2100"):
        calendar.is_working_day(date(year, 6, 1))
    with pytest.raises(ValueError, match="outside the years 1901–2100"):
        calendar.local(datetime(year, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match=str(year)):
        national_year(year)


def test_counting_past_the_known_years_stops() -> None:
    with pytest.raises(ValueError, match="2101-01-01 lies outside"):
        Calendar.default().add_working_days(date(2100, 12, 1), 50)


def test_times_without_offset_and_counting_backwards_are_refused() -> None:
    calendar = Calendar.default()
    naive = datetime(2026, 8, 21, 8)  # noqa: DTZ001 - that is the point
    for ask in (calendar.is_open, calendar.next_opening, calendar.local):
        with pytest.raises(ValueError, match="no offset"):
            ask(naive)
    with pytest.raises(ValueError, match="no offset"):
        calendar.add_working_time(naive, 1)
    with pytest.raises(ValueError, match="backwards"):
        calendar.add_working_days(date(2026, 8, 21), -1)
    with pytest.raises(ValueError, match="backwards"):
        calendar.add_working_time(at("2026-08-21T08:00"), -1)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"hour": {}}, "hour: not a key"),
        ({"hours": []}, "hours: expected a table"),
        ({"hours": {"monday": []}}, "hours: expected a table with the keys mon"),
        ({"hours": {"mon": "07:30-11:30"}}, "hours.mon: expected a list"),
        ({"hours": {"mon": ["07:30"]}}, "hours.mon: '07:30' is not a span"),
        ({"hours": {"mon": ["7:30-11:30"]}}, "hours.mon: '7:30' is not a time"),
        ({"hours": {"mon": ["07:30-24:01"]}}, "hours.mon: '24:01' is not a time"),
        ({"hours": {"mon": ["11:30-07:30"]}}, "hours.mon: '11:30-07:30' does not end after"),
        ({"hours": {"mon": ["08:00-08:00"]}}, "hours.mon: .* does not end after"),
        (
            {"hours": {"mon": ["07:30-11:30", "11:00-12:00"]}},
            "hours.mon: the span from 11:00 begins before 11:30",
        ),
        ({"hours": {"mon": ["13:30-17:00", "07:30-11:30"]}}, "hours.mon: the span from 07:30 begins before"),
        ({"hours": {"mon": ["07:30-11:30"] * 13}}, "hours.mon: expected a list of at most 12"),
        ({"working_weekdays": ["sun"]}, "working_weekdays: sun has no hours"),
        ({"working_weekdays": ["so"]}, "working_weekdays: 'so' is not one of mon"),
        ({"working_weekdays": "mon"}, "working_weekdays: expected a list"),
        ({"saturday": "open"}, "saturday: 'open' is not one of receive_and_settle"),
        ({"saturday": "closed", "working_weekdays": ["sat"]}, "saturday: closed, but"),
        ({"closures": ["2026-02-30"]}, "closures: '2026-02-30' is no day"),
        ({"closures": ["20260822"]}, "closures: '20260822' is not a date"),
        ({"closures": [datetime(2026, 8, 22, tzinfo=UTC)]}, "closures: .* is not a date"),
        ({"closures": ["2026-08-22"] * 5_001}, "closures: expected a list of at most 5000"),
        ({"closures": ["2026-08-21"], "exceptions": {"2026-08-21": []}}, "closures: 2026-08-21 also stands"),
        ({"exceptions": []}, "exceptions: expected a table"),
        ({"exceptions": {"2026-08-21": ["8-9"]}}, "exceptions.2026-08-21: '8' is not a time"),
        ({"exceptions": {"Tết": []}}, "exceptions: 'Tết' is not a date"),
        (
            {"makeup_days": {"2026-08-15": "sat"}},
            "makeup_days.2026-08-15: sat is not one of the working_weekdays",
        ),
        ({"makeup_days": {"2026-08-15": 1}}, "makeup_days.2026-08-15: 1 is not one of mon"),
        ({"observes_public_holidays": 1}, "observes_public_holidays: 1 is neither"),
        ({"timezone": "Asia/Nowhere"}, "timezone: 'Asia/Nowhere' is not"),
        ({"timezone": "../etc"}, "timezone: '../etc' is not"),
        ({"timezone": ""}, "timezone: '' is not"),
        ({"timezone": 7}, "timezone: 7 is not"),
    ],
)
def test_a_wrong_calendar_names_its_key(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Calendar.from_mapping(mapping)


def test_a_calendar_written_in_toml() -> None:
    calendar = Calendar.from_mapping(
        tomllib.loads("""
            closures = [2026-12-25]
            [hours]
            mon = ["08:00-12:00"]
            [exceptions]
            2026-12-28 = ["09:00-10:00"]
            [makeup_days]
            2026-12-26 = "mon"
            """)
    )
    assert opening(calendar, "2026-12-28") == ["09:00-10:00"]
    assert calendar.add_working_days(date(2026, 12, 24), 1) == date(2026, 12, 26)


def test_overrides_win_over_the_library_in_every_direction() -> None:
    fifth, sixth, seventh, eighth = (date(2026, 5, n) for n in (5, 6, 7, 8))
    overrides = Overrides.from_mapping(
        {
            "days_off": [fifth],
            "not_days_off": [sixth],
            "not_makeup_days": [date(2026, 5, 9)],
            "makeup_days": {"2026-05-16": seventh, "2026-05-10": eighth},
        }
    )
    decided = overrides.applied_to(
        days_off=[sixth, date(2026, 5, 10), date(2026, 5, 1)],
        makeup_days=[date(2026, 5, 9), date(2026, 5, 23)],
    )
    assert decided.days_off == {date(2026, 5, 1), fifth, seventh, eighth}
    assert decided.makeup_days == {date(2026, 5, 16): 3, date(2026, 5, 10): 4, date(2026, 5, 23): 0}


@pytest.mark.parametrize("year", range(2010, 2041))
def test_every_national_make_up_day_is_a_weekend_day_and_every_year_has_tet(year: int) -> None:
    national = national_year(year)
    assert all(day.weekday() >= 5 for day in national.makeup_days)
    assert all(weekday < 5 for weekday in national.makeup_days.values())
    assert len([day for day in national.days_off if day.month <= 2 and day.weekday() < 5]) >= 4
    assert not national.days_off & national.makeup_days.keys()


@given(calendars())
@settings(deadline=None)
def test_to_mapping_and_back_through_json(calendar: Calendar) -> None:
    mapping = calendar.to_mapping()
    again = Calendar.from_mapping(json.loads(json.dumps(mapping)))
    assert again == calendar
    assert hash(again) == hash(calendar)
    assert again.to_mapping() == mapping
    assert pickle.loads(pickle.dumps(calendar)) == calendar


@given(calendars(), DAYS)
@settings(deadline=None)
def test_working_hours_are_opening_hours_inside_the_day(calendar: Calendar, day: date) -> None:
    spans = calendar.opening_spans(day)
    assert calendar.working_spans(day) in ((), spans)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    if spans:
        midnight = datetime(day.year, day.month, day.day, tzinfo=HANOI)
        assert midnight <= edges[0] < edges[-1] <= midnight + timedelta(days=1)


@given(calendars(), DAYS, st.integers(1, 60))
@settings(deadline=None)
def test_adding_days_never_lands_on_a_closed_day(calendar: Calendar, day: date, n: int) -> None:
    landed = calendar.add_working_days(day, n)
    assert calendar.is_working_day(landed)
    between = (day + timedelta(days=ahead) for ahead in range(1, (landed - day).days + 1))
    assert sum(calendar.is_working_day(passed) for passed in between) == n


@given(calendars(), DAYS, st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None)
def test_adding_days_at_once_or_in_two_steps(calendar: Calendar, day: date, a: int, b: int) -> None:
    assert calendar.add_working_days(day, a + b) == calendar.add_working_days(calendar.add_working_days(day, a), b)


@given(calendars(), MOMENTS, st.integers(0, 5_000), st.integers(0, 5_000))
@settings(deadline=None)
def test_adding_time_at_once_or_in_two_steps(calendar: Calendar, start: datetime, a: int, b: int) -> None:
    in_two = calendar.add_working_time(calendar.add_working_time(start, a), b)
    assert calendar.add_working_time(start, a + b) == in_two


@given(calendars(), MOMENTS, st.integers(1, 5_000))
@settings(deadline=None)
def test_added_time_ends_in_working_hours_after_as_many_minutes(calendar: Calendar, start: datetime, n: int) -> None:
    end = calendar.add_working_time(start, n)
    last = (end - timedelta.resolution).date()
    assert any(begin < end <= close for begin, close in calendar.working_spans(last))
    days = (start.date() + timedelta(days=ahead) for ahead in range((last - start.date()).days + 1))
    spans = [span for day in days for span in calendar.working_spans(day)]
    worked = sum((max(min(close, end) - max(begin, start), timedelta()) for begin, close in spans), timedelta())
    assert worked == timedelta(minutes=n)


@given(calendars(), MOMENTS, MOMENTS, st.integers(0, 5_000))
@settings(deadline=None)
def test_adding_time_is_monotone(calendar: Calendar, one: datetime, other: datetime, n: int) -> None:
    early, late = sorted((one, other))
    assert calendar.add_working_time(early, n) <= calendar.add_working_time(late, n)
    assert calendar.add_working_time(early, n) <= calendar.add_working_time(early, n + 1)


@given(calendars(), MOMENTS)
@settings(deadline=None)
def test_the_next_opening_is_open_and_nothing_before_it_opens(calendar: Calendar, start: datetime) -> None:
    opens = calendar.next_opening(start)
    assert opens >= start
    assert calendar.is_open(opens)
    assert not any(start <= begin < opens for begin, _ in calendar.opening_spans(start.date()))


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-08-21T15:30", "2026-08-21T15:30", 0),
        ("2026-08-21T15:30", "2026-08-21T17:00", 90),
        ("2026-08-21T11:00", "2026-08-21T14:00", 60),  # the noon break does not count
        ("2026-08-21T18:00", "2026-08-22T06:00", 0),
        ("2026-08-21T15:30", "2026-08-24T08:00", 90 + 450 + 30),  # 22 August is a make-up Saturday with weekday hours
        ("2026-08-28T16:00", "2026-09-03T07:45", 60 + 15),  # a plain Saturday, the swapped Monday and National Day
        ("2026-12-31T16:59:59", "2027-01-04T07:31:59", 1 + 1),  # counted in whole minutes
        # 2025: 261 weekdays, 12 of them off (1 January, 5 of Tết, 7 and 30 April, 1 and 2 May, 1 and 2 September), and
        # the make-up Saturday 26 April; nobody works on 1 and 2 January 2026.
        ("2024-12-31T16:00", "2026-01-05T07:30", 60 + 450 * (261 - 12 + 1)),
    ],
)
def test_working_minutes_between_by_hand(start: str, end: str, minutes: int) -> None:
    assert Calendar.default().working_minutes_between(at(start), at(end)) == minutes


def test_working_minutes_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="cannot count backwards"):
        Calendar.default().working_minutes_between(at("2026-08-21T15:30"), at("2026-08-21T15:29"))


@given(calendars(), MOMENTS, st.integers(0, 59), st.integers(0, 50_000))
@settings(deadline=None)
def test_working_minutes_are_what_was_added(calendar: Calendar, start: datetime, second: int, n: int) -> None:
    start = start.replace(second=second)
    assert calendar.working_minutes_between(start, calendar.add_working_time(start, n)) == n


@given(calendars(), st.lists(MOMENTS, min_size=3, max_size=3).map(sorted))
@settings(deadline=None)
def test_working_minutes_are_the_sum_of_their_parts(calendar: Calendar, moments: list[datetime]) -> None:
    first, middle, last = moments
    parts = calendar.working_minutes_between(first, middle) + calendar.working_minutes_between(middle, last)
    assert calendar.working_minutes_between(first, last.astimezone(UTC)) == parts
