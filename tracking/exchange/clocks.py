"""What other systems leave out of a dossier's clock, computed by calendar and rules of its receiving office. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from office.calendar import Calendar
from office.policies import Policies
from tracking.deadlines import DeadlinePolicy, hand_over
from tracking.exchange.state import VIET_NAM, State
from tracking.policy import Policy
from tracking.status import Status

NEVER_HANDED_OVER = frozenset({Status.REGISTERED, Status.NOT_ACCEPTED})
Limits = Sequence[tuple[date, str]]
"""The time limits of a procedure with the day each holds from, the oldest first."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What is stored of a dossier's clock, given or computed; None where neither was possible."""

    handed_over_at: datetime | None = None
    time_limit: str | None = None
    processing_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class OfficeTime:
    """Calendar and rules of one office."""

    calendar: Calendar
    policies: Policies
    _by_day: dict[date, DeadlinePolicy] = field(default_factory=dict, repr=False, compare=False)

    def handed_over(self, received_at: datetime, *, online: bool) -> datetime | None:
        """When the competent unit got it, by the rules of that day; None outside the years that are known."""
        try:
            day = self.calendar.local(received_at).date()
            return hand_over(received_at, self.calendar, self._policy(day), online=online)
        except ValueError:
            return None

    def worked(self, start: datetime | None, end: datetime | None) -> int | None:
        """The working minutes between; None if an end is missing or they lie outside the years that are known."""
        if start is None or end is None:
            return None
        try:
            return self.calendar.working_minutes_between(start, end) if start < end else 0
        except ValueError:
            return None

    def _policy(self, day: date) -> DeadlinePolicy:
        found = self._by_day.get(day)
        if found is None:
            found = self._by_day[day] = Policy.from_mapping(self.policies.on(day)).deadlines
        return found


@dataclass(frozen=True, slots=True)
class Clocks:
    """The offices' time and the procedures' limits."""

    offices: Mapping[str, OfficeTime] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def complete(self, state: State) -> Clock:
        """The clock of a dossier: what is given stays, the rest is computed."""
        office = self.offices.get(state.receiving_office)
        handed_over_at = state.handed_over_at
        if handed_over_at is None and office is not None and state.status not in NEVER_HANDED_OVER:
            handed_over_at = office.handed_over(state.received_at, online=state.channel == "online")
        minutes = state.processing_minutes
        if minutes is None and office is not None:
            worked = office.worked(handed_over_at, state.finished_at)
            minutes = max(0, worked - state.stopped_minutes) if worked is not None else None
        return Clock(handed_over_at, state.time_limit or self._limit(state), minutes)

    def _limit(self, state: State) -> str | None:
        limits = self.limits.get(state.procedure, ())
        day = state.received_at.astimezone(VIET_NAM).date()
        return next((limit for valid_from, limit in reversed(limits) if valid_from <= day), None)
