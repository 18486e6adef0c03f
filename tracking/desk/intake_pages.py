"""Intake at the desk: choose what is handed in, fill in one form; a code and a receipt, or a notice, come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import web
from multidict import MultiDict

from kit.appkeys import DATABASE, PAGES
from kit.edge import STAFF, see_other
from kit.idempotency import KeyReused
from kit.problems import BadRequest
from office.api import DIRECTORY, typed_query
from office.model import Agency, OfficeDetail
from tracking.case_api import INTAKE, by
from tracking.desk.forms import Fault, Faults, fresh_key, key_of, typed_in
from tracking.desk.intake_form import Offered, blank, body_of, offered, offers
from tracking.desk.visit import address, at_office, visit_of
from tracking.intake import UnknownNotice
from tracking.paper import wording
from tracking.registration import Taken
from tracking.rules import RuleBroken
from tracking.store import queries

MOST_OFFERS = 30
FIELD_OF = {"agency": "other_agency"}
"""A field of the API's → the one of the form, where they differ."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the page says about a form that was sent: wrong fields, or the rule that forbids it."""

    status: int = 200
    faults: Faults = field(default_factory=dict)
    rule: RuleBroken | None = None


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [web.get("/desk/dossiers/new", show_intake), web.post("/desk/dossiers/new", register)]


async def show_intake(request: web.Request) -> web.Response:
    """GET /desk/dossiers/new[?procedure=|group=]: the form, or first the choice of what is handed in (``?q=``).

    ``ticket`` and ``number`` name the visit, ``notice`` an earlier notice that the visit answers.
    """
    detail, _ = await at_office(request)
    kinds = await request.app[DIRECTORY].group_kinds()
    asked, earlier = dict(request.query), await _notice(request, request.query.get("notice", ""))
    if earlier and not (asked.get("procedure") or asked.get("group") or "q" in asked or "choose" in asked):
        asked["procedure"] = earlier["procedure"]
    one = offered(detail, kinds, asked)
    if one is None:
        return await _choice(request, detail)
    typed = blank(one, name=earlier["name"], notice=earlier["id"]) if earlier else blank(one)
    typed.extend(visit_of(asked.get("ticket", ""), asked.get("number", "")).query)
    return await _form(request, detail, one, typed, Said())


async def _notice(request: web.Request, number: str) -> dict[str, str]:
    # Empty without a number; one that there is not at this office is an error that names it.
    if not number:
        return {}
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise UnknownNotice(number)
    async with request.app[DATABASE].connection() as connection:
        row = await queries.notice_read.row(connection, id=int(number), office_id=request[STAFF].office)
    if row is None:
        raise UnknownNotice(number)
    return {
        "id": str(row["id"]),
        "procedure": row["procedure_code"],
        "name": row["applicant_name"],
        "missing": "\n".join(row["missing"]),
        "code": row["code"] or "",
    }


async def _choice(request: web.Request, detail: OfficeDetail) -> web.Response:
    words, asked = typed_query(request), request.query
    visit = visit_of(asked.get("ticket", ""), asked.get("number", ""))
    kept = {**visit.query, "notice": asked.get("notice", "")}
    found = offers(detail, await request.app[DIRECTORY].group_kinds(), words)
    addresses = [address(request, "/desk/dossiers/new", **{one.kind: one.code}, **kept) for one in found[:MOST_OFFERS]]
    if words and len(found) == 1:
        return see_other(addresses[0])
    return request.app[PAGES].render(
        request,
        "tracking/desk/choose.html",
        office=detail.office,
        words=words,
        visit=visit,
        notice=kept["notice"],
        count=len(found),
        offers=list(zip(found, addresses, strict=False)),
        wrong=bool(asked.get("procedure") or asked.get("group")),
    )


async def register(request: web.Request) -> web.Response:
    """POST /desk/dossiers/new: 303 to the dossier, or to the notice; with wrong fields the form again (400), with what
    a rule forbids too (409), with a key that was used for something else as well (422). Nothing is kept then.
    """
    typed = await typed_in(request)
    detail, now = await at_office(request)
    one = offered(detail, await request.app[DIRECTORY].group_kinds(), typed)
    if one is None:
        raise BadRequest("the form names no procedure of this office")
    body, faults = body_of(typed, one)
    if body is None:
        return await _form(request, detail, one, typed, Said(400, faults))
    try:
        taken = await request.app[INTAKE].take(body.handed(), request[STAFF], by(request), key_of(typed), now)
    except RuleBroken as rule:
        return await _form(request, detail, one, typed, Said(409, rule=rule))
    except BadRequest as error:
        return await _form(request, detail, one, typed, Said(400, _named(error)))
    except KeyReused:
        typed["key"] = fresh_key()
        return await _form(request, detail, one, typed, Said(422))
    return see_other(_result(request, taken, typed))


def _named(error: BadRequest) -> dict[str, Fault]:
    # Without a field there is nothing to write beside: the page of the problem says it.
    if not error.errors:
        raise error
    return {FIELD_OF.get(wrong.field, wrong.field): "unknown" for wrong in error.errors}


def _result(request: web.Request, taken: Taken, typed: MultiDict[str]) -> str:
    if taken.notice is None:
        return address(request, f"/desk/dossiers/{quote(taken.cases[0].code)}", done="register")
    visit = visit_of(typed.get("ticket", ""), typed.get("number", ""))
    return address(request, "/desk/dossiers", notice=str(taken.notice), **visit.query)


async def _form(
    request: web.Request, detail: OfficeDetail, one: Offered, typed: MultiDict[str], said: Said
) -> web.Response:
    visit = visit_of(typed.get("ticket", ""), typed.get("number", ""))
    return request.app[PAGES].render(
        request,
        "tracking/desk/intake.html",
        status=said.status,
        office=detail.office,
        one=one,
        typed=typed,
        faults=said.faults,
        rule=said.rule,
        used_key=said.status == 422,
        key=key_of(typed),
        visit=visit,
        earlier=await _notice(request, typed.get("notice", "")),
        agencies=await _agencies(request, detail, one),
        other=address(request, "/desk/dossiers/new", **visit.query, notice=typed.get("notice", ""), choose="1"),
        dong=wording.dong,
    )


async def _agencies(request: web.Request, detail: OfficeDetail, one: Offered) -> list[Agency]:
    # Those that decide anything here: a province has thousands.
    if one.agency is None:
        return []
    directory = request.app[DIRECTORY]
    known = await directory.agencies() | await directory.deciding(detail.procedures)
    here = {procedure.agency for procedure in detail.procedures} | {*detail.office.agencies, one.agency}
    return sorted((known[code] for code in here if code in known), key=lambda agency: agency.name)
