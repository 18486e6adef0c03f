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
from tracking.case_api import DONE_AT_THE_DESK, ActionBody, IntakeBody
from tracking.exchange.state import Push
from tracking.notices.webhook_api import LARGEST, MOST_EVENTS, ReplayBody, WebhookBody
from tracking.receipts.api import FeedbackBody, PaymentBody, RatingBody
from tracking.reports.report import TABLES
from tracking.status import Status
from tracking.workflow import Action

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
FIGURE = record(value=maybe({"type": "number"}), n=WHOLE, definition_vi=TEXT, definition_en=TEXT)
FIGURES: Schema = {"type": "object", "additionalProperties": FIGURE}
BRIEF: Schema = {"type": "object", "additionalProperties": record(value=maybe({"type": "number"}), n=WHOLE)}
DEFINITIONS: Schema = {"type": "object", "additionalProperties": record(vi=TEXT, en=TEXT)}
LINES = many(
    {
        "type": "object",
        "properties": {"key": TEXT, "name": TEXT, "name_en": TEXT, "figures": BRIEF, "figures_766": BRIEF},
        "required": ["key", "name", "name_en", "figures"],
        "additionalProperties": False,
    }
)
REPORT: dict[str, Schema] = {
    "office": record(id=TEXT, name=TEXT, name_en=TEXT),
    "below": FLAG,
    "period": TEXT,
    "reading": {"type": "string", "enum": ["law", "766", "both"]},
    "as_of": TIME,
    "four_steps_target_percent": WHOLE,
    "figures": FIGURES,
    "definitions": DEFINITIONS,
    **{f"by_{table}": LINES for table in TABLES},
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
WEBHOOK: dict[str, Schema] = {"id": WHOLE, "url": TEXT, "office": maybe(TEXT), "made_at": TIME}
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
CASE: dict[str, Schema] = {
    "code": TEXT,
    "procedure": record(code=TEXT, name=TEXT),
    "receiving_office": record(id=TEXT, name=TEXT),
    "competent_agency": record(code=TEXT, name=TEXT),
    "channel": {"type": "string", "enum": ["counter", "online", "post"]},
    "status": {"type": "integer", "enum": [status.value for status in Status]},
    "status_name": {"type": "string", "enum": [status.name.lower() for status in Status]},
    "received_at": TIME,
    "handed_over_at": maybe(TIME),
    "time_limit": maybe(TEXT),
    "due_at": maybe(TIME),
    "appointment_on": maybe(DATE),
    "appointment_changes": WHOLE,
    "finished_at": maybe(TIME),
    "returned_at": maybe(TIME),
    "outcome": maybe({"type": "string", "enum": ["granted", "refused"]}),
    "late": FLAG,
    "supplements": WHOLE,
    "extensions": WHOLE,
    "originals_held": FLAG,
    "amount_due": WHOLE,
    "case_group": maybe(TEXT),
    "version": WHOLE,
    "allowed": many({"type": "string", "enum": [action.value for action in Action]}),
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
    "Case": record(**CASE),
    "Taken": record(code=maybe(TEXT), notice=maybe(WHOLE), dossiers=many(record(**CASE))),
    "Group": record(
        code=TEXT, kind=record(id=TEXT, name=TEXT, name_en=TEXT), version=WHOLE, parts=many(record(**DOSSIER))
    ),
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
    "Report": {
        "type": "object",
        "properties": {**REPORT, "figures_766": FIGURES, "definitions_766": DEFINITIONS},
        "required": list(REPORT),
        "additionalProperties": False,
    },
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
    "Events": record(
        events=many(
            record(
                event=WHOLE,
                at=TIME,
                code=TEXT,
                office=TEXT,
                agency=TEXT,
                procedure=TEXT,
                status={"type": "integer", "enum": [status.value for status in Status]},
                status_name={"type": "string", "enum": [status.name.lower() for status in Status]},
                version=WHOLE,
            )
        ),
        next=WHOLE,
    ),
    "Webhooks": record(webhooks=many(record(**WEBHOOK, dead=WHOLE))),
    "NewWebhook": record(**WEBHOOK, secret=TEXT),
    "Replayed": record(queued=WHOLE, next=WHOLE),
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
SEEN = header("If-Match", 'the version that was looked at, as in "3"; another one gives 412')
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
PERIOD: Schema = {
    "name": "period",
    "in": "query",
    "required": True,
    "schema": TEXT,
    "description": "2026-Q3, 2026-07, 2026 or 2025-07..2026-06",
}
READING: Schema = {
    "name": "reading",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["law", "766", "both"]},
    "description": "the one-stop decree's rules (default), the national index 766's, or both side by side",
}
BELOW: Schema = {
    "name": "below",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["0", "1"]},
    "description": "1: with all offices below",
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
AFTER_EVENT: Schema = {
    "name": "after",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 0, "maximum": LARGEST, "default": 0},
    "description": "what the last answer gave as next; 0 begins at the first event",
}
HOW_MANY: Schema = {
    "name": "limit",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_EVENTS, "default": 100},
    "description": "how many events are looked at; those of other offices are left out of the answer",
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
    "/api/v1/dossiers": {
        "post": operation(
            "take a dossier or a group in, or give the notice of what is missing",
            {201: "Taken"},
            (404, 409, 422),
            body=IntakeBody,
            parameters=(KEY,),
            staff=True,
        )
    },
    "/api/v1/dossiers/{code}/case": {
        "get": operation("a dossier as its office sees it", {200: "Case"}, (400, 404), staff=True)
    },
    "/api/v1/dossiers/{code}/{action}": {
        "post": operation(
            "do something with a dossier",
            {200: "Case"},
            (404, 409, 412, 422),
            body=ActionBody,
            body_required=False,
            parameters=(KEY, SEEN),
            staff=True,
        )
    },
    "/api/v1/groups/{code}": {
        "get": operation("an interlinked group", {200: "Group", **STATUS_READ}, (400, 404), parameters=(KNOWN,))
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
    "/api/v1/offices/{office_id}/reports": {
        "get": operation(
            "the report of a month, quarter or year: every figure with its definition",
            {200: "Report"},
            (400, 404),
            parameters=(PERIOD, READING, BELOW),
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
    "/api/v1/events": {
        "get": operation(
            "what happened to dossiers, none skipped: in the order in which transactions began to write, nearly "
            "that of the numbers",
            {200: "Events"},
            (400,),
            parameters=(AFTER_EVENT, HOW_MANY),
            staff=True,
        )
    },
    "/api/v1/webhooks": {
        "get": operation("the webhooks", {200: "Webhooks"}, staff=True),
        "post": operation(
            "a new webhook; its secret is shown only here", {201: "NewWebhook"}, (400,), body=WebhookBody, staff=True
        ),
    },
    "/api/v1/webhooks/{webhook_id}": {
        "delete": operation("the webhook hears nothing more", {204: None}, (404,), staff=True)
    },
    "/api/v1/webhooks/{webhook_id}/replay": {
        "post": operation(
            "send events after a number again; repeat from next until it stays the same",
            {200: "Replayed"},
            (404,),
            body=ReplayBody,
            staff=True,
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
    "webhook_id": TEXT,
    "move": {"type": "string", "enum": ["recall", "start", "finish", "no-show"]},
    "action": {"type": "string", "enum": DONE_AT_THE_DESK.split("|")},
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
