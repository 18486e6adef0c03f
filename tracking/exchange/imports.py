"""Dossiers from another system: one CSV or JSON Lines file, checked row by row, then merged in one transaction."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import orjson

from kit.database import Connection
from kit.tasks import cancelled
from tracking import codes
from tracking.exchange.clocks import Clocks
from tracking.exchange.files import ImportFileError, RowError, read_rows
from tracking.exchange.references import References, check_references, queries, read_references
from tracking.exchange.state import DossierRow, Step

MOST_ERRORS = 100
BATCH = 10_000
ORIGIN = "import"
"""Where imported dossiers come from unless it is said; the first of our own actions takes such a dossier over."""


@dataclass(slots=True)
class Outcome:
    """What an import did: rows read, dossiers added and changed, and the lines that were not taken."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    errors: list[RowError] = field(default_factory=list)
    kept: bool = True

    def add(self, merged: asyncpg.Record) -> None:
        """Count one batch; a dossier that is worked on here is an error of its line."""
        self.added += merged["added"]
        self.changed += merged["changed"]
        self.errors += [
            RowError(line, "code: the dossier is worked on in this system; an import cannot overwrite it")
            for line in merged["refused"]
        ]


async def import_file(
    connection: Connection,
    path: Path,
    *,
    skip_bad: bool,
    origin: str = ORIGIN,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Import one file. With a bad line nothing of it is kept, unless ``skip_bad``. Raises ImportFileError.

    ``origin`` names the system the file comes from; ``progress`` is called with the number of lines read since its
    last call.
    """
    outcome = Outcome()
    known = await read_references(connection)
    digest = _sha256(path)
    transaction = connection.transaction()
    await transaction.start()
    try:
        async with _Merging(connection, outcome, known.clocks, origin) as merging:
            await _take_rows(path, skip_bad, known, merging, progress)
        outcome.kept = skip_bad or not outcome.errors
        if outcome.kept:
            await queries.exchange_audit.run(
                connection, staff_id=None, office_id=None, action="import", subject=f"import:{digest[:12]}",
                version=None, request_id=None,
            )  # fmt: skip
    except BaseException:
        await transaction.rollback()
        raise
    if outcome.kept:
        await transaction.commit()
    else:
        outcome.added = outcome.changed = 0
        await transaction.rollback()
    outcome.errors.sort(key=lambda error: error.line)
    return outcome


async def _take_rows(
    path: Path, skip_bad: bool, known: References, merging: _Merging, progress: Callable[[int], None] | None
) -> None:
    outcome = merging.outcome
    batch: list[tuple[int, DossierRow]] = []
    for line, row in read_rows(path):
        outcome.rows += 1
        error = row if isinstance(row, RowError) else check_references(line, row, known)
        if error is not None:
            outcome.errors.append(error)
            if len(outcome.errors) >= MOST_ERRORS and not skip_bad:
                break
        elif not isinstance(row, RowError):
            batch.append((line, row))
        if len(batch) >= BATCH:
            await merging.take(batch)
            batch.clear()
        if progress is not None and outcome.rows % 1000 == 0:
            progress(1000)
    if batch and (skip_bad or not outcome.errors):
        await merging.take(batch)


class _Merging:
    """Writes batches: PostgreSQL merges one while the next is still being read and checked."""

    def __init__(self, connection: Connection, outcome: Outcome, clocks: Clocks, origin: str) -> None:
        self.outcome = outcome
        self._connection = connection
        self._clocks = clocks
        self._origin = origin
        self._under_way: asyncio.Task[asyncpg.Record | None] | None = None

    async def __aenter__(self) -> _Merging:
        await queries.dossier_staging.run(self._connection)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._finish()
            await queries.dossier_staging_end.run(self._connection)
        elif self._under_way is not None:
            await cancelled(self._under_way)

    async def take(self, rows: Sequence[tuple[int, DossierRow]]) -> None:
        """Begin to merge these, when the ones before are merged."""
        records = [_record(line, row, self._clocks, self._origin) for line, row in rows]
        await self._finish()
        await self._connection.copy_records_to_table("staged", records=records)
        self._under_way = asyncio.create_task(queries.dossiers_merge.row(self._connection))
        await asyncio.sleep(0)  # so that the statement is on its way before the next rows are read

    async def _finish(self) -> None:
        if self._under_way is None:
            return
        merged = await self._under_way
        self._under_way = None
        assert merged is not None
        self.outcome.add(merged)
        await queries.dossier_staging_clear.run(self._connection)


async def merge(
    connection: Connection,
    rows: Sequence[tuple[int, DossierRow]],
    outcome: Outcome,
    clocks: Clocks | None = None,
    origin: str = ORIGIN,
) -> None:
    """Write some rows inside the caller's transaction and add to ``outcome``."""
    async with _Merging(connection, outcome, clocks or Clocks(), origin) as merging:
        await merging.take(rows)


def _record(line: int, row: DossierRow, clocks: Clocks, origin: str) -> tuple[object, ...]:
    code = codes.Code(row.code)
    clock = clocks.complete(row)
    return (
        line,
        code.year,
        code.text,
        row.procedure,
        row.receiving_office,
        row.competent_agency,
        row.channel,
        row.status,
        row.received_at,
        clock.handed_over_at,
        clock.time_limit,
        row.due_at,
        row.appointment_on,
        row.appointment_changes,
        row.clock_stopped_at,
        row.stopped_minutes,
        row.supplements,
        clock.processing_minutes,
        row.outcome,
        row.finished_at,
        row.returned_at,
        row.public,
        row.version,
        origin,
        steps_json(row.steps) if row.steps else None,
    )


def steps_json(steps: Sequence[Step]) -> str:
    """The steps as ``dossiers_merge`` and ``push_steps`` read them."""
    return orjson.dumps([step.model_dump() for step in steps]).decode()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from None
