"""Signing in and out, as JSON."""

from __future__ import annotations

from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field

from kit.appkeys import SESSIONS
from kit.body import Body, read_json
from kit.edge import json_bytes
from kit.sessions import LONGEST_PASSWORD, drop_cookie, set_cookie, token_of


class SignIn(Body):
    """The body of POST /api/v1/session."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD)]


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.post("/api/v1/session", sign_in), web.delete("/api/v1/session", sign_out)]


async def sign_in(request: web.Request) -> web.Response:
    """POST /api/v1/session: opens a session and sets its cookie."""
    body = await read_json(request, SignIn)
    token, staff = await request.app[SESSIONS].open(body.name, body.password)
    shown = {"name": staff.name, "role": staff.role.value, "office": staff.office}
    response = json_bytes(orjson.dumps(shown), headers={"Cache-Control": "no-store"})
    set_cookie(response, token)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """DELETE /api/v1/session: ends it everywhere at once."""
    token = token_of(request)
    if token is not None:
        await request.app[SESSIONS].close(token)
    response = web.Response(status=204)
    drop_cookie(response)
    return response
