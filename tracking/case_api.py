"""Dossiers for those who work on them, as JSON: intake, every action, the case itself."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal

import orjson
from aiohttp import hdrs, web
from pydantic import Field, StringConstraints

from kit.appkeys import DATABASE
from kit.body import Body, check, read_json
from kit.edge import REQUEST_ID, STAFF, json_bytes
from kit.idempotency import idempotency_key
from kit.problems import BadRequest
from office.api import DIRECTORY
from tracking import codes
from tracking.actions import Actions, By, Known
from tracking.api import UnknownDossier
from tracking.case import Applicant, Case, Paper
from tracking.cases import must_work_on, read_case
from tracking.intake import Intake
from tracking.registration import Delivery, Handed, Taken
from tracking.workflow import Action, Wish, allowed

ACTIONS: web.AppKey[Actions] = web.AppKey("actions", Actions)
INTAKE: web.AppKey[Intake] = web.AppKey("intake", Intake)

DONE_AT_THE_DESK = "|".join(action.value for action in Action if action is not Action.REGISTER)
MOST_MONEY = 10**12
_IF_MATCH = re.compile(r'(?:W/)?"(\d{1,15})"')


def _text(longest: int) -> object:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


Line = Annotated[str, _text(300)]
Text = Annotated[str, _text(2000)]
Slug = Annotated[str, _text(40)]
Ticket = Annotated[str, Field(pattern=r"^[a-z0-9]{2,6}\.[0-9a-z]{1,8}\.[\w-]{16,40}$")]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 .]{6,18}$")]
Email = Annotated[str, Field(pattern=r"^[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,190}\.[^@\s<>,;\".]{2,24}$")]


class ApplicantBody(Body):
    """Who hands in."""

    name: Line
    id_number: Annotated[str, Field(pattern=r"^[0-9A-Z]{6,15}$")] | None = None
    phone: Phone | None = None
    email: Email | None = None
    address: Line | None = None
    channels: Annotated[list[Literal["email", "sms", "phone"]], Field(default_factory=list, max_length=3)]
    language: Literal["vi", "en"] = "vi"


class PaperBody(Body):
    """One paper taken in."""

    name: Line
    original: bool = False


class PostBody(Body):
    """Where the result is posted to."""

    recipient: Line
    address: Line
    phone: Phone | None = None


class IntakeBody(Body):
    """Body of POST /api/v1/dossiers: ``procedure`` or ``group``; with ``missing`` a notice comes instead of a code."""

    applicant: ApplicantBody
    procedure: Slug | None = None
    group: Slug | None = None
    channel: Literal["counter", "online", "post"] = "counter"
    agency: Slug | None = None
    papers: Annotated[list[PaperBody], Field(default_factory=list, max_length=50)]
    missing: Annotated[list[Line], Field(default_factory=list, max_length=50)]
    reason: Text | None = None
    guidance: Text | None = None
    notice: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    ticket: Ticket | None = None
    fee_paid: bool = False
    post: PostBody | None = None

    def handed(self) -> Handed:
        """The same as the domain has it."""
        who = self.applicant
        return Handed(
            applicant=Applicant(**{**who.model_dump(), "channels": tuple(dict.fromkeys(who.channels))}),
            papers=tuple(Paper(paper.name, paper.original) for paper in self.papers),
            missing=tuple(self.missing),
            post=Delivery(**self.post.model_dump()) if self.post else None,
            **self.model_dump(exclude={"applicant", "papers", "missing", "post"}),
        )


class ActionBody(Body):
    """Body of an action; what an action needs beside its name stands in ``tracking.workflow.NEEDS``."""

    reason: Text | None = None
    missing: Annotated[list[Line], Field(default_factory=list, max_length=50)]
    guidance: Text | None = None
    appointment_on: Annotated[date, Field(strict=False, ge=date(2000, 1, 1), lt=date(2100, 1, 1))] | None = None
    amount: Annotated[int, Field(ge=1, le=MOST_MONEY)] | None = None
    purpose: Line | None = None
    method: Literal["cash", "transfer"] = "cash"
    reference: Annotated[str, _text(100)] | None = None
    originals_returned: bool = False
    online: bool = False

    def wish(self) -> Wish:
        """The same as the domain has it."""
        return Wish(**{**self.model_dump(), "missing": tuple(self.missing)})


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.post("/api/v1/dossiers", register),
        web.post(f"/api/v1/dossiers/{{code}}/{{action:{DONE_AT_THE_DESK}}}", act),
        web.get("/api/v1/dossiers/{code}/case", show_case),
    ]


async def register(request: web.Request) -> web.Response:
    """POST /api/v1/dossiers: 201 with the code (of the dossier or the group), or with the number of the notice."""
    body = await read_json(request, IntakeBody)
    staff = request[STAFF]
    now = datetime.now((await request.app[DIRECTORY].detail(staff.office)).calendar.timezone)
    taken = await request.app[INTAKE].take(body.handed(), staff, by(request), idempotency_key(request), now)
    return json_bytes(orjson.dumps(taken_answer(taken, now)), status=201)


async def act(request: web.Request) -> web.Response:
    """POST /api/v1/dossiers/{code}/{action}: 200 with the case afterwards."""
    code, action = codes.parse(request.match_info["code"]), Action(request.match_info["action"])
    body = await read_json(request, ActionBody) if request.can_read_body else check(ActionBody, {})
    known = Known(seen_version(request), idempotency_key(request))
    now = await moment(request)
    case = await request.app[ACTIONS].act(code, action, body.wish(), by(request), known, now)
    return _case_response(case, now)


async def show_case(request: web.Request) -> web.Response:
    """GET /api/v1/dossiers/{code}/case: the dossier as staff see it, with what may be done next."""
    async with request.app[DATABASE].connection() as connection:
        case = await read_case(connection, codes.parse(request.match_info["code"]))
    if case is None:
        raise UnknownDossier
    staff = request[STAFF]
    must_work_on(staff, case, (await request.app[DIRECTORY].offices())[staff.office])
    return _case_response(case, await moment(request))


def _case_response(case: Case, now: datetime) -> web.Response:
    headers = {"ETag": f'"{case.version}"', "Cache-Control": "no-store"}
    return json_bytes(orjson.dumps(case_answer(case, now)), headers=headers)


def taken_answer(taken: Taken, now: datetime) -> dict[str, object]:
    """What the clerk gets after an intake."""
    return {
        "code": taken.code.text if taken.code else None,
        "notice": taken.notice,
        "dossiers": [case_answer(case, now) for case in taken.cases],
    }


def case_answer(case: Case, now: datetime) -> dict[str, object]:
    """The case as JSON: nothing about the applicant."""

    def time(at: datetime | None) -> str | None:
        return at.astimezone(now.tzinfo).isoformat(timespec="seconds") if at else None

    return {
        "code": case.code,
        "procedure": {"code": case.procedure.code, "name": case.procedure.name},
        "receiving_office": {"id": case.receiving_office.code, "name": case.receiving_office.name},
        "competent_agency": {"code": case.competent_agency.code, "name": case.competent_agency.name},
        "channel": case.channel,
        "status": int(case.status),
        "status_name": case.status.name.lower(),
        "received_at": time(case.received_at),
        "handed_over_at": time(case.handed_over_at),
        "time_limit": str(case.limit) if case.limit else None,
        "due_at": time(case.due_at),
        "appointment_on": case.appointment_on.isoformat() if case.appointment_on else None,
        "appointment_changes": case.appointment_changes,
        "finished_at": time(case.finished_at),
        "returned_at": time(case.returned_at),
        "outcome": case.outcome,
        "late": case.is_late(now),
        "supplements": case.supplements,
        "extensions": case.extensions,
        "originals_held": case.originals_held,
        "amount_due": case.amount_due,
        "case_group": case.case_group,
        "version": case.version,
        "allowed": [action.value for action in allowed(case)],
    }


def by(request: web.Request) -> By:
    """Who acts, for the event and the audit."""
    return By(request[STAFF], request[REQUEST_ID])


async def moment(request: web.Request) -> datetime:
    """Now, on the clock of the clerk's office."""
    detail = await request.app[DIRECTORY].detail(request[STAFF].office)
    return datetime.now(detail.calendar.timezone)


def seen_version(request: web.Request) -> int | None:
    """The version in ``If-Match``; None without one or with ``*``. Raises BadRequest for what is no version."""
    header = request.headers.get(hdrs.IF_MATCH, "*").strip()
    if header == "*":
        return None
    found = _IF_MATCH.fullmatch(header)
    if found is None:
        raise BadRequest('If-Match: expected the version in quotes, as in "3"')
    return int(found[1])
