"""Make the demo dossiers: ``python -m service.demo.make_dossiers`` writes ``dossiers.csv`` beside this file.

One office-year of Tây Hồ ward (2,599 dossiers, 2,198 finished before or on their due time; the figures are
the domain notes') and 150 dossiers of autumn 2026 over all offices and statuses. Invented, but every due time
follows the office's calendar and policy. The same seed gives the same file.
"""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Final

from service.demo.dice import Dice
from service.demo.town import Dossier, Office, Town
from tracking.codes import issue
from tracking.status import FINAL, Status

OFFICES: Final = Path(__file__).with_name("offices.toml")
DOSSIERS: Final = Path(__file__).with_name("dossiers.csv")
COLUMNS: Final = (
    "code", "procedure", "receiving_office", "competent_agency", "channel", "status", "received_at", "due_at",
    "appointment_on", "appointment_changes", "finished_at", "returned_at",
)  # fmt: skip

SEED: Final = 2_599
AS_OF: Final = datetime.fromisoformat("2026-11-21T12:00:00+07:00")
"""The moment the file shows: nothing in it happened later."""

YEAR_OFFICE: Final = "tay-ho"
YEAR: Final = (date(2025, 7, 1), date(2026, 6, 30))
YEAR_DOSSIERS: Final = 2_599
YEAR_IN_TIME: Final = 2_198
YEAR_STILL_OPEN: Final = 42
"""Of the dossiers past due, those that nobody has finished yet."""
OPEN_STATUSES: Final = {2: 2, 4: 22, 5: 12, 6: 6}
MOVED_SHARE: Final = 0.25
"""Of the dossiers past due, those whose appointment was moved."""

CHANNEL_SHARES: Final = {"online": 0.747, "counter": 0.22, "post": 0.033}
"""Domain notes, demand figures: 74.7 % online."""
WEEKDAY_SHARES: Final = (1.2, 1.05, 1.0, 0.95, 0.9, 0.15, 0.06)
FIRST_DAY_AFTER_TET: Final = date(2026, 2, 23)

AUTUMN_OFFICES: Final = {
    "ha-noi-centre": 14, "ha-noi-branch-7": 16, "phu-thuong": 18, "my-duc": 15, "huong-son": 12,
    "ben-thanh": 26, "go-vap": 34, "demo-24h": 12,
}  # fmt: skip
AUTUMN: Final = {
    1: (10, 0, 3), 2: (12, 0, 5), 3: (6, 3, 105), 4: (30, 1, 30), 5: (12, 3, 30), 6: (10, 3, 30),
    7: (6, 3, 30), 8: (7, 10, 105), 9: (20, 4, 60), 10: (30, 5, 110),
}  # fmt: skip
"""Status → how many dossiers, received how many days before ``AS_OF`` at the latest and at the earliest."""
AUTUMN_LATE_SHARE: Final = 0.12

DOCUMENTED_AT: Final = datetime.fromisoformat("2026-09-21T15:40:00+07:00")
DOCUMENTED_SERIAL: Final = 7
"""``H26.18-260921-0007``, the code of the documentation, came in after the cut-off, the last of that day …"""
DOCUMENTED_PROCEDURE: Final = "1.013967"
"""… about a land dispute, and still within its 45 working days at ``AS_OF``."""


def day_weight(office: Office, day: date) -> float:
    """Return how busy ``day`` is beside an ordinary Wednesday; 0 on holidays."""
    if not office.calendar.opening_spans(day):
        return WEEKDAY_SHARES[6] if day.weekday() == 6 else 0
    makeup = day.weekday() >= 5 and office.calendar.is_working_day(day)
    return (1.0 if makeup else WEEKDAY_SHARES[day.weekday()]) * season(day)


def season(day: date) -> float:
    """Return the multiplier of the season: 2.5 right after Tết, fading in two weeks; more in summer."""
    after_tet = (day - FIRST_DAY_AFTER_TET).days
    if 0 <= after_tet < 14:
        return 2.5 - after_tet * 1.5 / 14
    return {7: 1.25, 8: 1.15, 12: 1.1}.get(day.month, 1.0)


def days_between(office: Office, first: date, last: date) -> dict[date, float]:
    """Return the days of ``office`` on which dossiers arrive, each with its weight."""
    days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return {day: weight for day in days if (weight := day_weight(office, day)) > 0}


def channel_on(town: Town, office: Office, day: date) -> str:
    """Return how a dossier of ``day`` arrives: only online while the office is closed."""
    return town.dice.pick(CHANNEL_SHARES) if office.calendar.opening_spans(day) else "online"


def office_year(town: Town) -> list[Dossier]:
    """Return the year's dossiers: 2,198 finished in time, the others late or still open past due."""
    office = town.offices[YEAR_OFFICE]
    days = days_between(office, *YEAR)
    picked = sorted(town.dice.pick(days) for _ in range(YEAR_DOSSIERS))
    dossiers = [town.receive(office, day, channel_on(town, office, day)) for day in picked]
    late = town.dice.draw({n: lateness(each) for n, each in enumerate(dossiers)}, YEAR_DOSSIERS - YEAR_IN_TIME)
    for n in sorted(set(range(YEAR_DOSSIERS)) - set(late)):
        town.finish_in_time(dossiers[n], town.dice.pick({10: 0.97, 9: 0.03}))
    settle_late(town, [dossiers[n] for n in sorted(late)])
    return dossiers


