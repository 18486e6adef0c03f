"""The OpenAPI description of the public API, built from the routes' own models; a test holds it to the service."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel

from kit.edge import json_bytes
from kit.session_api import SignIn
from tickets.api import OpenBody, TicketBody
from tickets.ticket import State
from tracking.exchange.state import Push
from tracking.receipts.api import FeedbackBody, PaymentBody, RatingBody
from tracking.status import Status

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
DATE: Schema = {"type": "string", "format": "date"}
TIME: Schema = {"type": "string", "format": "date-time"}


def maybe(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(**fields: Schema) -> Schema:
    """An object with exactly these fields."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def many(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def ref(name: str) -> Schema:
    """One of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


WAIT = maybe(record(p50=WHOLE, p90=WHOLE))
OFFICE: dict[str, Schema] = {
    "id": TEXT,
    "name": TEXT,
    "name_en": TEXT,
    "kind": TEXT,
    "parent": maybe(TEXT),
    "address": maybe(TEXT),
    "agencies": many(TEXT),
    "valid_from": DATE,
    "valid_to": maybe(DATE),
    "replaced_by": many(TEXT),
}
SCORE: Schema = {"type": "integer", "minimum": 1, "maximum": 5}
FEEDBACK = record(
    id=WHOLE,
    kind={"type": "string", "enum": ["feedback", "petition"]},
    at=TIME,
    due_at=TIME,
    answer=maybe(TEXT),
    answered_at=maybe(TIME),
)
DOSSIER: dict[str, Schema] = {
    "code": TEXT,
    "procedure": record(code=TEXT, name=TEXT),
    "receiving_office": record(id=TEXT, name=TEXT),
    "competent_agency": record(code=TEXT, name=TEXT),
    "status": {"type": "integer", "enum": [status.value for status in Status]},
    "status_name": {"type": "string", "enum": [status.name.lower() for status in Status]},
    "status_label": TEXT,
    "received_on": DATE,
    "appointment_on": maybe(DATE),
    "appointment_changes": WHOLE,
    "late": FLAG,
    "action_needed": maybe({"type": "string", "enum": ["supplement", "payment", "collect_result"]}),
    "version": WHOLE,
    "as_of": TIME,
}
SCHEMAS: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "instance": TEXT,
            "errors": many(record(field=TEXT, reason=TEXT)),
        },
        "required": ["type", "title", "status"],
        "additionalProperties": False,
    },
    "Dossier": record(**DOSSIER),
    "Receipt": record(
        **DOSSIER,
        timeline=many(
            record(
                at=TIME,
                action=TEXT,
                label=TEXT,
                label_en=TEXT,
                reason=maybe(TEXT),
                status=WHOLE,
                details={"type": "object"},
            )
        ),
        next=maybe(
            record(
                kind=TEXT,
                who={"type": "string", "enum": ["you", "office", "agency"]},
                label=TEXT,
                label_en=TEXT,
                by=maybe(DATE),
            )
        ),
        fees=record(
            due=WHOLE,
            paid=many(record(amount=WHOLE, purpose=TEXT, paid_on=DATE, method=TEXT)),
            vietqr=maybe(TEXT),
        ),
        reasons=many(record(at=TIME, action=TEXT, reason=TEXT)),
        contact=maybe(record(email=maybe(TEXT), phone=maybe(TEXT), channels=many(TEXT), language=TEXT)),
        post=maybe(record(tracking_number=TEXT)),
        originals_held=many(TEXT),
        feedback=many(FEEDBACK),
        rated=FLAG,
        rating_questions=many(TEXT),
    ),
    "Ticket": record(
        token=TEXT,
        number=TEXT,
        office=TEXT,
        service=TEXT,
        state={"type": "string", "enum": [state.value for state in State]},
        ahead=maybe(WHOLE),
        wait_minutes=WAIT,
        counter=maybe(TEXT),
        issued_at=TIME,
        version=WHOLE,
        as_of=TIME,
        status_url=TEXT,
    ),
    "Queues": record(
        office=TEXT,
        version=WHOLE,
        as_of=TIME,
        queues=many(
            record(
                service=TEXT,
                name=TEXT,
                waiting=WHOLE,
                now_serving=many(record(number=TEXT, counter=maybe(TEXT))),
                counters_open=WHOLE,
                wait_minutes=WAIT,
            )
        ),
    ),
    "Offices": record(offices=many(record(**OFFICE))),
    "Office": record(
        **OFFICE,
        takes_tickets=FLAG,
        calendar={"type": "object"},
        services=many(record(id=TEXT, name=TEXT, name_en=TEXT, prefix=TEXT, procedures=many(TEXT))),
        counters=many(record(id=TEXT, name=TEXT, services=many(TEXT))),
        procedures=many(record(code=TEXT, name=TEXT, name_en=TEXT, field=TEXT, field_en=TEXT, time_limit=maybe(TEXT))),
    ),
    "Procedures": record(
        office=TEXT,
        procedures=many(
            record(
                code=TEXT,
                name=TEXT,
                name_en=TEXT,
                field=TEXT,
                field_en=TEXT,
                time_limit=maybe(TEXT),
                fee=WHOLE,
                papers=many(record(name=TEXT, name_en=TEXT, original=FLAG)),
                four_steps=FLAG,
                agency=maybe(record(code=TEXT, name=TEXT)),
            )
        ),
    ),
    "Rated": record(score=SCORE, at=TIME),
    "Feedback": FEEDBACK,
    "Paid": record(reference=TEXT, code=TEXT, amount=WHOLE, recorded_at=TIME),
    "Pushed": record(code=TEXT, version=WHOLE, changed=FLAG),
    "Session": record(name=TEXT, role=TEXT, office=TEXT),
    "CounterState": record(counter=TEXT, open=FLAG, services=many(TEXT)),
}


def operation(  # noqa: PLR0913 - each keyword is a part of an operation, and most have none
    summary: str,
    answers: Mapping[int, str | None],
    problems: tuple[int, ...] = (),
    *,
    body: type[BaseModel] | None = None,
    body_required: bool = True,
    parameters: tuple[Schema, ...] = (),
    staff: bool = False,
    stream: bool = False,
) -> Schema:
    """One operation: its good ``answers`` (status → schema name, None = no body) and the ``problems`` it may have."""
    kind = "text/event-stream" if stream else "application/json"
    responses: Schema = {}
    for status, name in answers.items():
        content = {} if name is None else {"content": {kind: {"schema": TEXT if stream else ref(name)}}}
        responses[str(status)] = {"description": summary, **content}
    expected = {*problems, 503, *((401, 403) if staff else ()), *((400, 403, 413) if body else ())}
    for status in sorted(expected):
        schema = {"application/problem+json": {"schema": ref("Problem")}}
        responses[str(status)] = {"description": "problem details", "content": schema}
    described: Schema = {"summary": summary, "responses": responses}
    if parameters:
        described["parameters"] = list(parameters)
    if body is not None:
        content = {"application/json": {"schema": _schema_of(body)}}
        described["requestBody"] = {"required": body_required, "content": content}
    if staff:
        described["security"] = [{"cookie": []}, {"bearer": []}]
    return described


def _schema_of(body: type[BaseModel]) -> Schema:
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    SCHEMAS.update(schema.pop("$defs", {}))
    return schema


def header(name: str, description: str) -> Schema:
    """An optional request header."""
    return {"name": name, "in": "header", "required": False, "schema": TEXT, "description": description}


KEY = header("Idempotency-Key", "8 to 200 printable ASCII characters; repeats with it change nothing")
KNOWN = header("If-None-Match", "the ETag of an earlier answer")
SIGNED_AT = header("X-Motcua-Timestamp", "Unix seconds, at most 300 from now")
SIGNATURE = header("X-Motcua-Signature", "sha256= and the HMAC-SHA256 of timestamp.body in hexadecimal")
RESUME = header("Last-Event-ID", "the id of the last event received")
WORDS: Schema = {
    "name": "q",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "maxLength": 100},
    "description": "words that all stand in code, name or field, whatever their accents and case",
}
FROM: Schema = {"name": "from", "in": "query", "required": True, "schema": DATE, "description": "first day of receipt"}
TO: Schema = {"name": "to", "in": "query", "required": True, "schema": DATE, "description": "last day, within a year"}
FORMAT: Schema = {
    "name": "format",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["csv", "jsonl"], "default": "csv"},
    "description": "csv begins with a header unless it goes on",
}
AFTER: Schema = {
    "name": "after",
    "in": "query",
    "required": False,
    "schema": TEXT,
    "description": "the last code that arrived, to go on where a connection broke off",
}
STATUS_READ: Mapping[int, str | None] = {304: None}

PATHS: dict[str, dict[str, Schema]] = {
    "/api/v1/openapi.json": {"get": operation("this description", {200: None})},
    "/api/v1/dossiers/{code}": {
        "get": operation("where a dossier stands", {200: "Dossier", **STATUS_READ}, (400, 404), parameters=(KNOWN,)),
        "put": operation(
            "push the state of a dossier, idempotent by version",
            {200: "Pushed", 201: "Pushed"},
            (409,),
            body=Push,
            staff=True,
        ),
    },
    "/api/v1/offices": {"get": operation("the directory of offices", {200: "Offices"})},
    "/api/v1/offices/{office_id}": {"get": operation("one office", {200: "Office"}, (404,))},
    "/api/v1/offices/{office_id}/procedures": {
        "get": operation("its procedures", {200: "Procedures"}, (400, 404), parameters=(WORDS,))
    },
    "/api/v1/offices/{office_id}/dossiers": {
        "get": operation(
            "the dossiers an office received, as a file: CSV, or JSON lines with their steps",
            {200: None},
            (400, 404),
            parameters=(FROM, TO, FORMAT, AFTER),
            staff=True,
        )
    },
    "/api/v1/offices/{office_id}/queues": {
        "get": operation("the lines of an office", {200: "Queues", **STATUS_READ}, (404,), parameters=(KNOWN,))
    },
    "/api/v1/offices/{office_id}/live": {
        "get": operation("the lines, live", {200: "Queues"}, (404,), parameters=(RESUME,), stream=True)
    },
    "/api/v1/offices/{office_id}/tickets": {
        "post": operation("take a number", {201: "Ticket"}, (404, 409, 422), body=TicketBody, parameters=(KEY,))
    },
    "/api/v1/tickets/{token}": {
        "get": operation("where a ticket stands", {200: "Ticket", **STATUS_READ}, (404,), parameters=(KNOWN,)),
        "delete": operation("leave the line", {200: "Ticket"}, (403, 404, 409)),
    },
    "/api/v1/tickets/{token}/live": {
        "get": operation("a ticket, live", {200: "Ticket"}, (404,), parameters=(RESUME,), stream=True)
    },
    "/api/v1/receipts/{lookup_token}": {
        "get": operation("all that a receipt opens (level 1)", {200: "Receipt"}, (404,))
    },
    "/api/v1/receipts/{lookup_token}/rating": {
        "post": operation("rate, once", {201: "Rated"}, (404, 409), body=RatingBody)
    },
    "/api/v1/receipts/{lookup_token}/feedback": {
        "post": operation(
            "give feedback or send a petition",
            {201: "Feedback"},
            (404, 409, 422),
            body=FeedbackBody,
            parameters=(KEY,),
        )
    },
    "/api/v1/payments": {
        "post": operation(
            "a transfer has arrived; once per reference",
            {200: "Paid"},
            (404, 409, 422),
            body=PaymentBody,
            parameters=(SIGNED_AT, SIGNATURE),
        )
    },
    "/api/v1/session": {
        "post": operation("sign in", {200: "Session"}, (401,), body=SignIn),
        "delete": operation("sign out", {204: None}, (403,)),
    },
    "/api/v1/counters/{counter_id}/open": {
        "post": operation(
            "open a counter", {200: "CounterState"}, (404, 422), body=OpenBody, body_required=False, staff=True
        )
    },
    "/api/v1/counters/{counter_id}/close": {
        "post": operation("close a counter", {200: "CounterState"}, (404,), staff=True)
    },
    "/api/v1/counters/{counter_id}/call-next": {
        "post": operation(
            "call the next number", {200: "Ticket", 204: None}, (400, 404, 409), parameters=(KEY,), staff=True
        )
    },
    "/api/v1/tickets/{token}/{move}": {"post": operation("move a ticket on", {200: "Ticket"}, (404, 409), staff=True)},
}
PATH_PARAMETERS: dict[str, Schema] = {
    "code": TEXT,
    "office_id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "counter_id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "token": TEXT,
    "lookup_token": TEXT,
    "move": {"type": "string", "enum": ["recall", "start", "finish", "no-show"]},
}


@cache
def document() -> bytes:
    """The whole description as JSON."""
    paths: Schema = {}
    for path, operations in PATHS.items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        shared = [{"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]} for name in names]
        paths[path] = {**operations, **({"parameters": shared} if shared else {})}
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "motcua",
                "version": metadata.version("motcua"),
                "summary": "Queue tickets and dossier tracking for one-stop public offices",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": paths,
            "components": {
                "schemas": SCHEMAS,
                "securitySchemes": {
                    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-motcua"},
                    "bearer": {"type": "http", "scheme": "bearer"},
                },
            },
        }
    )


async def show(_: web.Request) -> web.Response:
    """GET /api/v1/openapi.json."""
    headers = {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
    return json_bytes(document(), headers=headers)
