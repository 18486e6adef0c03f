"""One dossier at the desk: all that is known of it, and a form for everything that may be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup
from multidict import MultiDict

from kit.appkeys import DATABASE, PAGES
from kit.edge import REQUEST_ID, STAFF, see_other
from kit.idempotency import KeyReused, claim
from office.api import DIRECTORY
from office.model import OfficeDetail
from tracking import codes
from tracking.actions import KeptElsewhere, Known, ReferenceReused, VersionConflict
from tracking.api import UnknownDossier
from tracking.case import Case
from tracking.case_api import ACTIONS, DONE_AT_THE_DESK, by
from tracking.cases import must_work_on, read_case
from tracking.codes import Code
from tracking.desk.action_form import INPUTS, wish_of
from tracking.desk.forms import Faults, fresh_key, key_of, typed_in
from tracking.desk.post import POST, SENDABLE, NoResultYet, NotByPost, number_of, record_sent
from tracking.desk.store import Beside, read_beside, read_first_part
from tracking.desk.visit import address, at_office
from tracking.paper import wording
from tracking.paper.barcode import qr
from tracking.paper.forms import available
from tracking.paper.record import Record
from tracking.paper.store import read_record
from tracking.paper.vietqr import payload, purpose
from tracking.policy import Policy
from tracking.receipts.api import RECEIPTS
from tracking.rules import RuleBroken
from tracking.workflow import NEEDS, Action, ActionNotAllowed, allowed

QR_MM = 45
OTHER_RECEIPT = "receipt"
DONE = frozenset({OTHER_RECEIPT, POST, *(action.value for action in Action)})
WHY: Mapping[type[Exception], str] = {
    RuleBroken: "rule",
    VersionConflict: "changed",
    KeptElsewhere: "elsewhere",
    KeyReused: "used",
    NotByPost: "not-by-post",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """An action, or ``POST``, that came to nothing: what was typed, and why."""

    action: str
    typed: MultiDict[str]
    status: int
    faults: Faults = field(default_factory=dict)
    problem: Exception | None = None


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/desk/dossiers/{code}", show_dossier),
        web.post("/desk/dossiers/{code}/receipt", replace_receipt),
        web.post("/desk/dossiers/{code}/post", post_result),
        web.post(f"/desk/dossiers/{{code}}/{{action:{DONE_AT_THE_DESK}}}", act),
    ]


async def show_dossier(request: web.Request) -> web.Response:
    """GET /desk/dossiers/{code}: for the office that received it, and its agency's. A group leads to its first part."""
    code = codes.parse(request.match_info["code"])
    try:
        return await _page(request, code)
    except UnknownDossier:
        async with request.app[DATABASE].connection() as connection:
            first = await read_first_part(connection, code)
        if first is None:
            raise
    return see_other(address(request, f"/desk/dossiers/{quote(first.text)}"))


async def act(request: web.Request) -> web.Response:
    """POST /desk/dossiers/{code}/{action}: 303 to the dossier; else its page again, with what was typed: 400 wrong
    fields, 409 not allowed or forbidden by a rule, 412 changed by somebody else, 422 a key used for something else.
    """
    code, action = codes.parse(request.match_info["code"]), Action(request.match_info["action"])
    typed = await typed_in(request)
    wish, faults = wish_of(action, typed)
    if wish is None:
        return await _page(request, code, Tried(action, typed, 400, faults))
    _, now = await at_office(request)
    known = Known(_version(typed), key_of(typed))
    try:
        await request.app[ACTIONS].act(code, action, wish, by(request), known, now)
    except (ActionNotAllowed, RuleBroken, KeptElsewhere) as problem:
        return await _page(request, code, Tried(action, typed, 409, problem=problem))
    except VersionConflict as problem:
        return await _page(request, code, Tried(action, typed, 412, problem=problem))
    except KeyReused as problem:
        return await _page(request, code, Tried(action, typed, 422, problem=problem))
    except ReferenceReused:
        return await _page(request, code, Tried(action, typed, 409, {"reference": "unknown"}))
    return see_other(address(request, f"/desk/dossiers/{quote(code.text)}", done=action.value))


