"""The span of time that a report is about: a month, a quarter, a year or some months. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

MOST_MONTHS = 12
_MONTH = "20[0-9]{2}-(?:0[1-9]|1[0-2])"
_PERIOD = re.compile(rf"(20[0-9]{{2}})(?:-Q([1-4]))?|({_MONTH})(?:\.\.({_MONTH}))?")


class WrongPeriod(ValueError):
    """The text is no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months: ``start`` counts them from the year 0 (2026-01 is 2026 · 12), ``length`` is 1 to 12."""

    start: int
    length: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2026-07``, ``2026-Q3``, ``2026`` or ``2025-07..2026-06``; WrongPeriod for anything else."""
        match = _PERIOD.fullmatch(text.strip().upper())
        if match is None:
            raise WrongPeriod(
                f"{text[:20]!r} is no month (2026-07), quarter (2026-Q3), year (2026) or span (2025-07..2026-06)"
            )
        year, quarter, first, last = match.groups()
        if year:
            return cls(int(year) * 12 + int(quarter or 1) * 3 - 3, 3 if quarter else 12)
        period = cls(_count(first), _count(last or first) - _count(first) + 1)
        if not 1 <= period.length <= MOST_MONTHS:
            raise WrongPeriod(f"{text[:20]!r} spans not 1 to {MOST_MONTHS} months")
        return period

    @classmethod
    def quarter_of(cls, day: date) -> Period:
        """The quarter that ``day`` lies in."""
        return cls(day.year * 12 + (day.month - 1) // 3 * 3, 3)

    def __str__(self) -> str:
        """Write the period as ``parse`` reads it."""
        first, last = self._first(0), self._first(self.length - 1)
        if self.length == 12 and first.month == 1:
            return f"{first:%Y}"
        if self.length == 3 and first.month % 3 == 1:
            return f"{first:%Y}-Q{self.quarter}"
        return f"{first:%Y-%m}" if self.length == 1 else f"{first:%Y-%m}..{last:%Y-%m}"

    @property
    def quarter(self) -> int:
        """The quarter of the first month, 1 to 4."""
        return self.start % 12 // 3 + 1

    def name(self, language: str) -> str:
        """What people call it."""
        text, first, last = str(self), self._first(0), self._first(self.length - 1)
        if "Q" in text:
            return f"quý {self.quarter}/{first.year}" if language == "vi" else f"Q{self.quarter} {first.year}"
        if text.isdecimal():
            return f"năm {text}" if language == "vi" else text
        if language == "vi":
            return f"tháng {first.month}/{first.year}" + (f"–{last.month}/{last.year}" if self.length > 1 else "")
        return f"{first:%B %Y}" + (f" to {last:%B %Y}" if self.length > 1 else "")

    def months(self) -> list[Period]:
        """Its months, in order."""
        return [Period(self.start + ahead, 1) for ahead in range(self.length)]

    def quarter_name(self) -> str:
        """The quarter of the first month, as ``parse`` reads it."""
        return f"{self._first(0):%Y}-Q{self.quarter}"

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment and the first moment after it, on the wall clock of ``zone``."""
        first, after = self._first(0), self._first(self.length)
        return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)

    def shifted(self, steps: int) -> Period:
        """The period of the same length that many steps later (or earlier)."""
        return Period(self.start + steps * self.length, self.length)

    def _first(self, ahead: int) -> date:
        return date((self.start + ahead) // 12, (self.start + ahead) % 12 + 1, 1)


def _count(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1
