"""The directory of offices as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
from aiohttp import web

from kit.edge import json_bytes
from kit.problems import BadRequest, FieldError
from office.directory import Directory
from office.model import Agency, Office, OfficeDetail, Procedure

DIRECTORY: web.AppKey[Directory] = web.AppKey("directory", Directory)
OFFICE_ID = "{office_id:[a-z0-9][a-z0-9-]{0,39}}"
LONGEST_QUERY = 100
_CACHED = {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/api/v1/offices", list_offices),
        web.get(f"/api/v1/offices/{OFFICE_ID}", show_office),
        web.get(f"/api/v1/offices/{OFFICE_ID}/procedures", list_procedures),
    ]


async def list_offices(request: web.Request) -> web.Response:
    """GET /api/v1/offices: every office, those of the past with what replaced them."""
    offices = await request.app[DIRECTORY].offices()
    return json_bytes(orjson.dumps({"offices": [office_json(office) for office in offices.values()]}), headers=_CACHED)


async def show_office(request: web.Request) -> web.Response:
    """GET /api/v1/offices/{office_id}: one office with hours, services and procedures."""
    detail = await request.app[DIRECTORY].detail(request.match_info["office_id"])
    return json_bytes(orjson.dumps(detail_json(detail, datetime.now(UTC))), headers=_CACHED)


async def list_procedures(request: web.Request) -> web.Response:
    """GET /api/v1/offices/{office_id}/procedures?q=…: what it decides or takes in; with ``q`` what has its words."""
    directory = request.app[DIRECTORY]
    detail = await directory.detail(request.match_info["office_id"])
    found = detail.find_procedures(typed_query(request))
    agencies = await directory.deciding(found)
    listed = [procedure_json(one, agencies.get(one.agency or "")) for one in found]
    return json_bytes(orjson.dumps({"office": detail.office.id, "procedures": listed}), headers=_CACHED)


def typed_query(request: web.Request) -> str:
    """The words looked for, ``?q=``. Raises BadRequest if there is more than anyone types."""
    typed = request.query.get("q", "").strip()
    if len(typed) > LONGEST_QUERY or not typed.isprintable():
        reason = f"expected at most {LONGEST_QUERY} printable characters"
        raise BadRequest("what is looked for is malformed", [FieldError("q", reason)])
    return typed


def procedure_json(procedure: Procedure, agency: Agency | None) -> dict[str, object]:
    """What the public notice says of a procedure; ``fee`` in đồng."""
    return {
        "code": procedure.code,
        "name": procedure.name,
        "name_en": procedure.name_en,
        "field": procedure.field,
        "field_en": procedure.field_en,
        "time_limit": procedure.time_limit,
        "fee": procedure.fee,
        "papers": [
            {"name": paper.name, "name_en": paper.name_en, "original": paper.original} for paper in procedure.papers
        ],
        "four_steps": procedure.four_steps,
        "agency": {"code": agency.code, "name": agency.name} if agency else None,
    }


def office_json(office: Office) -> dict[str, object]:
    """The public facts of an office."""
    return {
        "id": office.id,
        "name": office.name,
        "name_en": office.name_en,
        "kind": office.kind,
        "parent": office.parent,
        "address": office.address,
        "agencies": list(office.agencies),
        "valid_from": office.valid_from.isoformat(),
        "valid_to": office.valid_to.isoformat() if office.valid_to else None,
        "replaced_by": list(office.replaced_by),
    }


def detail_json(detail: OfficeDetail, now: datetime) -> Mapping[str, object]:
    """An office with its hours, services and procedures, and whether it takes tickets at ``now``."""
    return office_json(detail.office) | {
        "takes_tickets": detail.takes_tickets(now),
        "calendar": detail.calendar.to_mapping(),
        "services": [
            {
                "id": service.id,
                "name": service.name,
                "name_en": service.name_en,
                "prefix": service.prefix,
                "procedures": list(service.procedures),
            }
            for service in detail.services.values()
        ],
        "counters": [
            {"id": counter.id, "name": counter.name, "services": list(counter.skills)}
            for counter in detail.counters.values()
        ],
        "procedures": [
            {
                "code": procedure.code,
                "name": procedure.name,
                "name_en": procedure.name_en,
                "field": procedure.field,
                "field_en": procedure.field_en,
                "time_limit": procedure.time_limit,
            }
            for procedure in detail.procedures
        ],
    }
