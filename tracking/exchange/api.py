"""The exchange with other one-stop systems over HTTP: a pushed state comes in, an office's dossiers go out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import cast

import orjson
from aiohttp import hdrs, web

from kit.appkeys import DATABASE
from kit.body import read_json
from kit.database import DatabaseUnavailable
from kit.edge import REQUEST_ID, STAFF, json_bytes
from kit.problems import BadRequest, FieldError
from kit.sessions import Role
from office.api import DIRECTORY
from tracking import codes
from tracking.exchange.exports import Format, UnknownPlace, Wanted, pages
from tracking.exchange.pushes import Pushes
from tracking.exchange.state import Push

PUSHES: web.AppKey[Pushes] = web.AppKey("pushes", Pushes)
EXCHANGING = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Who may exchange dossiers: the accounts that other systems sign in with are of these roles."""
LONGEST = timedelta(days=366)
SLOWEST_READER = 30.0
_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.put("/api/v1/dossiers/{code}", put_dossier),
        # A HEAD would get the body of the stream after its headers.
        web.get("/api/v1/offices/{office_id}/dossiers", export_dossiers, allow_head=False),
    ]


async def put_dossier(request: web.Request) -> web.Response:
    """PUT /api/v1/dossiers/{code}: 201 for a new dossier, else 200; a version that is not newer changes nothing."""
    code = codes.parse(request.match_info["code"])
    push = await read_json(request, Push)
    pushed = await request.app[PUSHES].take(code, push, request[STAFF], request[REQUEST_ID])
    answer = {"code": pushed.code, "version": pushed.version, "changed": pushed.changed}
    return json_bytes(
        orjson.dumps(answer), status=201 if pushed.added else 200, headers={hdrs.CACHE_CONTROL: "no-store"}
    )


async def export_dossiers(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/offices/{office_id}/dossiers?from=&to=&format=&after=: at most a year, streamed.

    Whoever gets less than all of it (the connection broke off) goes on with ``after``, the last code that arrived.
    """
    office_id = request.match_info["office_id"]
    if request[STAFF].role is not Role.ADMIN:
        request[STAFF].must_act_at(office_id)
    detail = await request.app[DIRECTORY].detail(office_id)
    first, last = _days(request)
    after = codes.parse(request.query["after"]) if request.query.get("after") else None
    format_ = _format(request)
    pieces = pages(request.app[DATABASE], Wanted(office_id, first, last, detail.calendar.timezone, after), format_)
    try:
        piece = await anext(pieces, b"")  # so that what is wrong is said before the answer has begun
    except UnknownPlace as error:
        raise BadRequest("a field is wrong", [FieldError("after", str(error))]) from None
    return await _stream(request, piece, pieces, f"{office_id}-{first}-{last}.{format_}", _TYPES[format_])


async def _stream(
    request: web.Request, piece: bytes, pieces: AsyncIterator[bytes], name: str, kind: str
) -> web.StreamResponse:
    headers = {
        hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(request)
        await _write(response, piece)
        async for following in pieces:
            await _write(response, following)
    except (ConnectionResetError, TimeoutError, DatabaseUnavailable):
        # The answer has begun: only a connection that breaks off still says that this is not all.
        if request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(SLOWEST_READER):
        await response.write(piece)


def _days(request: web.Request) -> tuple[date, date]:
    first, last = _day(request, "from"), _day(request, "to")
    if last < first:
        raise BadRequest("a field is wrong", [FieldError("to", "lies before from")])
    if last - first >= LONGEST:
        raise BadRequest("a field is wrong", [FieldError("to", f"more than {LONGEST.days} days after from")])
    return first, last


def _day(request: web.Request, name: str) -> date:
    try:
        day = date.fromisoformat(request.query.get(name, ""))
    except ValueError:
        raise BadRequest("a field is wrong", [FieldError(name, "not a day like 2026-09-21")]) from None
    if not 1900 <= day.year < 2200:
        raise BadRequest("a field is wrong", [FieldError(name, "outside the years 1900 to 2199")])
    return day


def _format(request: web.Request) -> Format:
    format_ = request.query.get("format", "csv")
    if format_ not in _TYPES:
        raise BadRequest("a field is wrong", [FieldError("format", "csv or jsonl")])
    return cast(Format, format_)
