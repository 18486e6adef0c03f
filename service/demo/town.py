"""The offices of ``offices.toml`` at work: they take dossiers in, promise a day, finish in time or late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from office.calendar import Calendar, Span
from service.demo.dice import Dice
from tracking.deadlines import DeadlinePolicy, Limit, deadline

ONLINE_HOURS: Final = (1, 0, 0, 0, 0, 1, 2, 5, 11, 12, 10, 6, 4, 6, 9, 10, 9, 6, 4, 5, 7, 7, 4, 2)
"""How many of a day's online dossiers arrive in each hour."""
FIELD_SHARES: Final[Mapping[str, tuple[float, float]]] = {
    "Hộ tịch": (24, 42), "Chứng thực": (50, 6), "Hộ kinh doanh": (4, 13), "Đất đai": (9, 6),
    "Xây dựng": (2, 3), "Bảo trợ xã hội": (4, 7), "Cư trú": (5, 18), "Giáo dục và đào tạo": (1, 3),
    "Y tế": (0.5, 1), "Giao thông vận tải": (0.5, 1), "Tư pháp": (20, 30), "Doanh nghiệp": (5, 20),
}  # fmt: skip
"""Weight of each field at the counter, and online or by post."""
NEIGHBOURS: Final = {
    "tay-ho": "H26.19", "phu-thuong": "H26.18", "my-duc": "H26.85", "huong-son": "H26.84",
    "ben-thanh": "H29.76", "go-vap": "H29.41", "ha-noi-centre": "H26.18", "ha-noi-branch-7": "H26.19",
}  # fmt: skip
"""Whose dossiers an office also takes in: since July 2025 one may hand in anywhere in the province."""
NEIGHBOUR_SHARE: Final = 0.04
MEAN_DELAY: Final = timedelta(hours=22)
MEAN_PICK_UP: Final = timedelta(hours=11)
MEAN_PICK_UP_ON_THE_SPOT: Final = timedelta(minutes=12)
"""In opening hours: how much longer a late dossier takes, and how long a result lies at the counter."""
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """What a dossier needs of the office that takes it in; ``procedures`` are those of all its services, ``deciding``
    the agencies of those that another one decides than the first of its own.
    """

    id: str
    calendar: Calendar
    policy: DeadlinePolicy
    agencies: tuple[str, ...]
    procedures: tuple[str, ...]
    deciding: Mapping[str, str]

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Office:
        """Read one ``[[office]]`` of ``offices.toml``."""
        cutoff = {key: value for key, value in entry.get("policy", {}).items() if key == "transfer_cutoff"}
        return cls(
            id=entry["id"],
            calendar=Calendar.from_mapping(entry.get("calendar", {})),
            policy=DeadlinePolicy.from_mapping(cutoff),
            agencies=tuple(entry["agencies"]),
            procedures=tuple(code for service in entry.get("service", ()) for code in service["procedures"]),
            deciding={
                code: agency
                for service in entry.get("service", ())
                for code, agency in service.get("agencies", {}).items()
            },
        )


@dataclass(frozen=True)
class Procedure:
    """A procedure's field, and its time limits as (valid from, limit), oldest first."""

    code: str
    field: str
    limits: tuple[tuple[date, Limit], ...]

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Procedure:
        """Read one ``[[procedure]]`` of ``offices.toml``."""
        limits = tuple((limit["valid_from"], Limit.parse(limit["limit"])) for limit in entry["limits"])
        return cls(entry["code"], entry["field"], limits)

    def limit_on(self, day: date) -> Limit:
        """Return the limit in force on ``day``."""
        return [limit for valid_from, limit in self.limits if valid_from <= day][-1]


@dataclass
class Dossier:
    """One dossier on its way; all times carry the office's offset."""

    office: Office
    procedure: Procedure
    competent_agency: str
    channel: str
    received_at: datetime
    handed_over: datetime
    due_at: datetime
    appointment_on: date
    appointment_changes: int = 0
    status: int = 1
    finished_at: datetime | None = None
    returned_at: datetime | None = None

    @property
    def limit(self) -> Limit:
        """The time limit that was in force when the dossier came in."""
        return self.procedure.limit_on(self.received_at.date())

    @property
    def on_the_spot(self) -> bool:
        """Whether the citizen mostly waits for the result: the limit is hours or the same day."""
        return self.limit.unit == "h" or self.limit.amount == 0

    @property
    def issuer(self) -> str:
        """The agency in the code: the competent one if it sits in this office, otherwise its first."""
        own = self.office.agencies
        return self.competent_agency if self.competent_agency in own else own[0]


