"""What the dossiers of other systems refer to, read once per import: procedures, offices with their time, agencies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import asyncpg

from kit import sql
from kit.database import Connection
from office.calendar import Calendar
from office.policies import OfficeRules, Policies, PolicyChange
from tracking.exchange.clocks import Clocks, OfficeTime
from tracking.exchange.files import RowError
from tracking.exchange.state import DossierRow

queries = sql.load("tracking.exchange")


@dataclass(frozen=True, slots=True)
class References:
    """The procedures, offices and agencies that a row may name, and the clocks of the offices."""

    procedures: frozenset[str]
    offices: frozenset[str]
    agencies: frozenset[str]
    clocks: Clocks = field(default_factory=Clocks)


def check_references(line: int, row: DossierRow, known: References) -> RowError | None:
    """What the row names that the database does not have."""
    if row.procedure not in known.procedures:
        return RowError(line, f"procedure: {row.procedure!r} is not in the catalogue")
    if row.receiving_office not in known.offices:
        return RowError(line, f"receiving_office: there is no office {row.receiving_office!r}")
    if row.competent_agency not in known.agencies:
        return RowError(line, f"competent_agency: there is no agency {row.competent_agency!r}")
    return None


async def read_references(connection: Connection) -> References:
    """What rows may refer to, from the database."""
    row = await queries.exchange_references.row(connection)
    assert row is not None
    return References(
        frozenset(row["procedures"]), frozenset(row["offices"]), frozenset(row["agencies"]), await _clocks(connection)
    )


async def _clocks(connection: Connection) -> Clocks:
    offices = {row["id"]: row for row in await queries.exchange_offices.rows(connection)}
    changes: dict[str, list[PolicyChange]] = defaultdict(list)
    for row in await queries.exchange_policy_changes.rows(connection):
        changes[row["office_id"]].append(PolicyChange(row["valid_from"], row["rules"]))
    limits: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for row in await queries.exchange_limits.rows(connection):
        limits[row["procedure_code"]].append((row["valid_from"], row["time_limit"]))
    rules = {id_: OfficeRules(row["policy"], tuple(changes[id_])) for id_, row in offices.items()}
    return Clocks(_Offices(offices, rules), limits)


class _Offices(Mapping[str, OfficeTime]):
    """Makes an office's time when it is first asked for: a province has thousands, a file names a few."""

    def __init__(self, rows: Mapping[str, asyncpg.Record], rules: Mapping[str, OfficeRules]) -> None:
        self._rows = rows
        self._rules = rules
        self._made: dict[str, OfficeTime] = {}

    def __getitem__(self, office_id: str) -> OfficeTime:
        made = self._made.get(office_id)
        if made is None:
            calendar = Calendar.from_mapping(self._rows[office_id]["calendar"])
            line = tuple(self._rules[one] for one in reversed(list(self._upwards(office_id))))
            made = self._made[office_id] = OfficeTime(calendar, Policies(line))
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _upwards(self, office_id: str) -> Iterator[str]:
        seen: set[str] = set()
        one: str | None = office_id
        while one is not None and one not in seen:
            yield one
            seen.add(one)
            one = self._rows[one]["parent_id"]
