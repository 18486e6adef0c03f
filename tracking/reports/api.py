"""Reports as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from aiohttp import web

from kit.edge import STAFF, json_bytes
from office.api import DIRECTORY, OFFICE_ID
from office.model import OfficeDetail
from tracking.reports.asking import below_in, period_in, readings_in
from tracking.reports.figures import DEFINITIONS, Figure, Reading
from tracking.reports.report import Line, Report
from tracking.reports.store import Reports

REPORTS: web.AppKey[Reports] = web.AppKey("reports", Reports)


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get(f"/api/v1/offices/{OFFICE_ID}/reports", show_report)]


async def show_report(request: web.Request) -> web.Response:
    """GET /api/v1/offices/{office_id}/reports?period=2026-Q3[&reading=law|766|both][&below=1]."""
    office_id = request.match_info["office_id"]
    request[STAFF].must_act_at(office_id)
    period, readings, below = period_in(request), readings_in(request), below_in(request)
    detail = await request.app[DIRECTORY].detail(office_id)
    now = datetime.now(detail.calendar.timezone)
    report = await request.app[REPORTS].read(office_id, period, now, below=below)
    body = orjson.dumps(report_json(report, detail, readings, below=below, now=now))
    return json_bytes(body, headers={"Cache-Control": "no-store"})


def report_json(
    report: Report, detail: OfficeDetail, readings: Sequence[Reading], *, below: bool, now: datetime
) -> dict[str, object]:
    """The report as the API shows it: ``figures`` in the first reading, ``figures_766`` beside them if both are asked
    for; the lines of the tables the same, their definitions once (``definitions``).
    """
    return {
        "office": {"id": detail.office.id, "name": detail.office.name, "name_en": detail.office.name_en},
        "below": below,
        "period": str(report.period),
        "reading": "both" if len(readings) > 1 else readings[0].value,
        "as_of": now.isoformat(timespec="seconds"),
        "four_steps_target_percent": report.four_steps_target,
        **{
            _beside("figures", reading, readings): {
                name: figure.as_json() for name, figure in report.figures(reading).items()
            }
            for reading in readings
        },
        **{
            _beside("definitions", reading, readings): {
                name: {"vi": definition.vi, "en": definition.en} for name, definition in DEFINITIONS[reading].items()
            }
            for reading in readings
        },
        **{f"by_{table}": [_line(line, readings) for line in lines] for table, lines in report.tables.items()},
    }


def _line(line: Line, readings: Sequence[Reading]) -> dict[str, object]:
    return {
        "key": line.key,
        "name": line.name,
        "name_en": line.name_en,
        **{_beside("figures", reading, readings): _brief(line.figures(reading)) for reading in readings},
    }


def _brief(figures: dict[str, Figure]) -> dict[str, object]:
    return {name: {"value": figure.value, "n": figure.n} for name, figure in figures.items()}


def _beside(name: str, reading: Reading, readings: Sequence[Reading]) -> str:
    return f"{name}_{reading.value}" if reading is not readings[0] else name
