"""The clerk's page: sign in, open a counter, call, serve. Plain forms; a small script keeps the line current."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web

from kit.appkeys import PAGES, SESSIONS
from kit.body import read_form
from kit.edge import STAFF, see_other
from kit.pages import in_language, language_of
from kit.problems import BadRequest, NotSignedIn
from kit.sessions import LONGEST_PASSWORD, Staff, drop_cookie, set_cookie, token_of
from office.api import DIRECTORY
from office.model import OfficeDetail
from tickets.api import COUNTER_ID, COUNTERS, HALLS, token_in
from tickets.counters import AT_THE_COUNTER, CounterClosed, CounterState
from tickets.ticket import MoveNotAllowed


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/desk", show_desk),
        web.post("/desk/sign-in", sign_in),
        web.post("/desk/sign-out", sign_out),
        web.post("/desk/tickets/{token}/{move:recall|start|finish|no-show}", move_ticket),
        web.post(f"/desk/{COUNTER_ID}/{{action:open|close|call-next}}", act),
    ]


async def show_desk(request: web.Request) -> web.Response:
    """GET /desk: the sign-in, or the clerk's counter (``?counter=``), or the choice of one.

    A planner has no counter and is led to the reports.
    """
    staff = await _signed_in(request)
    if staff is None:
        return request.app[PAGES].render(request, "tickets/sign_in.html", wrong=False, typed="")
    if staff.role not in AT_THE_COUNTER:
        return see_other(_home(request, staff))
    detail = await request.app[DIRECTORY].detail(staff.office)
    counter = await _chosen_counter(request, staff, detail)
    if counter is None:
        states = [await request.app[COUNTERS].read(counter_id, staff) for counter_id in detail.counters]
        return request.app[PAGES].render(
            request,
            "tickets/choose_counter.html",
            staff=staff,
            office=detail.office,
            services=detail.services,
            counters=states,
        )
    return await _counter_page(request, staff, detail, counter)


async def _signed_in(request: web.Request) -> Staff | None:
    token = token_of(request)
    if token is None:
        return None
    try:
        return await request.app[SESSIONS].read(token)
    except NotSignedIn:
        return None


async def _chosen_counter(request: web.Request, staff: Staff, detail: OfficeDetail) -> CounterState | None:
    counter_id = request.query.get("counter", "")
    if counter_id not in detail.counters:
        return None
    return await request.app[COUNTERS].read(counter_id, staff)


async def _counter_page(
    request: web.Request, staff: Staff, detail: OfficeDetail, counter: CounterState
) -> web.Response:
    now = datetime.now(detail.calendar.timezone)
    view = await request.app[HALLS].view(staff.office)
    queues = [queue for queue in view.queues["queues"] if queue["service"] in (counter.services or counter.skills)]
    return request.app[PAGES].render(
        request,
        "tickets/desk.html",
        staff=staff,
        office=detail.office,
        services=detail.services,
        counter=counter,
        at_counter=await request.app[COUNTERS].at(counter, now),
        queues=queues,
        waiting=sum(queue["waiting"] for queue in queues),
        timezone=detail.calendar.timezone,
        overtaken="overtaken" in request.query,
        key=secrets.token_urlsafe(16),
    )


async def sign_in(request: web.Request) -> web.Response:
    """POST /desk/sign-in."""
    form = await read_form(request)
    name, password = form.get("name", "")[:100], form.get("password", "")[:LONGEST_PASSWORD]
    try:
        token, staff = await request.app[SESSIONS].open(name, password)
    except NotSignedIn:
        return request.app[PAGES].render(request, "tickets/sign_in.html", status=401, wrong=True, typed=name)
    response = see_other(_home(request, staff))
    set_cookie(response, token)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """POST /desk/sign-out."""
    token = token_of(request)
    if token is not None:
        await request.app[SESSIONS].close(token)
    response = see_other(_desk(request))
    drop_cookie(response)
    return response


async def act(request: web.Request) -> web.Response:
    """POST /desk/{counter_id}/{open|close|call-next}."""
    counters, staff = request.app[COUNTERS], request[STAFF]
    counter_id, action = request.match_info["counter_id"], request.match_info["action"]
    if action == "open":
        await counters.open(counter_id, await _chosen_services(request, counter_id), staff)
    elif action == "close":
        await counters.close(counter_id, staff)
    else:
        key = (await read_form(request)).get("key", "")
        try:
            await counters.call_next(counter_id, key if 8 <= len(key) <= 200 else None, staff, datetime.now(UTC))
        except CounterClosed:
            return see_other(_desk(request, counter_id, overtaken=True))
    return see_other(_desk(request, counter_id))


async def _chosen_services(request: web.Request, counter_id: str) -> Sequence[str]:
    await read_form(request)
    chosen = [value for value in (await request.post()).getall("service", []) if isinstance(value, str)]
    return chosen or (await request.app[COUNTERS].read(counter_id, request[STAFF])).skills


async def move_ticket(request: web.Request) -> web.Response:
    """POST /desk/tickets/{token}/{recall|start|finish|no-show}. What came too late shows the ticket as it is now."""
    form = await read_form(request)
    counter_id = form.get("counter", "")
    if counter_id not in (await request.app[DIRECTORY].detail(request[STAFF].office)).counters:
        raise BadRequest("the form names no counter of this office")
    try:
        await request.app[COUNTERS].move(token_in(request), request.match_info["move"], request[STAFF])
    except MoveNotAllowed:
        return see_other(_desk(request, counter_id, overtaken=True))
    return see_other(_desk(request, counter_id))


def _home(request: web.Request, staff: Staff) -> str:
    return _desk(request) if staff.role in AT_THE_COUNTER else in_language(language_of(request), "/office/reports")


def _desk(request: web.Request, counter_id: str = "", *, overtaken: bool = False) -> str:
    address = f"/desk?counter={counter_id}" if counter_id else "/desk"
    return in_language(language_of(request), address + ("&overtaken" if overtaken else ""))