def lateness(dossier: Dossier) -> float:
    """Return how easily ``dossier`` runs late: long limits do, and the two-tier model's first summer did."""
    days = dossier.limit.amount if dossier.limit.unit == "d" else 0.5
    return (0.25 + math.sqrt(days)) * (1.6 if dossier.received_at.date() < date(2025, 9, 1) else 1.0)


def settle_late(town: Town, late: list[Dossier]) -> None:
    """Leave some of the year's ``late`` dossiers open, rather long and recent ones, and finish the rest."""
    first = YEAR[0]
    age = {n: (1 + (each.due_at.date() - first).days) ** 3 * lateness(each) for n, each in enumerate(late)}
    still_open = set(town.dice.draw(age, YEAR_STILL_OPEN))
    for n, dossier in enumerate(late):
        if town.dice.roll() < MOVED_SHARE:
            town.promise_again(dossier)
        if n in still_open:
            dossier.status = town.dice.pick(OPEN_STATUSES)
        else:
            town.finish_late(dossier, town.dice.pick({10: 0.95, 9: 0.05}))


def autumn(town: Town) -> list[Dossier]:
    """Return recent dossiers of the other offices, so many of each status as ``AUTUMN`` says."""
    return [one_of(town, status) for status, (many, _, _) in AUTUMN.items() for _ in range(many)]


def one_of(town: Town, status: int) -> Dossier:
    """Return a dossier that stands at ``status`` at ``AS_OF``, drawn again until its dates allow that."""
    _, latest, earliest = AUTUMN[status]
    first, last = (AS_OF.date() - timedelta(days=ago) for ago in (earliest, latest))
    late = town.dice.roll() < AUTUMN_LATE_SHARE and status not in (1, 2, 3, 8)
    for _ in range(1_000):
        office = town.offices[town.dice.pick(AUTUMN_OFFICES)]
        day = town.dice.pick(days_between(office, first, last))
        channel = "online" if status == 1 else channel_on(town, office, day)
        dossier = town.receive(office, day, channel)
        live(town, dossier, status, late)
        if fits(dossier, late):
            return dossier
    raise ValueError(f"no dossier fits status {status}")


def live(town: Town, dossier: Dossier, status: int, late: bool) -> None:
    """Bring ``dossier`` to ``status``, in time or ``late``."""
    dossier.status = status
    if Status(status) in FINAL:
        (town.finish_late if late else town.finish_in_time)(dossier, status)
    elif late and town.dice.roll() < 0.5:
        town.promise_again(dossier)


def fits(dossier: Dossier, late: bool) -> bool:
    """Say whether nothing happens after ``AS_OF``, and an open dossier is past due exactly if ``late``."""
    last = dossier.returned_at or dossier.finished_at or dossier.received_at
    return last <= AS_OF and (dossier.finished_at is not None or (dossier.due_at < AS_OF) == late)


def documented_day(town: Town) -> list[Dossier]:
    """Return Tây Hồ's dossiers of the day whose last code the documentation names."""
    office = town.offices[YEAR_OFFICE]
    named = town.register(office, town.procedures[DOCUMENTED_PROCEDURE], "counter", DOCUMENTED_AT)
    named.competent_agency, named.status = office.agencies[0], 4
    day = [named]
    while len(day) < DOCUMENTED_SERIAL:
        dossier = town.receive(office, DOCUMENTED_AT.date(), "counter")
        if dossier.received_at < DOCUMENTED_AT:
            town.finish_in_time(dossier, 10)
            day.append(dossier)
    return day


def rows(dossiers: Iterable[Dossier]) -> list[Mapping[str, object]]:
    """Return the rows of the file by time of receipt, coded serially per agency and day from 0001."""
    serials: Counter[tuple[str, date]] = Counter()
    found = []
    for dossier in sorted(dossiers, key=attrgetter("received_at")):
        agency, day = dossier.issuer, dossier.received_at.date()
        serials[agency, day] += 1
        found.append(row(dossier, issue(agency, day, serials[agency, day]).text))
    return found


def row(dossier: Dossier, code: str) -> Mapping[str, object]:
    """Return one row; times that have not come are empty."""
    plain = ("competent_agency", "channel", "status", "appointment_on", "appointment_changes")
    times = ("received_at", "due_at", "finished_at", "returned_at")
    moments = {name: getattr(dossier, name) for name in times}
    return {
        "code": code,
        "procedure": dossier.procedure.code,
        "receiving_office": dossier.office.id,
        **{name: getattr(dossier, name) for name in plain},
        **{name: at.isoformat(timespec="seconds") if at else "" for name, at in moments.items()},
    }


def render() -> str:
    """Return the whole file as text, made from ``offices.toml`` and the seed alone."""
    town = Town(tomllib.loads(OFFICES.read_text(encoding="utf-8")), Dice(SEED))
    dossiers = office_year(town) + autumn(town) + documented_day(town)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(dossiers))
    return text.getvalue()


if __name__ == "__main__":
    DOSSIERS.write_text(render(), encoding="utf-8", newline="\n")
