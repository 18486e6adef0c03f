"""A dossier looked up at a kiosk: the level 0 answer on its big screen, which goes back to the start by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
from aiohttp import web

from kit.appkeys import PAGES
from office.api import DIRECTORY, OFFICE_ID
from tracking import codes
from tracking.api import UnknownDossier, read, read_group

BACK_AFTER = 20
"""Seconds that the answer stays without a touch."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get(f"/kiosk/{OFFICE_ID}/dossier", look_up)]


async def look_up(request: web.Request) -> web.Response:
    """GET /kiosk/{office_id}/dossier?code=…: what was scanned or typed; a group's code gives each of its dossiers."""
    detail = await request.app[DIRECTORY].detail(request.match_info["office_id"])
    wrong, dossiers = False, list[dict[str, Any]]()
    try:
        dossiers = await _found(request.app, codes.parse(request.query.get("code", "")))
    except codes.MalformedCode:
        wrong = True
    return request.app[PAGES].render(
        request,
        "tracking/kiosk_dossier.html",
        status=400 if wrong else 200 if dossiers else 404,
        office=detail.office,
        back=BACK_AFTER,
        wrong=wrong,
        dossiers=dossiers,
    )


async def _found(app: web.Application, code: codes.Code) -> list[dict[str, Any]]:
    """The level 0 answers, none for a code that is unknown or may not be shown."""
    try:
        found: list[dict[str, Any]] = [orjson.loads((await read(app, code)).body)]
    except UnknownDossier:
        group = await read_group(app, code)
        found = orjson.loads(group.body)["parts"] if group is not None else []
    for one in found:
        one["appointment_on"] = date.fromisoformat(one["appointment_on"]) if one["appointment_on"] else None
    return found
