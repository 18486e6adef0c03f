"""The report as a page, and as files to take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from kit.appkeys import PAGES
from kit.edge import STAFF
from kit.pages import in_language, language_of
from office.api import DIRECTORY
from tracking.reports.api import REPORTS
from tracking.reports.asking import (
    REPORTING,
    SUPERVISING,
    below_in,
    choice_in,
    page_for,
    period_in,
    readings_in,
)
from tracking.reports.charts import WIDTH, chart
from tracking.reports.downloads import FORMATS, download, report_rows, report_sheets
from tracking.reports.figures import Reading
from tracking.reports.numbers import number, shown
from tracking.reports.period import Period
from tracking.reports.report import TABLES

COLUMNS = ("received", "before", "on", "late", "overdue", "waiting", "on_time_percent", "mean_working_hours",
           "p90_working_hours")  # fmt: skip
SECTIONS: Sequence[Sequence[str]] = (
    ("on_time_percent", "received", "finished", "before", "on", "late", "overdue", "waiting", "open", "undated",
     "not_accepted", "stopped"),
    ("mean_working_hours", "p90_working_hours", "four_steps_percent"),
    ("channel_counter_percent", "channel_online_percent", "channel_post_percent"),
    ("very_satisfied_percent", "satisfied_percent", "not_satisfied_percent", "feedback_received",
     "feedback_in_time_percent"),
    ("apologies_owed", "apologies_sent", "letters_thanks", "letters_marriage", "letters_birth", "letters_condolence",
     "letters_apology"),
)  # fmt: skip
BEHIND: Mapping[str, str] = {
    "on_time_percent": "judged",
    **{name: name for name in ("received", "finished", "before", "on", "late", "overdue", "waiting", "open", "undated",
                               "not_accepted", "stopped")},
}  # fmt: skip
"""Figure → the list of the dossiers behind it."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get("/office/reports", page_for(REPORTING, show_report))]


async def show_report(request: web.Request) -> web.Response:
    """GET /office/reports[?period=][&reading=][&below=1][&by=month|…][&format=csv|xlsx]."""
    staff = request[STAFF]
    detail = await request.app[DIRECTORY].detail(staff.office)
    now = datetime.now(detail.calendar.timezone)
    period = period_in(request, Period.quarter_of(now.date()))
    readings, below = readings_in(request), below_in(request)
    by = choice_in(request, "by", TABLES) or ("procedure" if period.length == 1 else "month")
    kind = choice_in(request, "format", FORMATS)
    report = await request.app[REPORTS].read(staff.office, period, now, below=below)
    language = language_of(request)
    if kind is not None:
        sheets = (
            [report_rows(report, readings, language)] if kind == "csv" else report_sheets(report, readings, language)
        )
        return await download(kind, f"report-{staff.office}-{period}", sheets)
    asked = {"period": str(period), "below": "1" if below else "", "by": by,
             "reading": "both" if len(readings) > 1 else readings[0].value}  # fmt: skip
    return request.app[PAGES].render(
        request,
        "tracking/office/report.html",
        staff=staff,
        supervises=staff.role in SUPERVISING,
        office=detail.office,
        now=now,
        period=period,
        period_name=period.name(language),
        readings=readings,
        asked=asked,
        has_below=len(await request.app[REPORTS].offices(staff.office, below=True)) > 1,
        figures=[report.figures(reading) for reading in readings],
        sections=SECTIONS,
        target=report.four_steps_target,
        by=by,
        tables=TABLES,
        lines=report.tables[by],
        columns=COLUMNS,
        chart=chart(report.tables[by], readings[0]),
        chart_width=WIDTH,
        here=_address(language, "/office/reports", asked),
        behind=behind(language, asked, linked=staff.role in SUPERVISING),
        shown=partial(shown, language=language),
        number=partial(number, language=language),
        index=Reading.INDEX,
    )


def _address(language: str, path: str, asked: Mapping[str, str]) -> Callable[..., str]:
    def address(**more: str) -> str:
        query = {name: value for name, value in {**asked, **more}.items() if value}
        return in_language(language, f"{path}?{urlencode(query)}")

    return address


def behind(language: str, asked: Mapping[str, str], *, linked: bool) -> Callable[..., str | None]:
    """What finds the address of the list behind a figure; for a line also the table and the line's key."""
    kept = {name: asked[name] for name in ("period", "below")}

    def address(figure: str, reading: Reading, table: str = "", key: str = "") -> str | None:
        if not linked or figure not in BEHIND:
            return None
        query = {**kept, "result": BEHIND[figure], "reading": reading.value if reading is Reading.INDEX else ""}
        if table:
            query["period" if table in ("month", "quarter") else table] = key
        return _address(language, "/office/dossiers", query)()

    return address
