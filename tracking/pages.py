"""Looking a dossier up: the front page and the status page."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import quote

import orjson
from aiohttp import hdrs, web

from kit.appkeys import PAGES
from kit.edge import etag_matches, see_other
from kit.pages import in_language, language_of
from tracking import codes
from tracking.api import CACHE_CONTROL, UnknownDossier, read, read_group


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/", front),
        web.get("/find", find),
        web.get("/d/{code}", show),
        web.get("/robots.txt", robots),
    ]


async def front(request: web.Request) -> web.Response:
    """GET /: one field for a dossier code."""
    return request.app[PAGES].render(request, "tracking/front.html", typed="", wrong=False)


async def find(request: web.Request) -> web.Response:
    """GET /find?code=…: what was typed, pasted or scanned → the status page; what is no code → the field again,
    saying so.
    """
    typed = request.query.get("code", "")
    try:
        code = codes.parse(typed)
    except codes.MalformedCode:
        shown = typed[:100] if typed.isprintable() else ""
        return request.app[PAGES].render(request, "tracking/front.html", status=400, typed=shown, wrong=True)
    return see_other(in_language(language_of(request), f"/d/{quote(code.text)}"))


async def show(request: web.Request) -> web.Response:
    """GET /d/{code}: the level 0 answer as a page; the code of a group leads to the group's."""
    code = codes.parse(request.match_info["code"])
    try:
        snapshot = await read(request.app, code)
    except UnknownDossier:
        if await read_group(request.app, code) is None:
            raise
        return see_other(in_language(language_of(request), f"/g/{quote(code.text)}"))
    etag = f'{snapshot.etag[:-1]}-{language_of(request)}"'
    headers = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: CACHE_CONTROL}
    if etag_matches(request, etag):
        return web.Response(status=304, headers=headers)
    answer = orjson.loads(snapshot.body)
    for name in ("received_on", "appointment_on"):
        answer[name] = date.fromisoformat(answer[name]) if answer[name] else None
    answer["as_of"] = datetime.fromisoformat(answer["as_of"])
    response = request.app[PAGES].render(request, "tracking/dossier.html", dossier=answer)
    response.headers.update(headers)
    return response


async def robots(_: web.Request) -> web.Response:
    """GET /robots.txt: status pages are for those who hold a code, not for search engines; /procedures is for all."""
    closed = ("/d/", "/g/", "/t/", "/r/", "/desk", "/kiosk/", "/office")
    return web.Response(text="User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in closed))
