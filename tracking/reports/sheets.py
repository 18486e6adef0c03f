"""Tables to take away: CSV and XLSX. Pure.

Whoever opens the file with a spreadsheet must not run what somebody typed: in CSV a text that a spreadsheet would
take for a formula gets an apostrophe in front, in XLSX every text is written as text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import xlsxwriter

Cell = str | int | float | date | datetime | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: its name, the heads of its columns, its rows."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def as_csv(sheet: Sheet) -> bytes:
    """The table as UTF-8 with a byte order mark, which spreadsheets need to read Vietnamese."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_harmless(head) for head in sheet.heads])
    writer.writerows([[_harmless(cell) for cell in row] for row in sheet.rows])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return "'" + cell
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="minutes")
    return cell


def as_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """The tables as one workbook, a sheet each. Moments are written on the wall clock they carry."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, {**options, "remove_timezone": True}) as book:
        head = book.add_format({"bold": True, "text_wrap": True})
        formats = {
            datetime: book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
            date: book.add_format({"num_format": "dd/mm/yyyy"}),
        }
        for sheet in sheets:
            page = book.add_worksheet(sheet.name.translate(_NOT_IN_NAMES)[:31])
            page.freeze_panes(1, 0)
            page.set_column(0, len(sheet.heads) - 1, 18)
            page.write_row(0, 0, sheet.heads, head)
            for number, row in enumerate(sheet.rows, 1):
                for column, cell in enumerate(row):
                    page.write(number, column, cell, formats.get(type(cell)))  # type: ignore[arg-type]  # None: plain
    return file.getvalue()
