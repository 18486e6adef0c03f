"""The letters that an office owes: the list, each as a sheet to print, and how it went out."""

from __future__ import annotations

from datetime import date
from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from kit.appkeys import DATABASE, PAGES
from kit.body import read_form
from kit.edge import STAFF, see_other
from kit.pages import in_language, language_of
from tracking import codes
from tracking.cases import WORKING
from tracking.codes import Code
from tracking.notices.letters import LETTERS, Kind, letters_counted, letters_due
from tracking.notices.outcome import NO_ADDRESS, NOT_CONFIGURED, UNCERTAIN, Outcome, Result
from tracking.paper.wording import long_day
from tracking.reports.asking import SUPERVISING, page_for, said_in
from tracking.reports.numbers import number
from tracking.reports.period import Period
from tracking.reports.supervision import at_office

SHOWN = 20
"""Letters on the page; the next come up when these have gone out."""
_ERRORS = {UNCERTAIN: "uncertain", NO_ADDRESS: "no-address", NOT_CONFIGURED: "not-configured"}
_RESULTS = {Result.SENT: "sent", Result.PUT_OFF: "put-off", Result.DEAD: "failed"}
_LETTER = f"/office/letters/{{code}}/{{kind:{'|'.join(Kind)}}}"


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/office/letters", page_for(WORKING, show_letters)),
        web.get(_LETTER, page_for(WORKING, show_letter)),
        web.post(f"{_LETTER}/printed", printed),
        web.post(f"{_LETTER}/mail", mail),
    ]


async def show_letters(request: web.Request) -> web.Response:
    """GET /office/letters[?said=&code=]: what is due, the oldest first, and how many went out this year."""
    staff = request[STAFF]
    detail, now = await at_office(request, staff)
    year = Period.parse(f"{now:%Y}")
    async with request.app[DATABASE].connection() as connection:
        due = await letters_due(connection, staff.office, SHOWN + 1)
        counted = await letters_counted(connection, staff.office, *year.bounds(detail.calendar.timezone))
    language = language_of(request)
    return request.app[PAGES].render(
        request,
        "tracking/office/letters.html",
        staff=staff,
        office=detail.office,
        due=due[:SHOWN],
        more=len(due) > SHOWN,
        counted=counted,
        year_name=year.name(language),
        said=said_in(request),
        local=detail.calendar.local,
        number=partial(number, language=language),
    )


async def show_letter(request: web.Request) -> web.Response:
    """GET /office/letters/{code}/{kind}: the letter as a page of A4."""
    staff, (code, kind) = request[STAFF], _named(request)
    written = await request.app[LETTERS].write(code, kind, staff)
    detail, now = await at_office(request, staff)
    return request.app[PAGES].render(
        request,
        "tracking/office/letter.html",
        staff=staff,
        office=detail.office,
        code=code.text,
        kind=kind,
        written=written,
        dated=_dated(written.language, now.date()),
    )


def _dated(language: str, day: date) -> str:
    return long_day(day) if language == "vi" else f"{day.day} {day:%B %Y}"


async def printed(request: web.Request) -> web.Response:
    """POST /office/letters/{code}/{kind}/printed: it went out on paper."""
    code, kind = _named(request)
    await request.app[LETTERS].printed(code, kind, request[STAFF])
    return await _back(request, code, "printed")


async def mail(request: web.Request) -> web.Response:
    """POST /office/letters/{code}/{kind}/mail: send it now; the list says how that ended."""
    code, kind = _named(request)
    return await _back(request, code, _said(await request.app[LETTERS].mail(code, kind, request[STAFF])))


def _said(outcome: Outcome) -> str:
    return _ERRORS.get(outcome.error or "", _RESULTS[outcome.result])


def _named(request: web.Request) -> tuple[Code, Kind]:
    return codes.parse(request.match_info["code"]), Kind(request.match_info["kind"])


async def _back(request: web.Request, code: Code, said: str) -> web.Response:
    from_apologies = (await read_form(request)).get("list") == "apologies" and request[STAFF].role in SUPERVISING
    path = "/office/apologies" if from_apologies else "/office/letters"
    return see_other(in_language(language_of(request), f"{path}?{urlencode({'said': said, 'code': code.text})}"))
