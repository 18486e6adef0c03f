"""The kiosk in the hall: big buttons, a slip of paper, the same slip again after a jam.

Everybody may open the page; paper comes only out of requests with the kiosk's own key, so that nobody wastes it from
elsewhere. The office's rules name both: ``kiosk_printer`` (``tcp://host:9100``) and ``kiosk_key``, which the kiosk's
browser is given once in its address (``/kiosk/{office_id}?key=…``) and keeps as a cookie that scripts cannot read.
Without the key, or without a printer, the browser prints.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from kit.addresses import base_url
from kit.appkeys import PAGES
from kit.body import read_form
from kit.edge import see_other
from kit.pages import in_language, language_of
from kit.problems import BadRequest
from office.api import DIRECTORY, OFFICE_ID
from office.model import OfficeDetail
from tickets.api import HALLS, ISSUING, READING, token_in
from tickets.issuing import OfficeClosed, Wish
from tickets.pages import qr_svg
from tickets.printer import PrinterAddress, parse_address
from tickets.printing import Printing
from tickets.reading import Answer, UnknownTicket
from tickets.slip import Slip, slip
from tickets.ticket import Priority, Token, parse_token

PRINTING: web.AppKey[Printing] = web.AppKey("printing", Printing)

COOKIE = "__Secure-motcua-kiosk"
COOKIE_SECONDS = 400 * 86_400
"""The longest that browsers keep one; the start page begins it anew."""
START_AFTER, RESULT_AFTER = 60, 20
"""Seconds without a touch: the start page is read anew, any other page leads back to it."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    kiosk = f"/kiosk/{OFFICE_ID}"
    return [
        web.get(kiosk, show_kiosk),
        web.post(f"{kiosk}/tickets", take_ticket),
        web.post(f"{kiosk}/tickets/{{token}}/print", print_again),
    ]


async def show_kiosk(request: web.Request) -> web.Response:
    """GET /kiosk/{office_id}: the services; with ``?service=`` the question about priority; with ``?key=`` this browser
    becomes the kiosk.
    """
    detail = await _detail(request)
    rules = detail.policies.on(detail.service_day(datetime.now(UTC)))
    if "key" in request.query:
        response = see_other(in_language(language_of(request), f"/kiosk/{detail.office.id}"))
        if _is_key(request.query["key"], rules.get("kiosk_key")):
            _remember(response, detail, request.query["key"])
        return response
    service = detail.services.get(request.query.get("service", ""))
    if service is None or not detail.takes_tickets(datetime.now(UTC)):
        response = await _start(request, detail)
        if _is_key(request.cookies.get(COOKIE, ""), rules.get("kiosk_key")):
            _remember(response, detail, request.cookies[COOKIE])
        return response
    return request.app[PAGES].render(
        request,
        "tickets/kiosk_priority.html",
        **_frame(detail, RESULT_AFTER * 2),
        service=service,
        key=secrets.token_urlsafe(16),
    )


async def take_ticket(request: web.Request) -> web.Response:
    """POST /kiosk/{office_id}/tickets: the ticket and its slip. The same ``key`` gives the same ticket and no second
    slip; the key is made anew at each touch (and with the page, for browsers without scripts).
    """
    detail, form = await _detail(request), await read_form(request)
    try:
        priority = Priority(form.get("priority") or Priority.NORMAL)
    except ValueError:
        raise BadRequest("no such priority") from None
    key, service = form.get("key", ""), form.get("service", "")
    try:
        issued = await request.app[ISSUING].issue(
            detail.office.id,
            Wish(service, priority),
            f"{key}/{service}/{priority}" if 8 <= len(key) <= 100 else None,
            datetime.now(UTC),
        )
    except OfficeClosed:
        return await _start(request, detail, status=409)
    token = parse_token(issued.token)
    assert token is not None
    return await _result(request, detail, token, again=False)


async def print_again(request: web.Request) -> web.Response:
    """POST /kiosk/{office_id}/tickets/{token}/print: the same ticket on paper once more."""
    detail, token = await _detail(request), token_in(request)
    return await _result(request, detail, token, again=True)


async def _result(request: web.Request, detail: OfficeDetail, token: Token, *, again: bool) -> web.Response:
    answer = await request.app[READING].ticket(token)
    if answer.office != detail.office.id:
        raise UnknownTicket
    address, printer, state = f"{base_url(request)}/t/{token.text}", _printer(request, detail), None
    if printer is not None:
        paper = slip(_facts(detail, answer, language_of(request)), language_of(request), address)
        state = await request.app[PRINTING].print_slip(token, paper, printer, again=again)
    return request.app[PAGES].render(
        request,
        "tickets/kiosk_ticket.html",
        **_frame(detail, RESULT_AFTER),
        ticket=answer.place,
        token=token.text,
        service=detail.services[answer.place["service"]],
        issued_at=datetime.fromisoformat(answer.place["issued_at"]),
        by_browser=printer is None,
        print_state=state,
        qr=qr_svg(address),
    )


async def _start(request: web.Request, detail: OfficeDetail, status: int = 200) -> web.Response:
    now = datetime.now(UTC)
    takes_tickets = detail.takes_tickets(now)
    view = await request.app[HALLS].view(detail.office.id)
    return request.app[PAGES].render(
        request,
        "tickets/kiosk.html",
        status=status,
        **_frame(detail, START_AFTER),
        services=detail.services,
        queues=view.queues["queues"],
        takes_tickets=takes_tickets,
        opens=None if takes_tickets else detail.opens_at(now),
    )


async def _detail(request: web.Request) -> OfficeDetail:
    return await request.app[DIRECTORY].detail(request.match_info["office_id"])


def _frame(detail: OfficeDetail, back: int) -> dict[str, Any]:
    return {"office": detail.office, "back": back}


def _facts(detail: OfficeDetail, answer: Answer, language: str) -> Slip:
    place, service = answer.place, detail.services[answer.place["service"]]
    wait = place["wait_minutes"]
    return Slip(
        number=place["number"],
        service=service.name_en if language == "en" else service.name,
        office=detail.office.name_en if language == "en" else detail.office.name,
        ahead=place["ahead"] or 0,
        wait=(wait["p50"], wait["p90"]) if wait else None,
        issued_at=datetime.fromisoformat(place["issued_at"]),
    )


def _printer(request: web.Request, detail: OfficeDetail) -> PrinterAddress | None:
    """The office's printer, for requests that carry the kiosk's key."""
    rules = detail.policies.on(detail.service_day(datetime.now(UTC)))
    if not _is_key(request.cookies.get(COOKIE, ""), rules.get("kiosk_key")):
        return None
    return parse_address(str(rules.get("kiosk_printer", "")))


def _is_key(given: str, key: object) -> bool:
    return isinstance(key, str) and key != "" and hmac.compare_digest(given.encode(errors="replace"), key.encode())


def _remember(response: web.Response, detail: OfficeDetail, key: str) -> None:
    response.set_cookie(
        COOKIE,
        key,
        max_age=COOKIE_SECONDS,
        path=f"/kiosk/{detail.office.id}",
        secure=True,
        httponly=True,
        samesite="Strict",
    )
