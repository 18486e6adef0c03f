"""Queue tickets and halls as JSON, and the live feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field, field_validator

from kit.appkeys import FEED
from kit.body import Body, read_json
from kit.edge import STAFF, conditional, json_bytes
from kit.feed import stream
from kit.idempotency import idempotency_key
from kit.snapshot import Snapshot
from office.api import OFFICE_ID
from tickets.counters import Counters
from tickets.hall import Halls
from tickets.issuing import Issuing, Wish
from tickets.reading import Reading, UnknownTicket, answer_in
from tickets.ticket import Priority, Token, parse_token

HALLS: web.AppKey[Halls] = web.AppKey("halls", Halls)
READING: web.AppKey[Reading] = web.AppKey("reading", Reading)
ISSUING: web.AppKey[Issuing] = web.AppKey("issuing", Issuing)
COUNTERS: web.AppKey[Counters] = web.AppKey("counters", Counters)

COUNTER_ID = "{counter_id:[a-z0-9][a-z0-9-]{0,39}}"
_PHONE = r"^(\+84|0)\d{9,10}$"
PRIVATE = "private, no-cache"


class TicketBody(Body):
    """The body of POST …/tickets."""

    service: Annotated[str, Field(min_length=1, max_length=40)]
    priority: Annotated[Priority, Field(strict=False)] = Priority.NORMAL
    phone: Annotated[str | None, Field(pattern=_PHONE)] = None
    dossier_code: Annotated[str | None, Field(max_length=60)] = None

    @field_validator("dossier_code")
    @classmethod
    def _printable(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("holds characters that cannot be printed")
        return value


class OpenBody(Body):
    """The body of POST …/open; no services = all that the counter can take."""

    services: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=50, strict=False)] = ()


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    counter = f"/api/v1/counters/{COUNTER_ID}"
    return [
        web.get(f"/api/v1/offices/{OFFICE_ID}/queues", show_queues),
        web.get(f"/api/v1/offices/{OFFICE_ID}/live", follow_office, allow_head=False),
        web.post(f"/api/v1/offices/{OFFICE_ID}/tickets", issue_ticket),
        web.get("/api/v1/tickets/{token}", show_ticket),
        web.delete("/api/v1/tickets/{token}", cancel_ticket),
        web.get("/api/v1/tickets/{token}/live", follow_ticket, allow_head=False),
        web.post(f"{counter}/open", open_counter),
        web.post(f"{counter}/close", close_counter),
        web.post(f"{counter}/call-next", call_next),
        web.post("/api/v1/tickets/{token}/{move:recall|start|finish|no-show}", move_ticket),
    ]


async def show_queues(request: web.Request) -> web.Response:
    """GET /api/v1/offices/{office_id}/queues: open data."""
    view = await request.app[HALLS].view(request.match_info["office_id"])
    response = conditional(request, view.open_data, view.snapshot.etag, "public, max-age=1")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def follow_office(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/offices/{office_id}/live: the open data as server-sent events."""
    office_id, halls = request.match_info["office_id"], request.app[HALLS]
    await halls.view(office_id)

    def render(snapshot: Snapshot) -> bytes:
        return halls.view_of(office_id, snapshot).open_data

    return await stream(request, request.app[FEED].watch(halls.topic, office_id), "queues", render)


async def issue_ticket(request: web.Request) -> web.Response:
    """POST /api/v1/offices/{office_id}/tickets: a number for a citizen."""
    body = await read_json(request, TicketBody)
    wish = Wish(body.service, body.priority, body.phone, body.dossier_code)
    issued = await request.app[ISSUING].issue(
        request.match_info["office_id"], wish, idempotency_key(request), datetime.now(UTC)
    )
    headers = {"Location": f"/api/v1/tickets/{issued.token}", "Cache-Control": "no-store"}
    return json_bytes(issued.body, status=201, headers=headers)


async def show_ticket(request: web.Request) -> web.Response:
    """GET /api/v1/tickets/{token}: where the ticket stands."""
    answer = await request.app[READING].ticket(token_in(request))
    return conditional(request, answer.body, answer.etag, PRIVATE)


async def cancel_ticket(request: web.Request) -> web.Response:
    """DELETE /api/v1/tickets/{token}: the citizen leaves the line."""
    answer = await request.app[COUNTERS].move(token_in(request), "cancel", None)
    return json_bytes(answer.body, headers={"Cache-Control": "no-store"})


async def follow_ticket(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/tickets/{token}/live: the ticket object as server-sent events, sent when something in it changes."""
    token, halls = token_in(request), request.app[HALLS]
    office = (await request.app[READING].ticket(token)).office
    told: list[object] = []

    def render(snapshot: Snapshot) -> bytes | None:
        answer = answer_in(halls.view_of(office, snapshot), token)
        if answer is None or told == [answer.place]:
            return None
        told[:] = [answer.place]
        return answer.body

    return await stream(request, request.app[FEED].watch(halls.topic, office), "ticket", render)


async def open_counter(request: web.Request) -> web.Response:
    """POST /api/v1/counters/{counter_id}/open."""
    body = await read_json(request, OpenBody) if request.can_read_body else OpenBody()
    counters, counter_id = request.app[COUNTERS], request.match_info["counter_id"]
    services = body.services or (await counters.read(counter_id, request[STAFF])).skills
    await counters.open(counter_id, services, request[STAFF])
    return json_bytes(orjson.dumps({"counter": counter_id, "open": True, "services": list(services)}))


async def close_counter(request: web.Request) -> web.Response:
    """POST /api/v1/counters/{counter_id}/close."""
    await request.app[COUNTERS].close(request.match_info["counter_id"], request[STAFF])
    return json_bytes(orjson.dumps({"counter": request.match_info["counter_id"], "open": False, "services": []}))


async def call_next(request: web.Request) -> web.Response:
    """POST /api/v1/counters/{counter_id}/call-next: 200 with the ticket, 204 if nobody waits."""
    answer = await request.app[COUNTERS].call_next(
        request.match_info["counter_id"], idempotency_key(request), request[STAFF], datetime.now(UTC)
    )
    return json_bytes(answer.body) if answer is not None else web.Response(status=204)


async def move_ticket(request: web.Request) -> web.Response:
    """POST /api/v1/tickets/{token}/{recall|start|finish|no-show}: 200 with the ticket, 409 if its state forbids it."""
    answer = await request.app[COUNTERS].move(token_in(request), request.match_info["move"], request[STAFF])
    return json_bytes(answer.body)


def token_in(request: web.Request) -> Token:
    """The token in the address. Raises UnknownTicket for what cannot be one."""
    token = parse_token(request.match_info["token"])
    if token is None:
        raise UnknownTicket
    return token
