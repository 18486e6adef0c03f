"""What the addresses of reports and lists may ask for, and who may ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from kit.appkeys import SESSIONS
from kit.edge import STAFF, see_other
from kit.pages import in_language, language_of
from kit.problems import BadRequest, FieldError, NotSignedIn
from kit.sessions import Role, Staff, token_of
from tracking import codes
from tracking.reports.figures import Reading
from tracking.reports.period import Period, WrongPeriod

SUPERVISING = frozenset({Role.SUPERVISOR, Role.ADMIN})
REPORTING = SUPERVISING | {Role.PLANNER}
MOST_PAGES = 1_000
LONGEST = 80
SAID = ("printed", "sent", "uncertain", "put-off", "no-address", "not-configured", "failed")
"""What may have become of a letter that a button was pressed for."""

T = TypeVar("T", bound=str)


def page_for(roles: frozenset[Role], handler: Handler) -> Handler:
    """A page for ``roles``. Whoever is not signed in, or has no part in it, is sent to the desk (303)."""

    async def page(request: web.Request) -> web.StreamResponse:
        staff = await _signed_in(request)
        if staff is None or staff.role not in roles:
            return see_other(in_language(language_of(request), "/desk"))
        request[STAFF] = staff
        return await handler(request)

    return page


async def _signed_in(request: web.Request) -> Staff | None:
    token = token_of(request)
    if token is None:
        return None
    try:
        return await request.app[SESSIONS].read(token)
    except NotSignedIn:
        return None


def wrong(field: str, reason: str) -> BadRequest:
    """The problem of one wrong field of the address."""
    return BadRequest(f"{field}: {reason}", [FieldError(field, reason)])


def period_in(request: web.Request, default: Period | None = None) -> Period:
    """``?period=``. Raises BadRequest for none (without a ``default``) and for a wrong one."""
    text = request.query.get("period", "")
    if not text and default is not None:
        return default
    try:
        return Period.parse(text)
    except WrongPeriod as error:
        raise wrong("period", str(error)) from None


def readings_in(request: web.Request) -> tuple[Reading, ...]:
    """``?reading=law|766|both``. Raises BadRequest."""
    text = choice_in(request, "reading", ("law", "766", "both")) or "law"
    return tuple(Reading) if text == "both" else (Reading(text),)


def below_in(request: web.Request) -> bool:
    """``?below=1``: the offices below too. Raises BadRequest."""
    return choice_in(request, "below", ("0", "1")) == "1"


def choice_in(request: web.Request, field: str, choices: Sequence[T]) -> T | None:
    """One of ``choices``, None if the address does not say. Raises BadRequest."""
    text = request.query.get(field, "")
    if not text:
        return None
    found = next((choice for choice in choices if choice == text), None)
    if found is None:
        raise wrong(field, f"{text[:40]!r} is none of {', '.join(choices)}")
    return found


def text_in(request: web.Request, field: str, longest: int = LONGEST) -> str | None:
    """A short text, None if it is left out or blank. Raises BadRequest."""
    text = request.query.get(field, "").strip()
    if len(text) > longest or not text.isprintable():
        raise wrong(field, f"expected at most {longest} printable characters")
    return text or None


def page_in(request: web.Request) -> int:
    """``?page=``, from 1. Raises BadRequest."""
    text = request.query.get("page", "") or "1"
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_PAGES):
        raise wrong("page", f"{text[:20]!r} is no number from 1 to {MOST_PAGES}")
    return int(text)


def said_in(request: web.Request) -> dict[str, str] | None:
    """``?said=&code=``: what became of a dossier's letter, for the page to say. Raises BadRequest, MalformedCode."""
    what = choice_in(request, "said", SAID)
    return {"what": what, "code": codes.parse(request.query.get("code", "")).text} if what else None
