"""The public catalogue of procedures: what an office decides, with which papers, how fast and for how much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from math import ceil
from operator import attrgetter

from aiohttp import web
from babel.numbers import format_decimal

from kit.appkeys import PAGES
from kit.pages import language_of
from kit.problems import BadRequest, FieldError
from office.api import DIRECTORY, OFFICE_ID, typed_query
from office.model import Procedure

PER_PAGE = 15
"""So that a page stays small on a phone, with hundreds of procedures too."""


@dataclass(frozen=True, slots=True)
class Field:
    """The procedures of one field that stand on a page."""

    name: str
    name_en: str
    procedures: tuple[Procedure, ...]


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/procedures", choose_office),
        web.get(f"/procedures/{OFFICE_ID}", list_procedures),
    ]


async def choose_office(request: web.Request) -> web.Response:
    """GET /procedures: the offices that are there today."""
    today = datetime.now(UTC).date()
    offices = [office for office in (await request.app[DIRECTORY].offices()).values() if office.exists_on(today)]
    return request.app[PAGES].render(request, "office/choose.html", offices=offices)


async def list_procedures(request: web.Request) -> web.Response:
    """GET /procedures/{office_id}?q=…&page=…: the office's procedures by field, those that have the words of ``q``."""
    directory, language = request.app[DIRECTORY], language_of(request)
    detail = await directory.detail(request.match_info["office_id"])
    typed, number = typed_query(request), _page_number(request)
    found = detail.find_procedures(typed)
    pages = max(1, ceil(len(found) / PER_PAGE))
    number = min(number, pages)
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return request.app[PAGES].render(
        request,
        "office/procedures.html",
        office=detail.office,
        exists=detail.office.exists_on(detail.service_day(datetime.now(UTC))),
        replaced_by=[(await directory.offices())[other] for other in detail.office.replaced_by],
        typed=typed,
        count=len(found),
        fields=_by_field(shown),
        services={one.code: detail.services_for(one.code) for one in shown},
        agencies=await directory.deciding(shown),
        number=number,
        pages=pages,
        dong=lambda amount: format_decimal(amount, locale=language),
    )


def _by_field(procedures: Iterable[Procedure]) -> list[Field]:
    return [Field(*names, tuple(of_field)) for names, of_field in groupby(procedures, attrgetter("field", "field_en"))]


def _page_number(request: web.Request) -> int:
    text = request.query.get("page", "1")
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and int(text) > 0):
        raise BadRequest("the number of the page is wrong", [FieldError("page", "expected a number from 1 to 9999")])
    return int(text)
