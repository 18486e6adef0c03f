"""Dossiers and groups of them as JSON: the level 0 answers."""

from __future__ import annotations

from aiohttp import web

from kit.appkeys import CACHE
from kit.cache import Topic
from kit.edge import conditional
from kit.snapshot import Snapshot
from tracking import codes

DOSSIERS: web.AppKey[Topic] = web.AppKey("dossiers", Topic)
GROUPS: web.AppKey[Topic] = web.AppKey("groups", Topic)

# Shared caches may hold the public answer for a second, so a rush on one code stays away from us.
CACHE_CONTROL = "public, max-age=1"


class UnknownDossier(LookupError):
    """There is no such dossier, or it may not be shown: the same to whoever asks."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get("/api/v1/dossiers/{code}", show_dossier), web.get("/api/v1/groups/{code}", show_group)]


async def show_dossier(request: web.Request) -> web.Response:
    """GET /api/v1/dossiers/{code}: level 0."""
    snapshot = await read(request.app, codes.parse(request.match_info["code"]))
    return conditional(request, snapshot.body, snapshot.etag, CACHE_CONTROL)


async def read(app: web.Application, code: codes.Code) -> Snapshot:
    """The current level 0 snapshot. Raises UnknownDossier."""
    snapshot = await app[CACHE].read(app[DOSSIERS], code.text)
    if snapshot is None:
        raise UnknownDossier
    return snapshot


async def show_group(request: web.Request) -> web.Response:
    """GET /api/v1/groups/{code}: the level 0 answers of every dossier of an interlinked group."""
    snapshot = await read_group(request.app, codes.parse(request.match_info["code"]))
    if snapshot is None:
        raise UnknownDossier
    return conditional(request, snapshot.body, snapshot.etag, CACHE_CONTROL)


async def read_group(app: web.Application, code: codes.Code) -> Snapshot | None:
    """The current answer about a whole group; None if the code is no group's."""
    return await app[CACHE].read(app[GROUPS], code.text)
