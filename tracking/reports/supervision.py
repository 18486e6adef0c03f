"""What a supervisor sees: what is due, late or waiting, the lists behind it, and the register of apologies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from kit.appkeys import DATABASE, PAGES
from kit.edge import STAFF, see_other
from kit.pages import in_language, language_of
from kit.sessions import Role, Staff
from office.api import DIRECTORY
from office.model import OfficeDetail
from tracking.reports.api import REPORTS
from tracking.reports.asking import (
    REPORTING,
    SUPERVISING,
    below_in,
    choice_in,
    page_for,
    page_in,
    period_in,
    readings_in,
    said_in,
    text_in,
    wrong,
)
from tracking.reports.downloads import FORMATS, download, list_sheet
from tracking.reports.figures import IN_TIME, JUDGED, Result
from tracking.reports.lists import MOST, PAGE, Behind, Filters, Listed, Lists
from tracking.reports.numbers import number
from tracking.reports.store import queries
from tracking.reports.worklists import WorkList

LISTS: web.AppKey[Lists] = web.AppKey("lists", Lists)
ASKED = (
    "list",
    "where",
    "procedure",
    "field",
    "agency",
    "channel",
    "q",
    "period",
    "result",
    "reading",
    "office",
    "below",
)
"""What a list may be asked by."""
CHANNELS = ("counter", "online", "post")
RESULTS: Mapping[str, Sequence[Result] | None] = {
    "received": None,
    "finished": None,
    "judged": JUDGED,
    "in-time": IN_TIME,
    **{result.value: (result,) for result in Result},
}
"""What an address may name → the results it means; None: whatever came of them."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/office", page_for(REPORTING, overview)),
        web.get("/office/dossiers", page_for(SUPERVISING, show_list)),
        web.get("/office/apologies", page_for(SUPERVISING, show_apologies)),
    ]


async def overview(request: web.Request) -> web.Response:
    """GET /office: counts of what has to be done, each with its list. A planner is led to the reports."""
    staff = request[STAFF]
    if staff.role is Role.PLANNER:
        return see_other(in_language(language_of(request), "/office/reports"))
    detail, now = await at_office(request, staff)
    lists = request.app[LISTS]
    return request.app[PAGES].render(
        request,
        "tracking/office/overview.html",
        staff=staff,
        office=detail.office,
        now=now,
        counts=await lists.counts(detail, now),
        notice_day=lists.horizon(detail, now).notice_day,
        number=partial(number, language=language_of(request)),
    )


async def at_office(request: web.Request, staff: Staff) -> tuple[OfficeDetail, datetime]:
    """The member's office, and the moment on its clock."""
    detail = await request.app[DIRECTORY].detail(staff.office)
    return detail, datetime.now(detail.calendar.timezone)


async def show_list(request: web.Request) -> web.Response:
    """GET /office/dossiers: an open list (``?list=late``), or what lies behind a figure (``?period=…&result=late``).

    Both are narrowed by ``procedure``, ``field``, ``agency``, ``channel``, ``q`` (how the code begins); the first also
    by ``where`` (here, elsewhere), the second by ``office``, ``below``, ``reading``. ``format`` makes a file of it.
    """
    staff = request[STAFF]
    detail, now = await at_office(request, staff)
    kind, page = choice_in(request, "format", FORMATS), page_in(request)
    listed = await _read(request, detail, now, skip=0 if kind else (page - 1) * PAGE, most=MOST if kind else PAGE)
    language, own = language_of(request), detail.office
    if kind is not None:
        return await download(kind, f"dossiers-{staff.office}-{now:%Y%m%d-%H%M}", [list_sheet(listed.rows, language)])
    asked = {name: request.query.get(name, "") for name in ASKED}
    return request.app[PAGES].render(
        request,
        "tracking/office/dossiers.html",
        staff=staff,
        office=detail.office,
        now=now,
        asked=asked,
        listed=listed,
        # Names only of what the office may open: those of the offices below stay there.
        applicants=await request.app[LISTS].applicants(
            [row for row in listed.rows if row.office.id == own.id or row.agency.code in own.agencies]
        ),
        page=page,
        pages=-(-listed.total // PAGE),
        most=MOST,
        lists=list(WorkList),
        procedures=detail.procedures,
        channels=CHANNELS,
        here=partial(_address, language, "/office/dossiers", asked),
        number=partial(number, language=language),
    )


def _address(language: str, path: str, asked: Mapping[str, str], **more: object) -> str:
    query = {name: value for name, value in {**asked, **more}.items() if value}
    return in_language(language, f"{path}?{urlencode(query)}")


async def _read(request: web.Request, detail: OfficeDetail, now: datetime, *, skip: int, most: int) -> Listed:
    filters = await _filters(request)
    lists = request.app[LISTS]
    if "period" in request.query:
        return await lists.behind(detail, await _behind(request, detail), filters, now, skip=skip, most=most)
    which = WorkList(choice_in(request, "list", [one.value for one in WorkList]) or WorkList.OPEN)
    where = choice_in(request, "where", ("here", "elsewhere"))
    elsewhere = None if where is None else where == "elsewhere"
    return await lists.open(detail, which, filters, now, elsewhere=elsewhere, skip=skip, most=most)


async def _filters(request: web.Request) -> Filters:
    procedure, field = text_in(request, "procedure"), text_in(request, "field", 200)
    filters = Filters(
        agency=text_in(request, "agency"),
        channel=choice_in(request, "channel", CHANNELS),
        q=(text_in(request, "q") or "").upper() or None,
    )
    if procedure is not None:
        return replace(filters, procedures=[procedure])
    if field is not None:
        return replace(filters, procedures=await request.app[LISTS].procedures_of(field))
    return filters


async def _behind(request: web.Request, detail: OfficeDetail) -> Behind:
    period, readings = period_in(request), readings_in(request)
    result = choice_in(request, "result", tuple(RESULTS)) or "received"
    offices = await request.app[REPORTS].offices(detail.office.id, below=below_in(request))
    named = text_in(request, "office")
    if named is not None and named not in offices:
        raise wrong("office", "neither your office nor, with below=1, one below it")
    return Behind(period, [named] if named else list(offices), RESULTS[result], readings[-1], result == "finished")


async def show_apologies(request: web.Request) -> web.Response:
    """GET /office/apologies: those that are owed, the oldest first; with ``?period=`` the register of that period."""
    staff = request[STAFF]
    detail, _ = await at_office(request, staff)
    page, period = page_in(request), period_in(request) if "period" in request.query else None
    skip = {"skip": (page - 1) * PAGE, "page_size": PAGE}
    async with request.app[DATABASE].connection() as connection:
        if period is None:
            rows = await queries.apologies_owed.rows(connection, office_id=staff.office, **skip)
        else:
            first, past = period.bounds(detail.calendar.timezone)
            rows = await queries.apologies_register.rows(
                connection, offices=[staff.office], first=first, past=past, **skip
            )
    language, asked = language_of(request), {"period": str(period)} if period else {}
    return request.app[PAGES].render(
        request,
        "tracking/office/apologies.html",
        staff=staff,
        office=detail.office,
        period_name=period.name(language) if period else "",
        rows=rows,
        said=said_in(request),
        local=detail.calendar.local,
        total=rows[0]["total"] if rows else 0,
        page=page,
        pages=-(-rows[0]["total"] // PAGE) if rows else 0,
        here=partial(_address, language, "/office/apologies", asked),
        number=partial(number, language=language),
    )
