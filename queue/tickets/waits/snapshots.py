"""Recorded queue snapshots: one row per office, moment and queue, as comma-separated values. Pure.

Columns (any order, more are allowed): ``office``, ``date`` (2020-01-07), ``time`` (HH:MM, local), ``queue_id``,
``queue``, ``last_called`` (the number shown last, like A015; may be empty), ``waiting`` (people), ``counters_open``,
``published_minutes`` (the waiting time that the office itself showed).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

COLUMNS = (
    "office",
    "date",
    "time",
    "queue_id",
    "queue",
    "last_called",
    "waiting",
    "counters_open",
    "published_minutes",
)
MOST_ROWS = 10_000_000
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_NUMBER = re.compile(r"(\D{0,8})(\d{1,6})", re.ASCII)
_COUNT = re.compile(r"\d{1,5}", re.ASCII)
_MINUTES = re.compile(r"\d{1,5}(\.\d{1,6})?", re.ASCII)


class SnapshotError(ValueError):
    """A row that cannot be read; the text names line and column."""


class Reading(NamedTuple):
    """One queue at one moment: ``number`` of ``series`` was called last (None: nothing shown)."""

    day: date
    queue: str
    minute: int
    series: str
    number: int | None
    waiting: int
    counters: int
    published: float


def read_snapshots(lines: Iterable[str]) -> Iterator[Reading]:
    """The readings in the rows of a file, in its order. Raises SnapshotError at the first bad one."""
    rows = csv.reader(lines, strict=True)
    try:
        places = _places(next(rows, []))
        for row in rows:
            if rows.line_num > MOST_ROWS:
                raise SnapshotError(f"line {rows.line_num}: more than {MOST_ROWS} lines")
            yield _reading(rows.line_num, row, places)
    except csv.Error as error:
        raise SnapshotError(f"line {rows.line_num}: {error}") from None


def _places(header: list[str]) -> list[int]:
    header = [name.removeprefix("\ufeff").strip() for name in header]
    for column in COLUMNS:
        if column not in header:
            raise SnapshotError(f"line 1: column {column} is missing; expected {','.join(COLUMNS)}")
    return [header.index(column) for column in COLUMNS]


def _reading(line: int, row: list[str], places: list[int]) -> Reading:
    if len(row) <= max(places):
        column = COLUMNS[next(i for i, place in enumerate(places) if place >= len(row))]
        raise SnapshotError(f"line {line}: column {column} is missing: the row has {len(row)} fields")
    office, day, time, queue_id, _, shown, waiting, counters, published = (row[place].strip() for place in places)
    if not office or not queue_id:
        raise SnapshotError(f"line {line}, column {'queue_id' if office else 'office'}: empty")
    series, number = _number(line, shown)
    return Reading(
        _day(line, day),
        f"{office}/{queue_id}",
        _minute(line, time),
        series,
        number,
        _count(line, "waiting", waiting),
        _count(line, "counters_open", counters),
        _published(line, published),
    )


def _day(line: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad(line, "date", text, "a day like 2020-01-07") from None


def _minute(line: int, text: str) -> int:
    if not (found := _TIME.fullmatch(text)):
        raise _bad(line, "time", text, "a time like 08:05")
    return int(found[1]) * 60 + int(found[2])


def _number(line: int, text: str) -> tuple[str, int | None]:
    if not text:
        return "", None
    if not (found := _NUMBER.fullmatch(text)):
        raise _bad(line, "last_called", text, "a ticket number like A015, or nothing")
    return found[1], int(found[2])


def _count(line: int, column: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise _bad(line, column, text, "a whole number from 0")
    return int(text)


def _published(line: int, text: str) -> float:
    if not _MINUTES.fullmatch(text):
        raise _bad(line, "published_minutes", text, "minutes from 0")
    return float(text)


def _bad(line: int, column: str, text: str, expected: str) -> SnapshotError:
    return SnapshotError(f"line {line}, column {column}: {text[:40]!r} is not {expected}")
