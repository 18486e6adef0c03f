"""Public holidays and make-up days of Viet Nam: the `holidays` library under a table of what was decided."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

FIRST_YEAR, LAST_YEAR = 1901, 2100
"""The years the library knows; outside them it would answer "no holidays" without a word."""

DECIDED = Path(__file__).parent / "data" / "vietnam.toml"
MONDAY = 0


@dataclass(frozen=True, slots=True)
class NationalYear:
    """One year's public ``days_off``, and ``makeup_days``: worked day → weekday it stands for (0: Monday)."""

    days_off: frozenset[date]
    makeup_days: Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What wins over the library; ``makeup_days`` maps a worked day to the day that is off in its place."""

    days_off: frozenset[date]
    not_days_off: frozenset[date]
    not_makeup_days: frozenset[date]
    makeup_days: Mapping[date, date]

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Overrides:
        """Read the form of ``data/vietnam.toml``; every key of it must be there, dates as TOML dates."""
        return cls(
            days_off=frozenset(table["days_off"]),
            not_days_off=frozenset(table["not_days_off"]),
            not_makeup_days=frozenset(table["not_makeup_days"]),
            makeup_days={date.fromisoformat(day): off for day, off in table["makeup_days"].items()},
        )

    def applied_to(self, days_off: Iterable[date], makeup_days: Iterable[date]) -> NationalYear:
        """Lay this table over the library's days; a make-up day only the library knows is a Monday's."""
        swapped = set(self.makeup_days.values())
        off = (set(days_off) - self.not_days_off | self.days_off | swapped) - self.makeup_days.keys()
        makeup = dict.fromkeys(set(makeup_days) - self.not_makeup_days - self.days_off, MONDAY)
        makeup |= {day: off_day.weekday() for day, off_day in self.makeup_days.items()}
        return NationalYear(frozenset(off), makeup)


@cache
def national_year(year: int) -> NationalYear:
    """Return the public holidays and make-up days of ``year``; ask it only for days of that year.

    Raises ValueError outside ``FIRST_YEAR … LAST_YEAR``. Years that are not announced yet are extrapolated.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"no public holidays are known for the year {year}, only for {FIRST_YEAR}–{LAST_YEAR}")
    from holidays import country_holidays  # noqa: PLC0415 - 0.1 s that only a look at a date should cost

    computed = country_holidays("VN", years=year)
    return _decided().applied_to(computed, computed.weekend_workdays)


@cache
def _decided() -> Overrides:
    return Overrides.from_mapping(tomllib.loads(DECIDED.read_text(encoding="utf-8")))
