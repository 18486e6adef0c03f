"""The directory of offices, read from PostgreSQL and remembered for some seconds: it hardly ever changes.

While PostgreSQL is away what is remembered goes on being used: an office does not vanish because its database does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import asyncpg

from kit import sql
from kit.database import Database, DatabaseUnavailable
from office.calendar import Calendar
from office.folding import fold
from office.model import (
    Agency,
    Counter,
    GroupKind,
    GroupPart,
    Office,
    OfficeDetail,
    Procedure,
    ProcedureLimit,
    RequiredPaper,
    Service,
    limit_on,
)
from office.policies import OfficeRules, Policies, PolicyChange

_sql = sql.load("office")
REMEMBERED = 15.0
"""Seconds."""
JUST_OPENED = 1.0
"""Seconds after which an office that nobody knew is looked for again: it may have been imported a moment ago."""


class UnknownOffice(LookupError):
    """There is no office of that id."""


T = TypeVar("T")


class _Remembered(Generic[T]):
    """One value, loaded once however many ask, renewed when it is old, kept when it cannot be renewed."""

    def __init__(self, load: Callable[[], Awaitable[T]]) -> None:
        self._load = load
        self._value: T | None = None
        self._loaded_at = float("-inf")
        self._loading: asyncio.Task[T] | None = None

    @property
    def known(self) -> T | None:
        """The value as it was last loaded."""
        return self._value

    async def get(self, at_most: float = REMEMBERED) -> T:
        """The value, at most ``at_most`` seconds old if it can be had so. By default none waits for a renewal."""
        age = time.monotonic() - self._loaded_at
        if self._value is not None and age < at_most:
            return self._value
        if self._loading is None:
            self._loading = asyncio.create_task(self._renew())
            self._loading.add_done_callback(_retrieve)  # nobody may be waiting for it
        if self._value is not None and at_most >= REMEMBERED and age < 4 * REMEMBERED:
            return self._value  # good enough until the new one is here: nobody waits for a server that stands still
        try:
            return await asyncio.shield(self._loading)
        except DatabaseUnavailable:
            if self._value is None:
                raise
            return self._value

    async def _renew(self) -> T:
        try:
            self._value = await self._load()
        finally:
            # Also after a failure: somebody asks again in a while, not everybody at once.
            self._loaded_at = time.monotonic() if self._value is not None else float("-inf")
            self._loading = None
        return self._value


def _retrieve(task: asyncio.Task[T]) -> None:
    if not task.cancelled():
        task.exception()


class Directory:
    """Looks offices up by id or by the short key in a ticket's token."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offices = _Remembered(self._load_offices)
        self._details: dict[str, _Remembered[OfficeDetail]] = {}
        self._agencies = _Remembered(self._load_agencies)
        self._group_kinds = _Remembered(self._load_group_kinds)

    async def offices(self, at_most: float = REMEMBERED) -> dict[str, Office]:
        """Every office by id, those of the past too."""
        return (await self._offices.get(at_most))[0]

    def known_id_of_key(self, short_key: str) -> str | None:
        """Like :meth:`id_of_key`, from what is remembered, however old; None also when nothing is."""
        known = self._offices.known
        return known[1].get(short_key) if known is not None else None

    async def id_of_key(self, short_key: str) -> str | None:
        """The office whose tokens begin with ``short_key``."""
        found = (await self._offices.get())[1].get(short_key)
        return found or (await self._offices.get(JUST_OPENED))[1].get(short_key)

    async def detail(self, office_id: str) -> OfficeDetail:
        """One office whole. Raises UnknownOffice."""
        remembered = self._details.get(office_id)
        if remembered is None:
            if office_id not in await self.offices() and office_id not in await self.offices(JUST_OPENED):
                raise UnknownOffice(office_id)
            remembered = self._details.setdefault(office_id, _Remembered(lambda: self._load_detail(office_id)))
        return await remembered.get()

    async def agencies(self) -> dict[str, Agency]:
        """Every agency by code."""
        return await self._agencies.get()

    async def deciding(self, procedures: Iterable[Procedure]) -> dict[str, Agency]:
        """The agencies that decide these, by code; also those that came a moment ago together with a procedure."""
        wanted = {procedure.agency for procedure in procedures if procedure.agency}
        known = await self._agencies.get()
        if not wanted <= known.keys():
            known = await self._agencies.get(0)
        return {code: known[code] for code in sorted(wanted & known.keys())}

    async def group_kinds(self) -> dict[str, GroupKind]:
        """Every kind of interlinked group by id."""
        return await self._group_kinds.get()

    async def _load_offices(self) -> tuple[dict[str, Office], dict[str, str]]:
        async with self._database.connection() as connection:
            rows = await _sql.office_briefs.rows(connection)
        offices = {
            row["id"]: Office(
                id=row["id"],
                short_key=row["short_key"],
                name=row["name"],
                name_en=row["name_en"],
                kind=row["kind"],
                parent=row["parent_id"],
                address=row["address"],
                agencies=tuple(row["agencies"]),
                valid_from=row["valid_from"],
                valid_to=row["valid_to"],
                replaced_by=tuple(row["replaced_by"]),
            )
            for row in rows
        }
        return offices, {office.short_key: office.id for office in offices.values()}

    async def _load_detail(self, office_id: str) -> OfficeDetail:
        office = (await self.offices())[office_id]
        async with self._database.connection() as connection:
            calendar = await _sql.office_calendar.value(connection, office_id=office_id)
            rules = await _sql.office_rules.rows(connection, office_id=office_id)
            services = await _sql.office_services.rows(connection, office_id=office_id)
            counters = await _sql.office_counters.rows(connection, office_id=office_id)
            procedures = await _sql.office_procedures.rows(connection, office_id=office_id)
            limits = await _sql.office_procedure_limits.rows(connection, office_id=office_id)
        if calendar is None:
            raise UnknownOffice(office_id)
        return OfficeDetail(
            office=office,
            calendar=Calendar.from_mapping(calendar),
            policies=_policies(rules),
            services={row["id"]: Service(**{**row, "procedures": tuple(row["procedures"])}) for row in services},
            counters={row["id"]: Counter(row["id"], row["name"], tuple(row["skills"])) for row in counters},
            procedures=_procedures(procedures, limits, office),
        )

    async def _load_agencies(self) -> dict[str, Agency]:
        async with self._database.connection() as connection:
            rows = await _sql.agencies_read.rows(connection)
        return {row["code"]: Agency(**row) for row in rows}

    async def _load_group_kinds(self) -> dict[str, GroupKind]:
        async with self._database.connection() as connection:
            rows = await _sql.group_kinds_read.rows(connection)
        return {
            row["id"]: GroupKind(
                row["id"],
                row["name"],
                row["name_en"],
                tuple(GroupPart(part["procedure"], tuple(part["after"])) for part in row["parts"]),
            )
            for row in rows
        }


