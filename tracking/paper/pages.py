"""The printable forms: HTML pages with a print style, for staff.

There is no PDF here: the browser prints to PDF, in A5 and A4 as the style sheet says, while the libraries that make
PDF from HTML would bring a second layout engine with heavy system libraries onto every host.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from aiohttp import web
from markupsafe import Markup

from kit.addresses import base_url
from kit.appkeys import DATABASE, PAGES
from kit.edge import STAFF
from kit.problems import BadRequest, FieldError
from office.api import DIRECTORY
from office.model import OfficeDetail
from tracking import codes
from tracking.api import UnknownDossier
from tracking.cases import must_work_on
from tracking.paper import wording
from tracking.paper.barcode import code128, qr
from tracking.paper.forms import EDITIONS, Form, available, decision, steps
from tracking.paper.record import Record
from tracking.paper.store import read_notice, read_record, read_register
from tracking.paper.vietqr import payload, purpose
from tracking.policy import Policy

LONGEST_REGISTER = 5_000
LONGEST_PERIOD = timedelta(days=366)
BARCODE_MM, LOOKUP_MM, VIETQR_MM = 126, 26, 28
_NOT_OF_A_DOSSIER: dict[str, Any] = {"case": None, "record": None, "agency": None, "number": None, "forms": []}
_WORDS: dict[str, Any] = {
    name: getattr(wording, name) for name in ("long_day", "long_moment", "short_day", "short_moment", "dong")
}


class NoSuchPaper(LookupError):
    """There is no such form, or none of this dossier at this moment; no such notice."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/desk/dossiers/{code}/paper/{form}", show_paper),
        web.get("/desk/notices/{id:[0-9]{1,18}}/paper", show_notice),
        web.get("/desk/register", show_register),
    ]


async def show_paper(request: web.Request) -> web.Response:
    """GET /desk/dossiers/{code}/paper/{form}: for the office that received the dossier, and its agency's."""
    code, now = codes.parse(request.match_info["code"]), datetime.now(UTC)
    async with request.app[DATABASE].operation(), request.app[DATABASE].connection() as connection:
        record = await read_record(connection, code)
    if record is None:
        raise UnknownDossier
    own = await request.app[DIRECTORY].detail(request[STAFF].office)
    must_work_on(request[STAFF], record.case, own.office)
    forms = available(record.case, record.events, now)
    form = next((form for form in forms if form == request.match_info["form"]), None)
    if form is None:
        raise NoSuchPaper(f"this dossier has {', '.join(forms) or 'none'}")
    detail = await request.app[DIRECTORY].detail(record.case.receiving_office.code)
    return _dossier_sheet(request, form, record, forms, detail, now)


def _dossier_sheet(
    request: web.Request, form: Form, record: Record, forms: list[Form], detail: OfficeDetail, now: datetime
) -> web.Response:
    case, local = record.case, now.astimezone(detail.calendar.timezone)
    more: dict[str, Any] = {}
    if form is Form.RECEIPT:
        signed_on = detail.service_day(case.received_at)
        more = _receipt(request, record, _policy(detail, signed_on), _policy(detail, local.date()))
    elif form is Form.CONTROL_SLIP:
        signed_on = local.date()
        more["steps"] = steps(record, detail.calendar.timezone)
    else:
        decided = more["decision"] = decision(form, record, local)
        signed_on = detail.service_day(decided.at)
    return _sheet(
        request,
        form,
        detail,
        signed_on,
        record=record,
        case=case,
        agency=case.competent_agency.name,
        forms=forms,
        limit=wording.limit_words(case.limit) if case.limit else None,
        late=case.is_late(now),
        **more,
    )


