"""The lists of what an office has to do, and until when each reaches. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from office.calendar import Calendar
from tracking.policy import Policy


class WorkList(StrEnum):
    """A list of open dossiers; the names stand in addresses and in ``sql/supervision.sql``."""

    OPEN = "open"
    DUE_TODAY = "due-today"
    DUE_TOMORROW = "due-tomorrow"
    """Today is the last day on which an extension can be announced for them (or one of the last)."""
    LATE = "late"
    SUPPLEMENT = "supplement"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to which moments dossiers are due today, and due within the notice that an extension needs."""

    now: datetime
    today_ends: datetime
    notice_ends: datetime
    notice_day: date


def horizon(calendar: Calendar, policy: Policy, now: datetime) -> Horizon:
    """What an office looks ahead to: the next ``extension_notice_days`` working days, at least one.

    An office without working days looks at today only.
    """
    today = calendar.local(now).date()
    try:
        notice_day = calendar.add_working_days(today, max(1, policy.extension_notice_days))
    except ValueError:
        notice_day = today
    return Horizon(now, _end(today, calendar), _end(notice_day, calendar), notice_day)


def _end(day: date, calendar: Calendar) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), calendar.timezone)