def _policies(rows: Sequence[asyncpg.Record]) -> Policies:
    line = []
    for _, of_office in groupby(rows, itemgetter("height")):
        found = list(of_office)
        changes = tuple(PolicyChange(row["valid_from"], row["rules"]) for row in found if row["valid_from"])
        line.append(OfficeRules(found[0]["policy"], changes))
    return Policies(tuple(line))


def _procedures(
    rows: Sequence[asyncpg.Record], limit_rows: Sequence[asyncpg.Record], office: Office
) -> tuple[Procedure, ...]:
    # In the order of the fields and names as people read them, which the database's own collation need not know.
    limits = {
        code: tuple(ProcedureLimit(row["valid_from"], row["time_limit"], row["fee"]) for row in of_procedure)
        for code, of_procedure in groupby(limit_rows, itemgetter("procedure_code"))
    }
    found = [_procedure(row, limits.get(row["code"], ()), office) for row in rows]
    return tuple(sorted(found, key=lambda procedure: (fold(procedure.field), fold(procedure.name))))


def _procedure(row: asyncpg.Record, limits: tuple[ProcedureLimit, ...], office: Office) -> Procedure:
    in_force = limit_on(limits, datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date())
    return Procedure(
        code=row["code"],
        name=row["name"],
        name_en=row["name_en"],
        field=row["field"],
        field_en=row["field_en"],
        time_limit=in_force.time_limit if in_force else None,
        fee=in_force.fee if in_force else 0,
        papers=tuple(RequiredPaper(**paper) for paper in row["papers"]),
        letter=row["letter"],
        four_steps=row["four_steps"],
        agency=row["agency"] or next(iter(office.agencies), None),
        limits=limits,
    )
