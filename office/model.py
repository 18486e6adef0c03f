"""Offices, their services, counters and procedures, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from office.calendar import Calendar

AGENCY_CODE = r"(?:(?:[0-9A-Z]{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(?:\.[0-9A-Z]{1,3}){0,5})"
"""The grammar of agency codes, as a regular expression for ASCII: ``H26.18``, ``000.17.22.H56``."""


@dataclass(frozen=True, slots=True)
class Office:
    """A place with hours, services and counters. ``name_en`` is for readers of English."""

    id: str
    short_key: str
    name: str
    name_en: str
    kind: str
    parent: str | None
    address: str | None
    agencies: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    replaced_by: tuple[str, ...]

    def exists_on(self, day: date) -> bool:
        """Whether the office is (was, will be) there on ``day``; districts stay as history."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Service:
    """What a ticket is for at the counter. ``expected_minutes`` is the office's own figure for one visit."""

    id: str
    name: str
    name_en: str
    prefix: str
    expected_minutes: float
    procedures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """Where people are served; ``skills`` are the services it can take."""

    id: str
    name: str
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure of the public catalogue; ``time_limit`` (``3d``, ``4h``) is the one in force, None if none is
    known.
    """

    code: str
    name: str
    name_en: str
    field: str
    field_en: str
    time_limit: str | None


@dataclass(frozen=True, slots=True)
class OfficeDetail:
    """An office with all that its pages and queues need."""

    office: Office
    calendar: Calendar
    policy: Mapping[str, object]
    services: Mapping[str, Service]
    counters: Mapping[str, Counter]
    procedures: tuple[Procedure, ...]

    def service_day(self, now: datetime) -> date:
        """The date at ``now`` in the office's own time zone."""
        return now.astimezone(self.calendar.timezone).date()

    def takes_tickets(self, now: datetime) -> bool:
        """Whether numbers are given out at ``now``: the office exists that day and is open."""
        return self.office.exists_on(self.service_day(now)) and self.calendar.is_open(now)

    def opens_at(self, now: datetime) -> datetime | None:
        """When a closed office gives out numbers again; None if it never will: it is gone, or has no hours."""
        try:
            opening = self.calendar.next_opening(now)
        except ValueError:
            return None
        return opening if self.office.exists_on(opening.date()) else None
