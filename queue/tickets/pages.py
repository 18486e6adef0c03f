"""The citizen's pages: take a ticket, watch it, leave the line; and the sign for the office's door."""

from __future__ import annotations

import io
import secrets
from datetime import UTC, datetime

import segno
from aiohttp import web
from markupsafe import Markup

from kit.addresses import base_url
from kit.appkeys import PAGES
from kit.body import read_form
from kit.edge import see_other
from kit.pages import in_language, language_of, svg
from kit.problems import BadRequest
from office.api import DIRECTORY, OFFICE_ID
from tickets.api import COUNTERS, HALLS, ISSUING, READING, token_in
from tickets.issuing import Wish
from tickets.policy import CallPolicy, sentence
from tickets.ticket import Priority


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/o", list_offices),
        web.get(f"/o/{OFFICE_ID}", show_office),
        web.post(f"/o/{OFFICE_ID}", take_ticket),
        web.get(f"/o/{OFFICE_ID}/sign", show_sign),
        web.get("/t/{token}", show_ticket),
        web.post("/t/{token}/cancel", leave_line),
    ]


async def list_offices(request: web.Request) -> web.Response:
    """GET /o: the offices that are there today and have something to queue for."""
    today = datetime.now(UTC).date()
    offices = [office for office in (await request.app[DIRECTORY].offices()).values() if office.exists_on(today)]
    return request.app[PAGES].render(request, "tickets/offices.html", offices=offices)


async def show_office(request: web.Request) -> web.Response:
    """GET /o/{office_id}: the services with their lines, each a button that takes a ticket."""
    office_id, now = request.match_info["office_id"], datetime.now(UTC)
    detail = await request.app[DIRECTORY].detail(office_id)
    view = await request.app[HALLS].view(office_id)
    takes_tickets = detail.takes_tickets(now)
    policy = CallPolicy.from_mapping(detail.policies.on(detail.service_day(now)))
    return request.app[PAGES].render(
        request,
        "tickets/office.html",
        office=detail.office,
        services=detail.services,
        queues=view.queues["queues"],
        exists=detail.office.exists_on(detail.service_day(now)),
        takes_tickets=takes_tickets,
        opens=None if takes_tickets else detail.opens_at(now),
        replaced_by=[(await request.app[DIRECTORY].offices())[other] for other in detail.office.replaced_by],
        call_order=sentence(policy, language_of(request)),
        key=secrets.token_urlsafe(16),
    )


async def take_ticket(request: web.Request) -> web.Response:
    """POST /o/{office_id}: the form of the page above. The key made with the page makes a double tap one ticket; who
    goes back and chooses another service means another ticket.
    """
    form = await read_form(request)
    try:
        priority = Priority(form.get("priority") or Priority.NORMAL)
    except ValueError:
        raise BadRequest("no such priority") from None
    key, service = form.get("key", ""), form.get("service", "")
    issued = await request.app[ISSUING].issue(
        request.match_info["office_id"],
        Wish(service, priority),
        f"{key}/{service}/{priority}" if 8 <= len(key) <= 100 else None,
        datetime.now(UTC),
    )
    return see_other(in_language(language_of(request), f"/t/{issued.token}"))


async def show_ticket(request: web.Request) -> web.Response:
    """GET /t/{token}: where the ticket stands; follows the line by itself."""
    token = token_in(request)
    answer = await request.app[READING].ticket(token)
    detail = await request.app[DIRECTORY].detail(answer.office)
    return request.app[PAGES].render(
        request,
        "tickets/ticket.html",
        token=token.text,
        ticket=answer.place,
        final=answer.state.is_final,
        office=detail.office,
        service=detail.services[answer.place["service"]],
        issued_at=datetime.fromisoformat(answer.place["issued_at"]),
        as_of=datetime.now(detail.calendar.timezone),
        qr=qr_svg(f"{base_url(request)}/t/{token.text}"),
    )


async def leave_line(request: web.Request) -> web.Response:
    """POST /t/{token}/cancel: the citizen leaves the line."""
    token = token_in(request)
    await request.app[COUNTERS].move(token, "cancel", None)
    return see_other(in_language(language_of(request), f"/t/{token.text}"))


async def show_sign(request: web.Request) -> web.Response:
    """GET /o/{office_id}/sign: a page to print for the door, with the QR that opens the office's page."""
    detail = await request.app[DIRECTORY].detail(request.match_info["office_id"])
    address = f"{base_url(request)}/o/{detail.office.id}"
    return request.app[PAGES].render(
        request, "tickets/sign.html", office=detail.office, address=address, qr=qr_svg(address)
    )


def qr_svg(address: str) -> Markup:
    """A QR code as inline SVG, scaled by the style sheet."""
    out = io.BytesIO()
    segno.make(address, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        svgclass="qr",
        lineclass=None,
        border=4,
        light="#fff",
    )
    return svg(out.getvalue().decode())
