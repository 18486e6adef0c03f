"""Dossiers from another system: one CSV or JSON Lines file, checked row by row, then merged in one transaction."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from kit.database import Connection
from tracking import codes
from tracking.status import Status
from tracking.store import queries

LONGEST_LINE = 10_000
MOST_ERRORS = 100
BATCH = 20_000


class ImportFileError(Exception):
    """The file as a whole cannot be read; the text is one line that names it."""


def _blank_is_none(value: object) -> object:
    return None if value == "" else value


def _status(value: object) -> object:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, str) and value.strip().upper() in Status.__members__:
        return Status[value.strip().upper()].value
    return value


def _code(value: object) -> object:
    return codes.parse(value).text if isinstance(value, str) else value


Maybe = BeforeValidator(_blank_is_none)
# Far from the ends of what Python and PostgreSQL can count, where a change of offset overflows.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]


class DossierRow(BaseModel):
    """One row of an import file. Times need an offset; ``status`` is 1–10 or its name; the rest is as the contract
    has it.

    ``version`` left out means: whatever differs from what is stored is newer. ``due_at`` may be left out by systems
    that only know the promised day (``appointment_on``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    code: Annotated[str, BeforeValidator(_code)]
    procedure: Annotated[str, Field(min_length=1, max_length=40)]
    receiving_office: Annotated[str, Field(min_length=1, max_length=40)]
    competent_agency: Annotated[str, Field(min_length=1, max_length=40)]
    channel: Literal["counter", "online", "post"]
    status: Annotated[int, Field(ge=1, le=10), BeforeValidator(_status)]
    received_at: Moment
    due_at: Annotated[Moment | None, Maybe] = None
    appointment_on: Annotated[date | None, Maybe] = None
    appointment_changes: Annotated[int, Field(ge=0, le=99)] = 0
    finished_at: Annotated[Moment | None, Maybe] = None
    returned_at: Annotated[Moment | None, Maybe] = None
    public: bool = True
    version: Annotated[int | None, Field(ge=1, le=10**15), Maybe] = None

    @model_validator(mode="after")
    def _dates_fit(self) -> DossierRow:
        if self.finished_at is not None and self.finished_at < self.received_at:
            raise ValueError("finished_at lies before received_at")
        if self.returned_at is not None and (self.finished_at is None or self.returned_at < self.finished_at):
            raise ValueError("returned_at needs a finished_at that is not later")
        return self


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one line of the file."""

    line: int
    reason: str


@dataclass(slots=True)
class Outcome:
    """What an import did: rows read, dossiers added and changed, and the lines that were not taken."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    errors: list[RowError] = field(default_factory=list)
    kept: bool = True


@dataclass(frozen=True, slots=True)
class References:
    """The procedures, offices and agencies that a row may name."""

    procedures: frozenset[str]
    offices: frozenset[str]
    agencies: frozenset[str]


def read_rows(path: Path) -> Iterator[tuple[int, DossierRow | RowError]]:
    """Every data line of a ``.csv`` (with a header) or ``.jsonl`` file with its number, checked.

    Raises ImportFileError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                lines = _csv_rows(path, file)
            elif path.suffix == ".jsonl":
                lines = _json_rows(file)
            else:
                raise ImportFileError(f"{path}: only .csv and .jsonl can be imported")
            for line, raw in lines:
                yield line, raw if isinstance(raw, RowError) else check_row(line, raw)
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImportFileError(f"{path}: not UTF-8") from None


def _csv_rows(path: Path, file: Any) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    reader = csv.reader(_bounded_lines(file), strict=True)
    try:
        header = next(reader, [])
        known = set(DossierRow.model_fields)
        if missing := [name for name in ("code", "procedure", "status", "received_at") if name not in header]:
            raise ImportFileError(f"{path}, line 1: the header has no column {missing[0]!r}")
        if unknown := [name for name in header if name not in known]:
            raise ImportFileError(f"{path}, line 1: unknown column {unknown[0]!r}")
        if len(set(header)) < len(header):
            raise ImportFileError(f"{path}, line 1: a column is there twice")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                yield (
                    reader.line_num,
                    RowError(reader.line_num, f"{len(cells)} cells instead of {len(header)}"),
                )
            else:
                filled = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
                yield reader.line_num, filled
    except csv.Error as error:
        raise ImportFileError(f"{path}, line {reader.line_num}: {error}") from None


def _json_rows(file: Any) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    for number, text in enumerate(_bounded_lines(file), start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            yield number, RowError(number, "not JSON")
            continue
        yield number, value if isinstance(value, dict) else RowError(number, "not a JSON object")


def _bounded_lines(file: Any) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ImportFileError(f"{file.name}: a line is longer than {LONGEST_LINE} characters")
        yield line


def check_row(line: int, raw: dict[str, Any]) -> DossierRow | RowError:
    """One row as a checked value, or what is wrong with it."""
    try:
        return DossierRow.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        return RowError(line, f"{where}: {reason}" if where else reason)


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
    row = await queries.known_references.row(connection)
    assert row is not None
    return References(frozenset(row["procedures"]), frozenset(row["offices"]), frozenset(row["agencies"]))


async def merge(connection: Connection, rows: Sequence[tuple[int, DossierRow]], outcome: Outcome) -> None:
    """Write one batch inside the caller's transaction and add to ``outcome``."""
    await queries.dossier_staging.run(connection)
    await connection.copy_records_to_table("staged", records=[_record(line, row) for line, row in rows])
    merged = await queries.dossiers_merge.row(connection)
    assert merged is not None
    await queries.dossier_staging_end.run(connection)
    outcome.added += merged["added"]
    outcome.changed += merged["changed"]


def _record(line: int, row: DossierRow) -> tuple[object, ...]:
    code = codes.Code(row.code)
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
        row.due_at,
        row.appointment_on,
        row.appointment_changes,
        row.finished_at,
        row.returned_at,
        row.public,
        row.version,
    )


async def import_file(
    connection: Connection, path: Path, *, skip_bad: bool, progress: Callable[[int], None] | None = None
) -> Outcome:
    """Import one file. With a bad line nothing of it is kept, unless ``skip_bad``. Raises ImportFileError.

    ``progress`` is called with the number of lines read since its last call.
    """
    outcome = Outcome()
    known = await read_references(connection)
    transaction = connection.transaction()
    await transaction.start()
    try:
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
                await merge(connection, batch, outcome)
                batch.clear()
            if progress is not None and outcome.rows % 1000 == 0:
                progress(1000)
        if outcome.errors and not skip_bad:
            outcome.kept = False
        elif batch:
            await merge(connection, batch, outcome)
    except BaseException:
        await transaction.rollback()
        raise
    if outcome.kept:
        await transaction.commit()
    else:
        outcome.added = outcome.changed = 0
        await transaction.rollback()
    return outcome
