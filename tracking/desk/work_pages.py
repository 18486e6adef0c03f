"""The work list of the office: what waits for a clerk, and the way to one dossier by its code."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from aiohttp import web

from kit.appkeys import DATABASE, PAGES
from kit.edge import STAFF, see_other
from kit.problems import BadRequest, FieldError
from office.model import OfficeDetail
from tracking import codes
from tracking.cases import read_case
from tracking.codes import Code
from tracking.desk.store import PAGE, WorkList, read_counts, read_first_part, read_list, read_visit
from tracking.desk.visit import address, at_office, visit_of

MOST_PAGES = 1_000
LONGEST_SHOWN = 100


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get("/desk/dossiers", show_work)]


async def show_work(request: web.Request) -> web.Response:
    """GET /desk/dossiers[?list=][&page=]: a list with the counts of all; ``?ticket=`` what one visit handed in.

    ``?q=`` is a code as typed, pasted or scanned and leads to its dossier; ``?notice=`` says that one was given.
    """
    detail, now = await at_office(request)
    typed = request.query.get("q", "").strip()
    if not typed:
        return await _page(request, detail, now)
    try:
        code = codes.parse(typed)
    except codes.MalformedCode:
        return await _page(request, detail, now, wrong="malformed", typed=typed)
    found = await _find(request, code)
    if found is None:
        return await _page(request, detail, now, wrong="unknown", typed=typed)
    return see_other(address(request, f"/desk/dossiers/{quote(found.text)}"))


async def _find(request: web.Request, code: Code) -> Code | None:
    async with request.app[DATABASE].connection() as connection:
        if await read_case(connection, code) is not None:
            return code
        return await read_first_part(connection, code)


async def _page(
    request: web.Request, detail: OfficeDetail, now: datetime, wrong: str = "", typed: str = ""
) -> web.Response:
    office, which, page = detail.office, _list_in(request), _page_in(request)
    visit = visit_of(request.query.get("ticket", ""), request.query.get("number", ""))
    async with request.app[DATABASE].operation(), request.app[DATABASE].connection() as connection:
        counts = await read_counts(connection, office, now)
        if visit.ticket:
            found = await read_visit(connection, office, visit.ticket, now)
        else:
            found = await read_list(connection, office, which, page, now)
    return request.app[PAGES].render(
        request,
        "tracking/desk/work.html",
        status={"malformed": 400, "unknown": 404}.get(wrong, 200),
        staff=request[STAFF],
        office=office,
        wrong=wrong,
        typed=typed[:LONGEST_SHOWN] if typed.isprintable() else "",
        counts=counts,
        which=which,
        page=page,
        pages=1 if visit.ticket else max(1, -(-counts[which] // PAGE)),
        lines=found,
        visit=visit,
        notice=_notice_in(request),
        new=address(request, "/desk/dossiers/new", **visit.query),
    )


def _list_in(request: web.Request) -> WorkList:
    text = request.query.get("list", "") or WorkList.HAND_OVER
    try:
        return WorkList(text)
    except ValueError:
        raise _wrong("list", f"expected one of {', '.join(WorkList)}") from None


def _page_in(request: web.Request) -> int:
    text = request.query.get("page", "") or "1"
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST_PAGES):
        raise _wrong("page", f"expected a number from 1 to {MOST_PAGES}")
    return int(text)


def _notice_in(request: web.Request) -> str:
    text = request.query.get("notice", "")
    return text if text.isascii() and text.isdecimal() and len(text) < 19 else ""


def _wrong(field: str, reason: str) -> BadRequest:
    return BadRequest("the address asks for what there is not", [FieldError(field, reason)])