def _version(typed: MultiDict[str]) -> int | None:
    text = typed.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


async def replace_receipt(request: web.Request) -> web.Response:
    """POST /desk/dossiers/{code}/receipt: a new token and PIN; whoever holds the old paper sees nothing any more."""
    code, key = codes.parse(request.match_info["code"]), key_of(await typed_in(request))
    detail, _ = await at_office(request)
    async with request.app[DATABASE].operation(), request.app[DATABASE].transaction() as connection:
        case = await read_case(connection, code)
        if case is None:
            raise UnknownDossier
        must_work_on(request[STAFF], case, detail.office)
        if await claim(connection, f"receipt {code}", key, code.text) is None:
            receipts = request.app[RECEIPTS]
            await receipts.revoke_and_issue(connection, code, request[STAFF], request[REQUEST_ID])
    return see_other(address(request, f"/desk/dossiers/{quote(code.text)}", done=OTHER_RECEIPT))


async def post_result(request: web.Request) -> web.Response:
    """POST /desk/dossiers/{code}/post: 303 to the dossier once its result's tracking number is kept; else its page
    again, with what was typed: 400 no such number, 409 nothing to post.
    """
    code, typed = codes.parse(request.match_info["code"]), await typed_in(request)
    number, faults = number_of(typed)
    if faults:
        return await _page(request, code, Tried(POST, typed, 400, faults))
    own, _ = await at_office(request)
    try:
        async with request.app[DATABASE].operation(), request.app[DATABASE].transaction() as connection:
            await record_sent(connection, code, number, request[STAFF], own.office, request[REQUEST_ID])
    except (KeptElsewhere, NotByPost, NoResultYet) as problem:
        return await _page(request, code, Tried(POST, typed, 409, problem=problem))
    return see_other(address(request, f"/desk/dossiers/{quote(code.text)}", done=POST))


async def _page(request: web.Request, code: Code, tried: Tried | None = None) -> web.Response:
    own, now = await at_office(request)
    async with request.app[DATABASE].operation(), request.app[DATABASE].connection() as connection:
        record = await read_record(connection, code)
        if record is None:
            raise UnknownDossier
        must_work_on(request[STAFF], record.case, own.office)
        beside = await read_beside(connection, code, record.case.case_group, own.office)
    receiving = await request.app[DIRECTORY].detail(record.case.receiving_office.code)
    return _render(request, record, beside, receiving, now, tried)


def _render(
    request: web.Request, record: Record, beside: Beside, receiving: OfficeDetail, now: datetime, tried: Tried | None
) -> web.Response:
    case, bank = record.case, Policy.from_mapping(receiving.policies.on(receiving.service_day(now)))
    ours = case.origin in (None, "import")
    possible = allowed(case) if ours else []
    done = request.query.get("done", "")
    return request.app[PAGES].render(
        request,
        "tracking/desk/dossier.html",
        status=tried.status if tried else 200,
        case=case,
        record=record,
        beside=beside,
        office=receiving.office,
        late=case.is_late(now),
        now=now,
        ours=ours,
        allowed=possible,
        inputs=INPUTS,
        needs=NEEDS,
        sendable=ours and case.status in SENDABLE,
        tried=tried,
        why=_why(tried),
        done=done if done in DONE and tried is None else "",
        forms=available(case, record.events, now),
        received_here=case.receiving_office.code == request[STAFF].office,
        transfer=_transfer(case, bank),
        bank=bank,
        fresh_key=fresh_key,
        local=receiving.calendar.local,
        dong=wording.dong,
    )


def _why(tried: Tried | None) -> str:
    """Which sentence the page says about ``tried``: the rule's own, or one of the template's."""
    problem = tried.problem if tried else None
    if problem is None:
        return "fields" if tried else ""
    return WHY.get(type(problem), "status")


def _transfer(case: Case, bank: Policy) -> Markup | None:
    # An account that no bank could have, or a code too long for a transfer's text: no QR then.
    if not (case.amount_due and bank.bank_bin and bank.bank_account):
        return None
    try:
        text = payload(bank.bank_bin, bank.bank_account, case.amount_due, purpose(case.code))
    except ValueError:
        return None
    return qr(text, width_mm=QR_MM)