class Town:
    """All offices and procedures of one file, and the dice that decide what happens in them."""

    def __init__(self, table: Mapping[str, Any], dice: Dice) -> None:
        """Read ``table``, the form of ``offices.toml``."""
        self.dice = dice
        self.offices = {entry["id"]: Office.from_mapping(entry) for entry in table["office"]}
        self.procedures = {entry["code"]: Procedure.from_mapping(entry) for entry in table["procedure"]}

    def receive(self, office: Office, day: date, channel: str) -> Dossier:
        """Take in a dossier on ``day``, which must have opening hours unless the channel is ``online``."""
        return self.register(office, self._procedure(office, channel), channel, self._arrival(office, day, channel))

    def register(self, office: Office, procedure: Procedure, channel: str, received: datetime) -> Dossier:
        """Return a dossier received then, with its due time and appointment by the rules; its status is 1."""
        limit = procedure.limit_on(received.date())
        clock = deadline(received, limit, office.calendar, office.policy, online=channel == "online")
        agency = self._competent(office, procedure)
        return Dossier(office, procedure, agency, channel, received, clock.handed_over, clock.due, clock.due_on)

    def finish_in_time(self, dossier: Dossier, status: int) -> None:
        """Finish ``dossier`` before or on its due time, early in it where citizens wait for the result."""
        early = self.dice.roll() ** 2
        share = 0.02 + 0.5 * early if dossier.on_the_spot else 1 - 0.85 * early
        self._finish(dossier, status, moment(spans(dossier.office, dossier.handed_over, dossier.due_at), share))

    def finish_late(self, dossier: Dossier, status: int) -> None:
        """Finish ``dossier`` some opening hours past its due time."""
        delay = timedelta(minutes=10, seconds=int(self.dice.exponential(MEAN_DELAY.total_seconds())))
        self._finish(dossier, status, later(dossier.office, dossier.due_at, delay))

    def promise_again(self, dossier: Dossier) -> None:
        """Move the appointment of ``dossier`` 3 to 8 working days past the first."""
        dossier.appointment_changes = 1
        days = self.dice.whole(3, 8)
        dossier.appointment_on = dossier.office.calendar.add_working_days(dossier.appointment_on, days)

    def _finish(self, dossier: Dossier, status: int, at: datetime) -> None:
        dossier.status, dossier.finished_at = status, at
        if status == 10 and dossier.channel == "online":
            dossier.returned_at = at + timedelta(seconds=self.dice.whole(20, 200))
        elif status == 10:
            mean = MEAN_PICK_UP_ON_THE_SPOT if dossier.on_the_spot else MEAN_PICK_UP
            wait = timedelta(minutes=2, seconds=int(self.dice.exponential(mean.total_seconds())))
            dossier.returned_at = later(dossier.office, at, wait)

    def _arrival(self, office: Office, day: date, channel: str) -> datetime:
        if channel == "online":
            hour = self.dice.pick(dict(enumerate(ONLINE_HOURS)))
            start = datetime.combine(day, time(hour), office.calendar.timezone)
            return start + timedelta(seconds=self.dice.whole(0, 3599))
        return moment(office.calendar.opening_spans(day), self.dice.roll() ** 1.25 * 0.99)

    def _procedure(self, office: Office, channel: str) -> Procedure:
        procedures = [self.procedures[code] for code in office.procedures]
        column = 0 if channel == "counter" else 1
        field = self.dice.pick({procedure.field: FIELD_SHARES[procedure.field][column] for procedure in procedures})
        offered = [procedure for procedure in procedures if procedure.field == field]
        return self.dice.pick({procedure: 1 / place for place, procedure in enumerate(offered, 1)})

    def _competent(self, office: Office, procedure: Procedure) -> str:
        if named := office.deciding.get(procedure.code):
            return named
        if office.id in NEIGHBOURS and self.dice.roll() < NEIGHBOUR_SHARE:
            return NEIGHBOURS[office.id]
        return office.agencies[0]


def spans(office: Office, start: datetime, end: datetime) -> list[Span]:
    """Return the opening hours between ``start`` and ``end`` in ascending order."""
    days = (end.date() - start.date()).days + 1
    opening = (span for ahead in range(days) for span in office.calendar.opening_spans(start.date() + ahead * ONE_DAY))
    return [(max(a, start), min(b, end)) for a, b in opening if max(a, start) < min(b, end)]


def moment(within: Sequence[Span], share: float) -> datetime:
    """Return the whole second at which ``share`` (0 to 1) of the hours ``within`` has passed."""
    left = timedelta(seconds=int(share * sum((b - a).total_seconds() for a, b in within)))
    for start, end in within[:-1]:
        if left < end - start:
            return start + left
        left -= end - start
    return within[-1][0] + left


def later(office: Office, at: datetime, opening_time: timedelta) -> datetime:
    """Return when ``opening_time`` of opening hours has passed since ``at``."""
    left = opening_time
    while True:
        for start, end in spans(office, at, datetime.combine(at.date(), time(), at.tzinfo) + ONE_DAY):
            if left < end - start:
                return start + left
            left -= end - start
        at = datetime.combine(at.date(), time(), at.tzinfo) + ONE_DAY
