"""A report whole: one tally for everything, and one per office, procedure, field, month and quarter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tracking.reports.figures import Figure, Others, Reading, Tally, of_dossiers, of_office
from tracking.reports.period import Period


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what it is about, and its counts. ``key`` is a code, an id, a period or a field's name."""

    key: str
    name: str
    name_en: str
    tally: Tally

    def figures(self, reading: Reading) -> dict[str, Figure]:
        """What the line shows."""
        return of_dossiers(self.tally, reading)


@dataclass(frozen=True, slots=True)
class ProcedureName:
    """What a report has to know of a procedure."""

    code: str
    name: str
    name_en: str
    field: str
    field_en: str
    four_steps: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What one month's queries gave, by office and by procedure."""

    offices: Mapping[str, Tally] = field(default_factory=dict)
    procedures: Mapping[str, Tally] = field(default_factory=dict)
    channels: Mapping[str, int] = field(default_factory=dict)


TABLES = ("month", "quarter", "field", "procedure", "office")


@dataclass(frozen=True, slots=True)
class Report:
    """The counts of some offices in a period."""

    period: Period
    whole: Tally
    others: Others
    tables: Mapping[str, Sequence[Line]]
    """Name of the table (``TABLES``) → its lines, those with most dossiers first; periods in order."""
    procedures: int
    in_four_steps: int
    four_steps_target: int
    """Percent, the office's policy."""

    def figures(self, reading: Reading) -> dict[str, Figure]:
        """What the report says about everything together."""
        return of_office(self.whole, self.others, self.procedures, self.in_four_steps, reading)


def build(
    period: Period,
    months: Sequence[Counted],
    others: Others,
    procedures: Mapping[str, ProcedureName],
    offices: Mapping[str, tuple[str, str]],
    *,
    four_steps_target: int,
) -> Report:
    """Put the months together. ``offices`` are id → (name, name_en); every office has its line, even an empty one."""
    by_office = {office_id: Tally() for office_id in offices}
    by_procedure: dict[str, Tally] = {}
    for counted in months:
        _merge(by_office, counted.offices)
        _merge(by_procedure, counted.procedures)
    by_month = {
        str(month): _sum(counted.offices.values()) for month, counted in zip(period.months(), months, strict=True)
    }
    return Report(
        period=period,
        whole=_sum(by_month.values()),
        others=others,
        tables={
            "month": [_of_period(Period.parse(key), tally) for key, tally in by_month.items()],
            "quarter": _quarters(by_month),
            "field": _fields(by_procedure, procedures),
            "procedure": _sorted(
                Line(code, procedures[code].name, procedures[code].name_en, tally)
                for code, tally in by_procedure.items()
            ),
            "office": _sorted(Line(key, *offices[key], tally) for key, tally in by_office.items()),
        },
        procedures=sum(tally.received > 0 for tally in by_procedure.values()),
        in_four_steps=sum(
            procedures[code].four_steps and tally.on_the_spot * 2 > tally.at_counter
            for code, tally in by_procedure.items()
        ),
        four_steps_target=four_steps_target,
    )


def _merge(into: dict[str, Tally], tallies: Mapping[str, Tally]) -> None:
    for key, tally in tallies.items():
        into.setdefault(key, Tally()).add(tally)


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _of_period(period: Period, tally: Tally) -> Line:
    return Line(str(period), period.name("vi"), period.name("en"), tally)


def _quarters(by_month: Mapping[str, Tally]) -> list[Line]:
    quarters: dict[str, Tally] = {}
    for month, tally in by_month.items():
        quarters.setdefault(Period.parse(month).quarter_name(), Tally()).add(tally)
    return [_of_period(Period.parse(key), tally) for key, tally in quarters.items()]


def _fields(by_procedure: Mapping[str, Tally], procedures: Mapping[str, ProcedureName]) -> list[Line]:
    tallies: dict[str, Tally] = {}
    names: dict[str, str] = {}
    for code, tally in by_procedure.items():
        of = procedures[code]
        tallies.setdefault(of.field, Tally()).add(tally)
        names[of.field] = of.field_en
    return _sorted(Line(name, name, names[name], tally) for name, tally in tallies.items())


def _sorted(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.tally.received, line.key))
