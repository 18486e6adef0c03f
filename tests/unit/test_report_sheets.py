"""Files to take away: what is in them, and that nobody's text becomes a formula."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import openpyxl
import pytest

from tracking.reports.sheets import Sheet, as_csv, as_xlsx

AT = datetime.fromisoformat("2026-09-21T15:40:00+07:00")
SHEET = Sheet(
    "Hồ sơ: [1/2]",
    ("Mã", "Số", "Lúc", "Ngày"),
    [("H26.18-260921-0007", 1571, AT, date(2026, 9, 24)), ("Đỗ", 84.57, None, None)],
)
EVIL = ['=HYPERLINK("http://evil.example","x")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1"]


def rows_of(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_csv_holds_the_rows() -> None:
    assert rows_of(as_csv(SHEET)) == [
        ["Mã", "Số", "Lúc", "Ngày"],
        ["H26.18-260921-0007", "1571", "2026-09-21 15:40+07:00", "2026-09-24"],
        ["Đỗ", "84.57", "", ""],
    ]


def test_xlsx_holds_the_rows() -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([SHEET, Sheet("B", ("x",), [])])))
    assert len(book.sheetnames) == 2
    assert [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()] == [
        ["Mã", "Số", "Lúc", "Ngày"],
        ["H26.18-260921-0007", 1571, datetime(2026, 9, 21, 15, 40), datetime(2026, 9, 24)],  # noqa: DTZ001 - Excel knows none
        ["Đỗ", 84.57, None, None],
    ]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_a_formula(text: str) -> None:
    sheet = Sheet("A", (text,), [(text,)])
    for row in rows_of(as_csv(sheet)):
        assert row[0] == "'" + text
    page = openpyxl.load_workbook(io.BytesIO(as_xlsx([sheet]))).worksheets[0]
    for (cell,) in page.iter_rows():
        assert cell.data_type == "s"


def test_numbers_stay_numbers() -> None:
    assert rows_of(as_csv(Sheet("A", ("n",), [(-5,)])))[1] == ["-5"]
