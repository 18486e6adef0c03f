"""Events for other systems: read by number, and pushed to webhooks that an administrator sets up."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
import orjson
from aiohttp import web
from pydantic import Field

from kit.appkeys import DATABASE
from kit.body import Body, read_json
from kit.database import Connection
from kit.edge import STAFF, json_bytes
from kit.problems import BadRequest, FieldError
from kit.sessions import Role
from tracking.notices.addresses import LONGEST_URL, check_url
from tracking.notices.queue import queries
from tracking.notices.webhooks import new_secret, told

PRIVATE: web.AppKey[bool] = web.AppKey("webhook_private", bool)
"""Whether webhooks may lead into a private network."""

READERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
KEEPERS = frozenset({Role.ADMIN})
MOST_EVENTS = 500
MOST_REPLAYED = 5000
LARGEST = 2**63 - 1
NO_STORE = {"Cache-Control": "no-store"}


class UnknownWebhook(LookupError):
    """There is no such webhook (any more)."""


class WebhookBody(Body):
    """The body of POST /api/v1/webhooks; without ``office`` it hears of every office's dossiers."""

    url: Annotated[str, Field(min_length=8, max_length=LONGEST_URL)]
    office: Annotated[str | None, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")] = None


class ReplayBody(Body):
    """The body of POST …/replay: the number of the last event that the receiver has, 0 for none."""

    after: Annotated[int, Field(ge=0, le=LARGEST)]


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/api/v1/events", show_events),
        web.get("/api/v1/webhooks", show_webhooks),
        web.post("/api/v1/webhooks", add_webhook),
        web.delete("/api/v1/webhooks/{webhook_id}", remove_webhook),
        web.post("/api/v1/webhooks/{webhook_id}/replay", replay),
    ]


async def show_events(request: web.Request) -> web.Response:
    """GET /api/v1/events?after=N&limit=M: what happened after event N, at most M looked at; ``next`` is where to go on,
    the same as ``after`` when there is nothing new. A supervisor sees the own office's.
    """
    after, limit = _whole(request, "after", 0, 0, LARGEST), _whole(request, "limit", 100, 1, MOST_EVENTS)
    staff = request[STAFF]
    office = None if staff.role is Role.ADMIN else staff.office
    async with request.app[DATABASE].connection() as connection:
        rows = await queries.events_read.rows(connection, after=after, most=limit, office_id=office)
    events = [told(row) for row in rows if row["shown"]]
    return _json({"events": events, "next": rows[-1]["event"] if rows else after})


def _whole(request: web.Request, name: str, usual: int, least: int, most: int) -> int:
    text = request.query.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and least <= int(text) <= most):
        reason = f"expected a whole number from {least} to {most}"
        raise BadRequest("the query has wrong fields", [FieldError(name, reason)])
    return int(text)


async def show_webhooks(request: web.Request) -> web.Response:
    """GET /api/v1/webhooks: all of them, with how many deliveries are dead; never a secret."""
    async with request.app[DATABASE].connection() as connection:
        rows = await queries.webhooks_read.rows(connection)
    return _json({"webhooks": [{**_webhook(row), "dead": row["dead"]} for row in rows]})


async def add_webhook(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks: a new one. Its secret is shown in this answer and never again."""
    body, secret = await read_json(request, WebhookBody), new_secret()
    try:
        check_url(body.url, request.app[PRIVATE])
    except ValueError as error:
        raise BadRequest("the body has wrong fields", [FieldError("url", str(error))]) from None
    async with request.app[DATABASE].connection() as connection:
        row = await queries.webhook_add.row(connection, url=body.url, secret=secret, office_id=body.office)
    if row is None:
        raise BadRequest("the body has wrong fields", [FieldError("office", "there is no such office")])
    return _json({**_webhook(row), "secret": secret}, status=201)


async def remove_webhook(request: web.Request) -> web.Response:
    """DELETE /api/v1/webhooks/{webhook_id}: it hears nothing more."""
    async with request.app[DATABASE].connection() as connection:
        if await queries.webhook_remove.value(connection, id=_id(request)) is None:
            raise UnknownWebhook
    return web.Response(status=204)


async def replay(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks/{webhook_id}/replay: events after a number are sent again, ``MOST_REPLAYED`` a call; go
    on from ``next`` until it stays where it is. Repeating it while they wait changes nothing.
    """
    body = await read_json(request, ReplayBody)
    async with request.app[DATABASE].operation(), request.app[DATABASE].transaction() as connection:
        queued, last = await _replay(connection, _id(request), body.after)
    return _json({"queued": queued, "next": last})


async def _replay(connection: Connection, webhook_id: int, after: int) -> tuple[int, int]:
    webhook = await queries.webhook_read.row(connection, id=webhook_id)
    if webhook is None:
        raise UnknownWebhook
    rows = await queries.events_read.rows(connection, after=after, most=MOST_REPLAYED, office_id=webhook["office_id"])
    wanted = [row for row in rows if row["shown"]]
    queued = await queries.deliveries_replay.value(
        connection,
        webhook_id=webhook_id,
        events=[row["event"] for row in wanted],
        moments=[row["at"] for row in wanted],
    )
    return int(queued), rows[-1]["event"] if rows else after


def _id(request: web.Request) -> int:
    text = request.match_info["webhook_id"]
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise UnknownWebhook
    return int(text)


def _webhook(row: asyncpg.Record) -> dict[str, Any]:
    return {"id": row["id"], "url": row["url"], "office": row["office"], "made_at": row["made_at"].isoformat()}


def _json(answer: object, status: int = 200) -> web.Response:
    return json_bytes(orjson.dumps(answer), status=status, headers=NO_STORE)
