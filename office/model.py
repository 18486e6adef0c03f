"""Offices, their services, counters and procedures, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from office.calendar import Calendar
from office.folding import has_words
from office.policies import Policies

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
class Agency:
    """A legal body that decides."""

    code: str
    name: str
    name_en: str


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
class RequiredPaper:
    """One line of what has to be handed in; ``original``: the original itself, it goes back with the result."""

    name: str
    name_en: str
    original: bool


@dataclass(frozen=True, slots=True)
class ProcedureLimit:
    """What holds from ``valid_from`` on: the time limit (``3d``, ``4h``) and the fee in đồng."""

    valid_from: date
    time_limit: str
    fee: int


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure of the public catalogue, as one office offers it.

    ``time_limit`` and ``fee`` are those in force today (None and 0 if none is known), ``limits`` all of them with the
    oldest first; ``agency`` is the code of who decides; ``letter`` the kind of letter that goes with a granted result.
    """

    code: str
    name: str
    name_en: str
    field: str
    field_en: str
    time_limit: str | None
    fee: int = 0
    papers: tuple[RequiredPaper, ...] = ()
    letter: str | None = None
    four_steps: bool = False
    agency: str | None = None
    limits: tuple[ProcedureLimit, ...] = ()

    def limit_on(self, day: date) -> ProcedureLimit | None:
        """The limit in force on ``day``, None before the first."""
        return limit_on(self.limits, day)


def limit_on(limits: Sequence[ProcedureLimit], day: date) -> ProcedureLimit | None:
    """The last of ``limits`` (oldest first) that is in force on ``day``."""
    return next((limit for limit in reversed(limits) if limit.valid_from <= day), None)


@dataclass(frozen=True, slots=True)
class GroupPart:
    """One dossier of an interlinked group; ``after`` are the positions, from 0, of those that are granted before."""

    procedure: str
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupKind:
    """An interlinked group of procedures, as birth registration with residence and health card."""

    id: str
    name: str
    name_en: str
    parts: tuple[GroupPart, ...]


@dataclass(frozen=True, slots=True)
class OfficeDetail:
    """An office with all that its pages and queues need."""

    office: Office
    calendar: Calendar
    policies: Policies
    services: Mapping[str, Service]
    counters: Mapping[str, Counter]
    procedures: tuple[Procedure, ...]

    def find_procedures(self, typed: str) -> tuple[Procedure, ...]:
        """The procedures that have every word of ``typed`` in code, name or field, whatever its accents and case."""
        return tuple(
            one
            for one in self.procedures
            if has_words(f"{one.code} {one.name} {one.name_en} {one.field} {one.field_en}", typed)
        )

    def services_for(self, procedure: str) -> list[Service]:
        """The services that take the procedure in."""
        return [service for service in self.services.values() if procedure in service.procedures]

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
