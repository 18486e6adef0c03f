"""Giving an office's dossiers to another system, in the form that ``imports`` reads: page by page, without persons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kit.database import Database
from tracking.codes import Code
from tracking.exchange.references import queries
from tracking.exchange.state import FIELDS, MOST_STEPS

Format = Literal["csv", "jsonl"]
PAGE = 1_000
HEADER = (",".join(FIELDS) + "\n").encode()
_MOMENTS = frozenset(
    {"received_at", "handed_over_at", "due_at", "clock_stopped_at", "finished_at", "returned_at"} & set(FIELDS)
)


class UnknownPlace(ValueError):
    """There is no such dossier to go on after."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Dossiers of one office, received on the days from ``first`` to ``last``, on the clock of ``timezone``; with
    ``after`` only those behind that one.
    """

    office_id: str
    first: date
    last: date
    timezone: ZoneInfo
    after: Code | None = None

    @property
    def since(self) -> datetime:
        """The moment the first day begins."""
        return datetime.combine(self.first, time(), self.timezone)

    @property
    def until(self) -> datetime:
        """The moment the last day ends."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.timezone)


async def pages(database: Database, wanted: Wanted, format_: Format) -> AsyncIterator[bytes]:
    """The file in pieces of whole lines, by moment of receipt; a CSV begins with its header unless it goes on.

    No connection is held between two pieces. Raises UnknownPlace before the first, DatabaseUnavailable.
    """
    since, after = await _begin(database, wanted)
    if format_ == "csv" and wanted.after is None:
        yield HEADER
    while True:
        async with database.connection() as connection:
            rows = await queries.export_page.rows(
                connection, office_id=wanted.office_id, since=since, until=wanted.until, after=after, most=PAGE
            )
            codes = [row["code"] for row in rows] if format_ == "jsonl" else []
            steps = _by_code(await queries.export_steps.rows(connection, codes=codes) if codes else [])
        if rows:
            yield b"".join(_line(row, steps.get(row["code"], []), format_, wanted.timezone) for row in rows)
            since, after = rows[-1]["received_at"], rows[-1]["code"]
        if len(rows) < PAGE:
            return


async def _begin(database: Database, wanted: Wanted) -> tuple[datetime, str]:
    if wanted.after is None:
        return wanted.since, ""
    async with database.connection() as connection:
        since = await queries.export_after.value(
            connection, year=wanted.after.year, code=wanted.after.text, office_id=wanted.office_id,
            since=wanted.since, until=wanted.until,
        )  # fmt: skip
    if since is None:
        raise UnknownPlace("no dossier of this office and these days")
    return since, wanted.after.text


def _by_code(rows: Sequence[asyncpg.Record]) -> Mapping[str, list[asyncpg.Record]]:
    found: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        if len(found[row["code"]]) < MOST_STEPS:
            found[row["code"]].append(row)
    return found


def _line(row: asyncpg.Record, steps: Sequence[asyncpg.Record], format_: Format, timezone: ZoneInfo) -> bytes:
    values = {name: _value(name, row[name], timezone) for name in FIELDS}
    if format_ == "csv":
        return (",".join(_cell(value) for value in values.values()) + "\n").encode()
    if steps:
        values["steps"] = [_step(step, timezone) for step in steps]
    return orjson.dumps({name: value for name, value in values.items() if value is not None}) + b"\n"


def _value(name: str, value: Any, timezone: ZoneInfo) -> Any:
    if value is None or name not in _MOMENTS:
        return value.isoformat() if isinstance(value, date) else value
    return value.astimezone(timezone).isoformat()


def _cell(value: Any) -> str:
    # Codes, numbers and times only: nothing that would need quoting, or that a spreadsheet would take for a formula.
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _step(row: asyncpg.Record, timezone: ZoneInfo) -> dict[str, Any]:
    step = {"at": row["at"].astimezone(timezone).isoformat(), "name": row["name"], "status": row["status"]}
    return step | ({"agency": row["agency"]} if row["agency"] else {})
