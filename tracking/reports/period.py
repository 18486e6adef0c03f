"""The span of time that a report is about: a month, a quarter or a year. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

_PERIOD = re.compile(r"(20[0-9]{2})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?")


class WrongPeriod(ValueError):
    """The text is no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months of one year: ``first`` and ``last`` are 1 to 12."""

    year: int
    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2026-07``, ``2026-Q3`` or ``2026``; WrongPeriod for anything else."""
        match = _PERIOD.fullmatch(text.strip().upper())
        if match is None:
            raise WrongPeriod(f"{text[:20]!r} is no month (2026-07), quarter (2026-Q3) or year (2026)")
        year, quarter, month = int(match[1]), match[2], match[3]
        if quarter:
            return cls(year, int(quarter) * 3 - 2, int(quarter) * 3)
        return cls(year, int(month or 1), int(month or 12))

    @classmethod
    def quarter_of(cls, day: date) -> Period:
        """The quarter that ``day`` lies in."""
        first = (day.month - 1) // 3 * 3 + 1
        return cls(day.year, first, first + 2)

    def __str__(self) -> str:
        """Write the period as ``parse`` reads it."""
        if self.last - self.first == 11:
            return str(self.year)
        if self.last > self.first:
            return f"{self.year}-Q{self.quarter}"
        return f"{self.year}-{self.first:02d}"

    @property
    def quarter(self) -> int:
        """The quarter of the first month, 1 to 4."""
        return (self.first + 2) // 3

    def name(self, language: str) -> str:
        """What people call it."""
        if self.last - self.first == 11:
            return f"năm {self.year}" if language == "vi" else str(self.year)
        if self.last > self.first:
            return f"quý {self.quarter}/{self.year}" if language == "vi" else f"Q{self.quarter} {self.year}"
        return f"tháng {self.first}/{self.year}" if language == "vi" else f"{date(self.year, self.first, 1):%B %Y}"

    def months(self) -> list[Period]:
        """Its months, in order."""
        return [Period(self.year, month, month) for month in range(self.first, self.last + 1)]

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment and the first moment after it, on the wall clock of ``zone``."""
        after = date(self.year + 1, 1, 1) if self.last == 12 else date(self.year, self.last + 1, 1)
        first = date(self.year, self.first, 1)
        return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)

    def shifted(self, steps: int) -> Period:
        """The period of the same length that many steps later (or earlier)."""
        length = self.last - self.first + 1
        month = self.year * 12 + self.first - 1 + steps * length
        return Period(month // 12, month % 12 + 1, month % 12 + length)
