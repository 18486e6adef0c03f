"""The working calendar of one office: when it is open, which days count, and counting in working time.

Times go in and come out with an offset; they are counted on the wall clock of the office's time zone. Every
span is half open: at 11:30 an office with the hours 07:30-11:30 is closed. A span to 24:00 ends at the next
midnight.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any, Literal, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo

from office.holidays import FIRST_YEAR, LAST_YEAR, national_year
from office.hours import WEEKDAYS, Hours, format_hours, parse_date, parse_hours, parse_week, parse_weekday

Span = tuple[datetime, datetime]
Saturday = Literal["receive_and_settle", "receive_only", "closed"]

ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)
SEARCH_DAYS = 2 * 366
"""How far a search for the next working or open day goes before the calendar is called empty."""
MAX_DATES = 5_000
"""How many dates one list of a calendar may hold."""
SATURDAY = WEEKDAYS.index("sat")

DEFAULTS: Mapping[str, object] = {
    "timezone": "Asia/Ho_Chi_Minh",
    "hours": {
        **{name: ["07:30-11:30", "13:30-17:00"] for name in WEEKDAYS[:5]},
        "sat": ["07:30-11:30"],
    },
    "saturday": "receive_and_settle",
    "exceptions": {},
    "closures": [],
    "makeup_days": {},
    "observes_public_holidays": True,
}
"""The office of the domain notes; ``working_weekdays`` defaults to those of mon–fri that have hours."""


class _Day(NamedTuple):
    working: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Calendar:
    """Hours and working days of one office; weekdays are 0 (Monday) to 6.

    ``hours`` has one entry per weekday. Only ``working_weekdays`` and make-up days count for deadlines: a
    Saturday morning is open but is not a working day. ``exceptions`` give other hours (none: closed) to
    single dates and leave alone whether they count; ``makeup_days`` are worked with the hours of the weekday
    they name. National make-up days come with the public holidays, for every office that works on the weekday
    they stand for. An office's own word wins: a public holiday among its ``makeup_days`` is worked there.
    """

    timezone: ZoneInfo
    hours: tuple[Hours, ...]
    working_weekdays: frozenset[int]
    saturday: Saturday
    exceptions: Mapping[date, Hours] = field(hash=False)
    closures: frozenset[date]
    makeup_days: Mapping[date, int] = field(hash=False)
    observes_public_holidays: bool
    _days: dict[date, _Day] = field(default_factory=dict, init=False, repr=False, compare=False)
    _next_days: dict[date, date] = field(default_factory=dict, init=False, repr=False, compare=False)
    _years: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check what one field says about another; ValueError names the keys."""
        for weekday in sorted(self.working_weekdays):
            if not self.hours[weekday]:
                raise ValueError(f"working_weekdays: {WEEKDAYS[weekday]} has no hours")
        if self.saturday == "closed" and SATURDAY in self.working_weekdays:
            raise ValueError("saturday: closed, but working_weekdays has sat")
        for day, weekday in self.makeup_days.items():
            if weekday not in self.working_weekdays:
                raise ValueError(f"makeup_days.{day}: {WEEKDAYS[weekday]} is not one of the working_weekdays")
        for day in sorted(self.closures & (self.exceptions.keys() | self.makeup_days.keys())):
            raise ValueError(f"closures: {day} also stands in exceptions or makeup_days")

    @classmethod
    def default(cls) -> Calendar:
        """Return the calendar of the domain notes: Mon–Fri 07:30–11:30 and 13:30–17:00, Sat 07:30–11:30."""
        return cls.from_mapping({})

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Calendar:
        """Build a calendar from the keys of ``DEFAULTS`` and ``working_weekdays``, as TOML or JSON has them.

        Keys left out take the default; within ``hours`` a weekday left out is closed. ValueError names a key.
        """
        if unknown := sorted(mapping.keys() - DEFAULTS.keys() - {"working_weekdays"}):
            raise ValueError(f"{unknown[0]}: not a key of a calendar")
        given = {**DEFAULTS, **mapping}
        hours = parse_week(given["hours"], "hours")
        working = given.get("working_weekdays", [name for name, day in zip(WEEKDAYS[:5], hours, strict=False) if day])
        return cls(
            timezone=_timezone(given["timezone"]),
            hours=hours,
            working_weekdays=frozenset(
                parse_weekday(name, "working_weekdays") for name in _list(working, "working_weekdays")
            ),
            saturday=_saturday(given["saturday"]),
            exceptions={
                parse_date(day, "exceptions"): parse_hours(spans, f"exceptions.{day}")
                for day, spans in _table(given["exceptions"], "exceptions").items()
            },
            closures=frozenset(parse_date(day, "closures") for day in _list(given["closures"], "closures")),
            makeup_days={
                parse_date(day, "makeup_days"): parse_weekday(name, f"makeup_days.{day}")
                for day, name in _table(given["makeup_days"], "makeup_days").items()
            },
            observes_public_holidays=_flag(given["observes_public_holidays"], "observes_public_holidays"),
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``from_mapping`` reads, complete and ready for JSON."""
        return {
            "timezone": self.timezone.key,
            "hours": {name: format_hours(hours) for name, hours in zip(WEEKDAYS, self.hours, strict=True)},
            "working_weekdays": [WEEKDAYS[weekday] for weekday in sorted(self.working_weekdays)],
            "saturday": self.saturday,
            "exceptions": {str(day): format_hours(hours) for day, hours in sorted(self.exceptions.items())},
            "closures": [str(day) for day in sorted(self.closures)],
            "makeup_days": {str(day): WEEKDAYS[weekday] for day, weekday in sorted(self.makeup_days.items())},
            "observes_public_holidays": self.observes_public_holidays,
        }

    def local(self, at: datetime) -> datetime:
        """Return ``at`` on the office's wall clock; ValueError without offset or outside the known years."""
        if at.utcoffset() is None:
            raise ValueError(f"{at.isoformat()} has no offset from UTC")
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise ValueError(f"{at.isoformat()} lies outside the years {FIRST_YEAR}–{LAST_YEAR}")
        return at.astimezone(self.timezone)

    def is_working_day(self, day: date) -> bool:
        """Say whether ``day`` counts for deadlines."""
        return self._day(day).working

    def working_spans(self, day: date) -> tuple[Span, ...]:
        """Return the working hours of ``day`` in ascending order, none if it does not count for deadlines."""
        found = self._day(day)
        return found.spans if found.working else ()

    def opening_spans(self, day: date) -> tuple[Span, ...]:
        """Return the hours of ``day`` in which the office is open to the public, in ascending order."""
        return self._day(day).spans

    def is_open(self, at: datetime) -> bool:
        """Say whether the office is open to the public at ``at``."""
        local = self.local(at)
        return any(start <= local < end for start, end in self.opening_spans(local.date()))

    def next_opening(self, at: datetime) -> datetime:
        """Return the first start of opening hours at or after ``at``; ValueError if none is in two years."""
        local = self.local(at)
        for ahead in range(SEARCH_DAYS + 1):
            for start, _ in self.opening_spans(local.date() + ahead * ONE_DAY):
                if start >= local:
                    return start
        raise ValueError(f"the calendar has no opening hours in the {SEARCH_DAYS} days after {local.date()}")

    def add_working_days(self, day: date, n: int) -> date:
        """Return the ``n``-th working day after ``day``; 0 gives ``day`` itself, whether it is one or not."""
        if n < 0:
            raise ValueError(f"{n} working days: cannot count backwards")
        for _ in range(n):
            day = self._next_working_day(day)
        return day

    def add_working_time(self, at: datetime, minutes: int) -> datetime:
        """Return when ``minutes`` of working hours have passed since ``at``, if need be exactly at a close.

        0 minutes give ``at`` itself; otherwise a time outside working hours waits for their next start.
        """
        if minutes < 0:
            raise ValueError(f"{minutes} working minutes: cannot count backwards")
        local, left = self.local(at), timedelta(minutes=minutes)
        if not left:
            return local
        day = local.date()
        while True:
            for start, end in self.working_spans(day):
                begin = max(start, local)
                if begin + left <= end:
                    return begin + left
                left -= max(end - begin, timedelta())
            day = self._next_working_day(day)

    def working_minutes_between(self, start: datetime, end: datetime) -> int:
        """Return how many minutes of working hours lie between two moments, each counted in whole minutes.

        The inverse of ``add_working_time``, and additive: what lies between is the sum of its parts. ValueError if
        ``end`` lies before ``start``.
        """
        if end < start:
            raise ValueError(f"{end.isoformat()} lies before {start.isoformat()}: cannot count backwards")
        (first, before), (last, until) = self._minutes_of_year(start), self._minutes_of_year(end)
        return until - before + sum(self._worked_in(year)[-1] for year in range(first, last))

    def _minutes_of_year(self, at: datetime) -> tuple[int, int]:
        local = self.local(at)
        worked = self._worked_in(local.year)[local.toordinal() - date(local.year, 1, 1).toordinal()]
        now = local.hour * 60 + local.minute
        for start, end in self.working_spans(local.date()):
            begin = start.hour * 60 + start.minute
            if now > begin:
                worked += min(now - begin, (end - start) // ONE_MINUTE)
        return local.year, worked

    def _worked_in(self, year: int) -> tuple[int, ...]:
        # The working minutes of the year before each of its days, and last those of the whole year.
        found = self._years.get(year)
        if found is None:
            days = (date(year, 1, 1) + ahead * ONE_DAY for ahead in range(366 if isleap(year) else 365))
            found = self._years[year] = (0, *accumulate(self._worked_on(self._read_day(day)) for day in days))
        return found

    @staticmethod
    def _worked_on(day: _Day) -> int:
        return sum((end - start) // ONE_MINUTE for start, end in day.spans) if day.working else 0

    def _next_working_day(self, day: date) -> date:
        if found := self._next_days.get(day):
            return found
        for ahead in range(1, SEARCH_DAYS + 1):
            if self._day(later := day + ahead * ONE_DAY).working:
                self._next_days[day] = later
                return later
        raise ValueError(f"the calendar has no working day in the {SEARCH_DAYS} days after {day}")

    def _day(self, day: date) -> _Day:
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._read_day(day)
        return found

    def _read_day(self, day: date) -> _Day:
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValueError(f"{day} lies outside the years {FIRST_YEAR}–{LAST_YEAR}")
        makeup = self._makeup_weekday(day)
        holiday = makeup is None and self._is_public_holiday(day)
        hours = self.exceptions.get(day)
        if hours is None:
            hours = () if holiday or day in self.closures else self._usual_hours(day, makeup)
        counts = makeup is not None or (not holiday and day.weekday() in self.working_weekdays)
        midnight = datetime.combine(day, time(), self.timezone)
        return _Day(counts and bool(hours), tuple((midnight + start, midnight + end) for start, end in hours))

    def _makeup_weekday(self, day: date) -> int | None:
        if day in self.makeup_days or not self.observes_public_holidays:
            return self.makeup_days.get(day)
        weekday = national_year(day.year).makeup_days.get(day)
        return weekday if weekday in self.working_weekdays else None

    def _is_public_holiday(self, day: date) -> bool:
        return self.observes_public_holidays and day in national_year(day.year).days_off

    def _usual_hours(self, day: date, makeup: int | None) -> Hours:
        if makeup is None and day.weekday() == SATURDAY and self.saturday == "closed":
            return ()
        return self.hours[day.weekday() if makeup is None else makeup]


def _timezone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        raise ValueError(f"timezone: {value!r} is not a known time zone like 'Asia/Ho_Chi_Minh'") from None


def _saturday(value: object) -> Saturday:
    if value not in get_args(Saturday):
        raise ValueError(f"saturday: {value!r} is not one of {' '.join(get_args(Saturday))}")
    return cast(Saturday, value)


def _table(value: object, key: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or len(value) > MAX_DATES:
        raise ValueError(f"{key}: expected a table of at most {MAX_DATES} entries, got {type(value).__name__}")
    return value


def _list(value: object, key: str) -> Collection[object]:
    if not isinstance(value, list | tuple) or len(value) > MAX_DATES:
        raise ValueError(f"{key}: expected a list of at most {MAX_DATES} entries, got {type(value).__name__}")
    return value


def _flag(value: object, key: str) -> bool:
    if value is not True and value is not False:
        raise ValueError(f"{key}: {value!r} is neither true nor false")
    return value
