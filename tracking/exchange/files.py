"""Reading import files: every data line of a CSV or JSON Lines file, checked, or what is wrong with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from tracking.exchange.national import NAMES, translated
from tracking.exchange.state import FIELDS, DossierRow

LONGEST_LINE = {".csv": 10_000, ".jsonl": 100_000}
"""Characters; JSON lines have room for the steps."""
REQUIRED = ("code", "procedure", "status", "received_at")
_KNOWN = frozenset(FIELDS)
_OURS = _KNOWN | {"steps"}


class ImportFileError(Exception):
    """The file as a whole cannot be read; the text is one line that names it."""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one line of the file."""

    line: int
    reason: str


def read_rows(path: Path) -> Iterator[tuple[int, DossierRow | RowError]]:
    """Every data line of a ``.csv`` (with a header) or ``.jsonl`` file with its number, checked.

    Raises ImportFileError.
    """
    if path.suffix not in LONGEST_LINE:
        raise ImportFileError(f"{path}: only .csv and .jsonl can be imported")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, raw in _csv_rows(path, file) if path.suffix == ".csv" else _json_rows(path, file):
                yield line, raw if isinstance(raw, RowError) else check_row(line, raw)
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImportFileError(f"{path}: not UTF-8") from None


def _csv_rows(path: Path, file: Any) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    reader = csv.reader(_bounded_lines(path, file), strict=True)
    try:
        header = next(reader, [])
        _check_header(path, header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                yield reader.line_num, RowError(reader.line_num, f"{len(cells)} cells instead of {len(header)}")
            else:
                yield reader.line_num, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
    except csv.Error as error:
        raise ImportFileError(f"{path}, line {reader.line_num}: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    ours = [NAMES.get(name, name) for name in header]
    if missing := [name for name in REQUIRED if name not in ours]:
        raise ImportFileError(f"{path}, line 1: the header has no column {missing[0]!r}")
    if unknown := [name for name, own in zip(header, ours, strict=True) if own not in _KNOWN]:
        raise ImportFileError(f"{path}, line 1: unknown column {unknown[0]!r}")
    if len(set(ours)) < len(ours):
        raise ImportFileError(f"{path}, line 1: a column is there twice")


def _json_rows(path: Path, file: Any) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    for number, text in enumerate(_bounded_lines(path, file), start=1):
        if not text.strip():
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            yield number, RowError(number, "not JSON")
            continue
        if isinstance(value, dict):
            yield number, {name: cell for name, cell in value.items() if cell != ""}
        else:
            yield number, RowError(number, "not a JSON object")


def _bounded_lines(path: Path, file: Any) -> Iterator[str]:
    longest = LONGEST_LINE[path.suffix]
    while line := file.readline(longest + 1):
        if len(line) > longest:
            raise ImportFileError(f"{path}: a line is longer than {longest} characters")
        yield line


def check_row(line: int, raw: dict[str, Any]) -> DossierRow | RowError:
    """One row as a checked value, or what is wrong with it."""
    try:
        return DossierRow.model_validate(raw if raw.keys() <= _OURS else translated(raw))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        return RowError(line, f"{where}: {reason}" if where else reason)
    except ValueError as error:
        return RowError(line, str(error))