def _receipt(request: web.Request, record: Record, then: Policy, bank: Policy) -> dict[str, object]:
    # ``then``: the rules of the day of receipt. Money goes to today's account, whenever the dossier came in.
    lookup = EDITIONS[then.form_set].lookup
    receipt = record.receipt if lookup else None
    took = next((event.staff_id for event in record.events if event.action in ("accept", "register")), None)
    return {
        "barcode": code128(record.case.code, widest_mm=BARCODE_MM),
        "receipt": receipt,
        "lookup": qr(f"{base_url(request)}/r/{receipt.token}", width_mm=LOOKUP_MM) if receipt else None,
        "without_lookup": lookup and receipt is None,
        "transfer": _transfer(record, bank),
        "bank": bank,
        "taken_by": record.staff.get(took) if took is not None else None,
    }


def _transfer(record: Record, bank: Policy) -> Markup | None:
    # An account that no bank could have, or a code too long for a transfer's text: the receipt goes without.
    if not (record.case.amount_due and bank.bank_bin and bank.bank_account):
        return None
    try:
        text = payload(bank.bank_bin, bank.bank_account, record.case.amount_due, purpose(record.case.code))
    except ValueError:
        return None
    return qr(text, width_mm=VIETQR_MM)


async def show_notice(request: web.Request) -> web.Response:
    """GET /desk/notices/{id}/paper: the supplement request's twin, for the office that gave the notice."""
    async with request.app[DATABASE].operation(), request.app[DATABASE].connection() as connection:
        notice = await read_notice(connection, int(request.match_info["id"]))
    if notice is None:
        raise NoSuchPaper("no such notice")
    request[STAFF].must_act_at(notice.office_id)
    detail = await request.app[DIRECTORY].detail(notice.office_id)
    return _sheet(
        request,
        Form.SUPPLEMENT_REQUEST,
        detail,
        detail.service_day(notice.decision.at),
        notice=notice,
        decision=notice.decision,
        number=notice.id,
    )


async def show_register(request: web.Request) -> web.Response:
    """GET /desk/register?from=&to=: the register of the member's own office; without dates, of this month so far."""
    detail, now = await request.app[DIRECTORY].detail(request[STAFF].office), datetime.now(UTC)
    zone = detail.calendar.timezone
    first, last = _period(request, now.astimezone(zone).date())
    start, past = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    async with request.app[DATABASE].operation(), request.app[DATABASE].connection() as connection:
        lines = await read_register(connection, detail.office.id, start, past, LONGEST_REGISTER + 1, now)
    return _sheet(
        request,
        Form.REGISTER,
        detail,
        now.astimezone(zone).date(),
        lines=lines[:LONGEST_REGISTER],
        cut=len(lines) > LONGEST_REGISTER,
        most=LONGEST_REGISTER,
        first=first,
        last=last,
    )


def _period(request: web.Request, today: date) -> tuple[date, date]:
    first = _date_in(request, "from", today.replace(day=1))
    last = _date_in(request, "to", max(today, first))
    if last < first:
        raise BadRequest("the period is wrong", [FieldError("to", "is before from")])
    if last - first >= LONGEST_PERIOD:
        raise BadRequest(
            "the period is too long", [FieldError("to", f"more than {LONGEST_PERIOD.days} days after from")]
        )
    return first, last


def _date_in(request: web.Request, name: str, default: date) -> date:
    typed = request.query.get(name, "")
    if not typed:
        return default
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2099:
        raise BadRequest("a date is wrong", [FieldError(name, "expected a date like 2026-09-21")])
    return day


def _sheet(request: web.Request, form: Form, detail: OfficeDetail, signed_on: date, **values: object) -> web.Response:
    edition = EDITIONS[_policy(detail, signed_on).form_set]
    return request.app[PAGES].render(
        request,
        f"tracking/paper/{form.replace('-', '_')}.html",
        form=form,
        edition=edition,
        heading=edition.headings[form],
        office=detail.office,
        signed_on=signed_on,
        local=partial(datetime.astimezone, tz=detail.calendar.timezone),
        **{**_WORDS, **_NOT_OF_A_DOSSIER, **values},
    )


def _policy(detail: OfficeDetail, day: date) -> Policy:
    return Policy.from_mapping(detail.policies.on(day))
