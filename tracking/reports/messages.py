"""Messages that somebody has to look after: those that could not be sent, and the phone calls to make."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from kit.appkeys import DATABASE, PAGES
from kit.database import Connection
from kit.edge import REQUEST_ID, STAFF, see_other
from kit.pages import in_language, language_of
from office.model import OfficeDetail
from tracking.notices.calls import TEXTS, call_list
from tracking.reports.asking import SUPERVISING, page_for
from tracking.reports.numbers import number
from tracking.reports.store import queries
from tracking.reports.supervision import at_office

SHOWN = 12
"""Of each list; the next come up when these are done."""
ID = "[0-9]{1,18}"


class UnknownMessage(LookupError):
    """The office has no message of that number."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/office/messages", page_for(SUPERVISING, show_messages)),
        web.post(f"/office/messages/{{id:{ID}}}/retry", retry),
        web.post(f"/office/messages/{{id:{ID}}}/drop", drop),
        web.post(f"/office/messages/{{id:{ID}}}/called", called),
        web.get("/desk/calls", show_calls),
        web.post(f"/desk/calls/{{id:{ID}}}/called", called_at_desk),
    ]


async def show_messages(request: web.Request) -> web.Response:
    """GET /office/messages: dead letters, and whom to call. Shows names and phone numbers, to staff."""
    detail, _ = await at_office(request, request[STAFF])
    async with request.app[DATABASE].connection() as connection:
        dead = await queries.messages_dead.rows(connection, office_id=detail.office.id, page_size=SHOWN)
        calls = await _calls(request, connection, detail)
    return request.app[PAGES].render(request, "tracking/office/messages.html", dead=dead, **calls)


async def show_calls(request: web.Request) -> web.Response:
    """GET /desk/calls: whom to call, and what to say. Shows names and phone numbers, to staff."""
    detail, _ = await at_office(request, request[STAFF])
    async with request.app[DATABASE].connection() as connection:
        calls = await _calls(request, connection, detail)
    return request.app[PAGES].render(request, "tracking/office/calls.html", **calls)


async def _calls(request: web.Request, connection: Connection, detail: OfficeDetail) -> dict[str, Any]:
    found = await call_list(connection, request.app[TEXTS], detail.office.id, SHOWN + 1)
    shown: Callable[..., str] = partial(number, language=language_of(request))
    return {
        "staff": request[STAFF],
        "office": detail.office,
        "calls": found[:SHOWN],
        "more_calls": len(found) > SHOWN,
        "local": detail.calendar.local,
        "number": shown,
    }


async def retry(request: web.Request) -> web.Response:
    """POST /office/messages/{id}/retry: a dead letter waits again, with all its attempts."""
    return await _change(request, "message_retry")


async def drop(request: web.Request) -> web.Response:
    """POST /office/messages/{id}/drop: a dead letter is given up."""
    return await _change(request, "message_drop")


async def called(request: web.Request) -> web.Response:
    """POST /office/messages/{id}/called: the phone call was made."""
    return await _change(request, "message_called")


async def called_at_desk(request: web.Request) -> web.Response:
    """POST /desk/calls/{id}/called: the phone call was made, by whoever sits at the desk."""
    return await _change(request, "message_called", "/desk/calls")


async def _change(request: web.Request, query: str, back: str = "/office/messages") -> web.Response:
    # What somebody else has done already stays as it is: the page shows how things stand now.
    staff, message = request[STAFF], int(request.match_info["id"])
    async with request.app[DATABASE].transaction() as connection:
        if not await queries.message_there.value(connection, id=message, office_id=staff.office):
            raise UnknownMessage
        await getattr(queries, query).run(
            connection, id=message, office_id=staff.office, staff_id=staff.id, request_id=request[REQUEST_ID]
        )
    return see_other(in_language(language_of(request), back))
