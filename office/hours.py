"""Hours of a day: as people write them, "07:30-11:30", and as time since midnight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Keys of the weekdays, at the place ``date.weekday()`` gives them."""

MAX_SPANS = 12
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Hours = tuple[tuple[timedelta, timedelta], ...]
"""Spans of one day, ascending, as (start, end) since midnight; 24 hours is the end of the day."""


def parse_clock(text: object, key: str) -> timedelta:
    """Read ``"HH:MM"`` (00:00 to 24:00) as time since midnight; ValueError names ``key``."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{key}: {text!r} is not a time like '07:30'")
    hours, minutes = (int(part) for part in match.groups() if part is not None)
    return timedelta(hours=hours, minutes=minutes)


def format_clock(since_midnight: timedelta) -> str:
    """Write time since midnight as ``"HH:MM"``."""
    minutes = since_midnight // timedelta(minutes=1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_hours(value: object, key: str) -> Hours:
    """Read a list of ``"HH:MM-HH:MM"``, empty for closed; ValueError names ``key`` and what is wrong.

    Spans ascend and don't overlap; one may begin where the one before it ends.
    """
    if not isinstance(value, list | tuple) or len(value) > MAX_SPANS:
        raise ValueError(f"{key}: expected a list of at most {MAX_SPANS} spans like '07:30-11:30', got {value!r}")
    hours = tuple(_parse_span(span, key) for span in value)
    for (_, end), (start, _) in pairwise(hours):
        if start < end:
            raise ValueError(f"{key}: the span from {format_clock(start)} begins before {format_clock(end)}")
    return hours


def parse_week(value: object, key: str) -> tuple[Hours, ...]:
    """Read a table of weekday → list of spans as the hours of seven days; a weekday left out is closed."""
    if not isinstance(value, Mapping) or value.keys() - set(WEEKDAYS):
        raise ValueError(f"{key}: expected a table with the keys {' '.join(WEEKDAYS)}, got {value!r:.200}")
    return tuple(parse_hours(value.get(name, []), f"{key}.{name}") for name in WEEKDAYS)


def format_hours(hours: Hours) -> list[str]:
    """Write hours as ``parse_hours`` reads them."""
    return [f"{format_clock(start)}-{format_clock(end)}" for start, end in hours]


def parse_weekday(value: object, key: str) -> int:
    """Read ``mon`` … ``sun`` as 0 … 6; ValueError names ``key``."""
    if not isinstance(value, str) or value not in WEEKDAYS:
        raise ValueError(f"{key}: {value!r} is not one of {' '.join(WEEKDAYS)}")
    return WEEKDAYS.index(value)


def parse_date(value: object, key: str) -> date:
    """Read ``"YYYY-MM-DD"`` or a date, as JSON and TOML give them; ValueError names ``key``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{key}: {value!r} is no day: {error}") from None
    raise ValueError(f"{key}: {value!r} is not a date like '2026-08-22'")


def _parse_span(text: object, key: str) -> tuple[timedelta, timedelta]:
    if not isinstance(text, str) or text.count("-") != 1:
        raise ValueError(f"{key}: {text!r} is not a span like '07:30-11:30'")
    start, end = (parse_clock(clock, key) for clock in text.split("-"))
    if end <= start:
        raise ValueError(f"{key}: {text!r} does not end after it starts")
    return start, end
