"""When a dossier is handed over to the competent unit, and when it is due, in an office's working time.

The rules are the one-stop mechanism's as the domain notes give them under "Counting"; what an office may set
differently stands in ``DeadlinePolicy``, its hours and working days in its ``Calendar``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, cast

from office.calendar import Calendar
from office.hours import format_clock, parse_clock

MAX_DAYS = 1_000
HOURS_A_DAY = 8
"""Working hours that make one working day, for the bound of a limit only: hours are counted as hours."""

_LIMIT = re.compile(r"([0-9]{1,5})([dh])")


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit of ``amount`` working days (``d``, 0 = the same day) or working hours (``h``)."""

    amount: int
    unit: Literal["d", "h"]

    def __post_init__(self) -> None:
        """Hold the bounds: 0 to 1,000 days, 1 to 8,000 hours."""
        least, most = (0, MAX_DAYS) if self.unit == "d" else (1, MAX_DAYS * HOURS_A_DAY)
        if not least <= self.amount <= most:
            raise ValueError(f"limit {self}: expected {least}{self.unit} to {most}{self.unit}")

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``3d`` or ``4h``; ValueError says what is wrong with anything else."""
        match = _LIMIT.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"limit {text[:40]!r}: expected working days like 3d or working hours like 4h")
        return cls(int(match[1]), cast(Literal["d", "h"], match[2]))

    def __str__(self) -> str:
        """Write the limit as ``parse`` reads it."""
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class DeadlinePolicy:
    """What an office decides about counting: ``transfer_cutoff``, time since midnight.

    A dossier taken in person later than that is handed over on the next working day; 24:00 means no cut-off.
    """

    transfer_cutoff: timedelta = timedelta(hours=15)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> DeadlinePolicy:
        """Read ``{"transfer_cutoff": "15:00"}``; left out it is the default, ValueError names a wrong key."""
        if unknown := sorted(mapping.keys() - {"transfer_cutoff"}):
            raise ValueError(f"{unknown[0]}: not a key of a deadline policy")
        if "transfer_cutoff" not in mapping:
            return cls()
        return cls(parse_clock(mapping["transfer_cutoff"], "transfer_cutoff"))

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``from_mapping`` reads, complete and ready for JSON."""
        return {"transfer_cutoff": format_clock(self.transfer_cutoff)}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The three moments of a dossier's clock, each with the office's offset."""

    received: datetime
    handed_over: datetime
    due: datetime

    @property
    def due_on(self) -> date:
        """Return the day to promise: the one ``due`` closes, also where a day's hours end at 24:00."""
        return (self.due - timedelta.resolution).date()


def deadline(
    received: datetime, limit: Limit, calendar: Calendar, policy: DeadlinePolicy, *, online: bool = False
) -> Deadline:
    """Return when a dossier received at ``received`` is handed over and due; ValueError without an offset."""
    handed_over = hand_over(received, calendar, policy, online=online)
    return Deadline(calendar.local(received), handed_over, due(handed_over, limit, calendar))


def hand_over(received: datetime, calendar: Calendar, policy: DeadlinePolicy, *, online: bool = False) -> datetime:
    """Return when the competent unit gets a dossier received at ``received``.

    On a working day and not after the cut-off: at once in working hours, at their next start before opening
    or in the noon break. Otherwise, also after the day's close: the first opening of the next working day.
    Online dossiers know no cut-off. ValueError if ``received`` has no offset.
    """
    local = calendar.local(received)
    day = local.date()
    midnight = datetime.combine(day, time(), local.tzinfo)
    if online or local - midnight <= policy.transfer_cutoff:
        for start, end in calendar.working_spans(day):
            if local < end:
                return max(start, local)
    return calendar.working_spans(calendar.add_working_days(day, 1))[0][0]


def due(handed_over: datetime, limit: Limit, calendar: Calendar) -> datetime:
    """Return the end of ``limit``, counted from ``handed_over``.

    Days end at the close of the n-th working day after the day of hand-over, 0 days at the close of that
    day itself; hours run through working hours and may end exactly at a close. ValueError if ``handed_over``
    has no offset, or if 0 days start on a day that is no working day.
    """
    if limit.unit == "h":
        return calendar.add_working_time(handed_over, limit.amount * 60)
    day = calendar.add_working_days(calendar.local(handed_over).date(), limit.amount)
    spans = calendar.working_spans(day)
    if not spans:
        raise ValueError(f"limit {limit}: {day} is no working day")
    return spans[-1][1]
