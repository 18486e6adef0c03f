"""Reports and lists as files: what the tables hold and how they go out. No personal data, for files travel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import hdrs, web

from tracking.reports.figures import Figure, Reading
from tracking.reports.lists import Row
from tracking.reports.report import TABLES, Line, Report
from tracking.reports.sheets import CSV_TYPE, XLSX_TYPE, Cell, Sheet, as_csv, as_xlsx

FORMATS = ("csv", "xlsx")
_READINGS = {Reading.LAW: ("Quy định một cửa", "One-stop decree"), Reading.INDEX: ("Chỉ số 766", "Index 766")}
_TABLES = {
    "month": ("Tháng", "Month"),
    "quarter": ("Quý", "Quarter"),
    "field": ("Lĩnh vực", "Field"),
    "procedure": ("Thủ tục", "Procedure"),
    "office": ("Nơi tiếp nhận", "Office"),
}
_CHANNELS = {"counter": ("trực tiếp", "counter"), "online": ("trực tuyến", "online"), "post": ("bưu chính", "post")}


async def download(kind: str, name: str, sheets: Sequence[Sheet]) -> web.Response:
    """The sheets as a file ``name.kind``; CSV holds the first one only."""
    body = as_csv(sheets[0]) if kind == "csv" else await asyncio.to_thread(as_xlsx, sheets)
    return web.Response(
        body=body,
        headers={
            hdrs.CONTENT_TYPE: CSV_TYPE if kind == "csv" else XLSX_TYPE,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}.{kind}"',
            hdrs.CACHE_CONTROL: "no-store",
        },
    )


def report_rows(report: Report, readings: Sequence[Reading], language: str) -> Sheet:
    """The whole report as one long table: a line per figure, with its definition."""
    heads = (
        ("Bảng", "Mã", "Tên", "Chỉ tiêu", "Cách tính", "Giá trị", "Đơn vị", "n", "Định nghĩa")
        if language == "vi"
        else ("Table", "Key", "Name", "Figure", "Reading", "Value", "Unit", "n", "Definition")
    )
    rows: list[Sequence[Cell]] = []
    for reading in readings:
        whole = (_word(("Toàn bộ", "Everything"), language), str(report.period), report.period.name(language))
        rows += [_figure_row(whole, figure, reading, language) for figure in report.figures(reading).values()]
        for table in TABLES:
            for line in report.tables[table]:
                about = (_word(_TABLES[table], language), line.key, _name(line, language))
                rows += [_figure_row(about, figure, reading, language) for figure in line.figures(reading).values()]
    return Sheet(_word(("Báo cáo", "Report"), language), heads, rows)


def _figure_row(about: tuple[str, str, str], figure: Figure, reading: Reading, language: str) -> Sequence[Cell]:
    definition = figure.definition
    return (
        *about,
        definition.label if language == "vi" else definition.label_en,
        _word(_READINGS[reading], language),
        figure.value,
        definition.unit,
        figure.n,
        definition.vi if language == "vi" else definition.en,
    )


def report_sheets(report: Report, readings: Sequence[Reading], language: str) -> list[Sheet]:
    """The report as a workbook: the figures with their definitions, then a sheet a table."""
    whole = {reading: report.figures(reading) for reading in readings}
    heads = ["Chỉ tiêu", *_beside("Giá trị", readings, 0), "n", "Định nghĩa"]
    if language == "en":
        heads = ["Figure", *_beside("Value", readings, 1), "n", "Definition"]
    rows: list[Sequence[Cell]] = []
    for name, figure in whole[readings[-1]].items():
        definition = figure.definition
        texts = (definition.label, definition.vi) if language == "vi" else (definition.label_en, definition.en)
        values = [whole[reading][name].value for reading in readings]
        rows.append([texts[0], *values, figure.n, texts[1]])
    first = Sheet(_word(("Chỉ tiêu", "Figures"), language), heads, rows)
    return [first, *(_table(report, table, readings, language) for table in TABLES)]


def _table(report: Report, table: str, readings: Sequence[Reading], language: str) -> Sheet:
    title = _word(_TABLES[table], language)
    heads: list[str] = [title, _word(("Mã", "Key"), language)]
    for reading in readings:
        for figure in Line("", "", "", report.whole).figures(reading).values():
            label = figure.definition.label if language == "vi" else figure.definition.label_en
            heads.append(f"{label} (766)" if reading is Reading.INDEX else label)
    rows = [
        [_name(line, language), line.key]
        + [figure.value for reading in readings for figure in line.figures(reading).values()]
        for line in report.tables[table]
    ]
    return Sheet(title, heads, rows)


def list_sheet(rows: Sequence[Row], language: str) -> Sheet:
    """A list of dossiers, without the applicants."""
    heads = (
        ("Mã hồ sơ", "Mã thủ tục", "Thủ tục", "Nơi tiếp nhận", "Cơ quan giải quyết", "Kênh", "Trạng thái", "Tiếp nhận",
         "Hạn", "Có kết quả", "Đã trả", "Trễ")
        if language == "vi"
        else ("Dossier", "Procedure code", "Procedure", "Received at", "Decided by", "Channel", "Status", "Received",
              "Due", "Finished", "Returned", "Late")
    )  # fmt: skip
    vietnamese = language == "vi"
    return Sheet(
        _word(("Hồ sơ", "Dossiers"), language),
        heads,
        [
            (
                row.code,
                row.procedure_code,
                row.name if vietnamese else row.name_en,
                row.office.name if vietnamese else row.office.name_en,
                row.agency.name if vietnamese else row.agency.name_en,
                _word(_CHANNELS[row.channel], language),
                row.status.label if vietnamese else row.status.name.lower().replace("_", " "),
                row.received_at,
                row.due_at,
                row.finished_at,
                row.returned_at,
                _word(("có", "yes") if row.late else ("không", "no"), language),
            )
            for row in rows
        ],
    )


def _beside(head: str, readings: Sequence[Reading], language: int) -> list[str]:
    if len(readings) == 1:
        return [head]
    return [f"{head}: {_READINGS[reading][language]}" for reading in readings]


def _word(pair: tuple[str, str], language: str) -> str:
    return pair[0] if language == "vi" else pair[1]


def _name(line: Line, language: str) -> str:
    return line.name if language == "vi" else line.name_en
