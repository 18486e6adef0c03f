"""The page of an interlinked group: one code for the family, every part with where it stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import orjson
from aiohttp import hdrs, web

from kit.appkeys import PAGES
from kit.edge import etag_matches
from kit.pages import language_of
from tracking import codes
from tracking.api import CACHE_CONTROL, UnknownDossier, read_group


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get("/g/{code}", show)]


async def show(request: web.Request) -> web.Response:
    """GET /g/{code}: every dossier of the group at level 0."""
    snapshot = await read_group(request.app, codes.parse(request.match_info["code"]))
    if snapshot is None:
        raise UnknownDossier
    etag = f'{snapshot.etag[:-1]}-{language_of(request)}"'
    headers = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: CACHE_CONTROL}
    if etag_matches(request, etag):
        return web.Response(status=304, headers=headers)
    group = orjson.loads(snapshot.body)
    group["parts"] = [readable(part) for part in group["parts"]]
    response = request.app[PAGES].render(request, "tracking/group.html", group=group)
    response.headers.update(headers)
    return response


def readable(answer: dict[str, Any]) -> dict[str, Any]:
    """A level 0 answer with dates and times as templates want them."""
    for name in ("received_on", "appointment_on"):
        answer[name] = date.fromisoformat(answer[name]) if answer[name] else None
    answer["as_of"] = datetime.fromisoformat(answer["as_of"])
    return answer
