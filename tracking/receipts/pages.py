"""The citizen's pages behind a receipt: level 1, and the forms that answer back. The PIN never stands in an address."""

from __future__ import annotations

import io
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

import segno
from aiohttp import web
from markupsafe import Markup

from kit.appkeys import PAGES
from kit.body import check, read_form
from kit.edge import REQUEST_ID, see_other
from kit.pages import in_language, language_of, svg
from kit.problems import BadRequest
from office.api import DIRECTORY
from tracking import codes
from tracking.paper.wording import dong
from tracking.receipts.api import READING, RECEIPTS, VOICES, FeedbackBody, RatingBody
from tracking.receipts.contact import CHANNELS
from tracking.receipts.level1 import Level1, questions
from tracking.receipts.receipts import PIN_DIGITS, UnknownReceipt
from tracking.receipts.voices import AlreadyRated, Feedback, NotYetRatable, Rating, TooManyOpen
from tracking.store import VIET_NAM

_NOT_NOW: Mapping[type[Exception], str] = {
    AlreadyRated: "already_rated",
    NotYetRatable: "not_yet_ratable",
    TooManyOpen: "too_many_open",
}


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/r", ask),
        web.post("/r", open_by_pin),
        web.get("/r/{lookup_token}", show),
        web.get("/r/{lookup_token}/rating", show_rating),
        web.post("/r/{lookup_token}/rating", rate),
        web.get("/r/{lookup_token}/feedback", show_feedback),
        web.post("/r/{lookup_token}/feedback", give_feedback),
        web.get("/r/{lookup_token}/contact", show_contact),
        web.post("/r/{lookup_token}/contact", change_contact),
    ]


async def ask(request: web.Request) -> web.Response:
    """GET /r?code=…: the form for code and PIN; the code may come from the level 0 page."""
    try:
        typed = codes.parse(request.query.get("code", "")).text
    except codes.MalformedCode:
        typed = ""
    return _find_page(request, 200, typed=typed)


async def open_by_pin(request: web.Request) -> web.Response:
    """POST /r: code and PIN → level 1. What does not open it gets one answer, whatever the reason."""
    form = await read_form(request)
    try:
        code = codes.parse(form.get("code", ""))
    except codes.MalformedCode:
        return _find_page(request, 400, wrong="code")
    pin = "".join(unicodedata.normalize("NFKC", form.get("pin", "")).split())
    if not (pin.isascii() and pin.isdecimal() and len(pin) == PIN_DIGITS):
        return _find_page(request, 400, wrong="pin", typed=code.text)
    try:
        token = await request.app[RECEIPTS].by_pin(code, pin)
    except UnknownReceipt:
        return _find_page(request, 404, wrong="unknown")
    return see_other(in_language(language_of(request), f"/r/{token}"))


async def show(request: web.Request) -> web.Response:
    """GET /r/{lookup_token}: what happened, what comes next, by when, what to do."""
    level1 = await _level1(request)
    office = (await request.app[DIRECTORY].offices())[level1.case.receiving_office.code]
    return _page(
        request,
        "receipt",
        level1,
        office=office,
        supplement=level1.timeline.last("request-supplement"),
        qr=_qr(level1.vietqr) if level1.vietqr else None,
    )


async def show_rating(request: web.Request) -> web.Response:
    """GET …/rating: the form."""
    return _rating_page(request, await _level1(request))


async def rate(request: web.Request) -> web.Response:
    """POST …/rating: the form of the page above."""
    form, level1 = await read_form(request), await _level1(request)
    asked = questions(level1.policy)
    try:
        body = check(
            RatingBody,
            {
                "score": _score(form.get("score")),
                "comment": form.get("comment", "").replace("\r\n", "\n") or None,
                "criteria": {
                    question: _score(form[f"criterion-{at}"])
                    for at, question in enumerate(asked)
                    if form.get(f"criterion-{at}")
                },
            },
        )
        rating = Rating(body.score, body.comment or None, body.criteria)
        await request.app[VOICES].rate(request.match_info["lookup_token"], rating, datetime.now(UTC))
    except BadRequest as error:
        return _rating_page(request, level1, 400, error.errors[0].field.partition(".")[0])
    except (AlreadyRated, NotYetRatable) as error:
        return _rating_page(request, level1, 409, _NOT_NOW[type(error)])
    return _back(request)


async def show_feedback(request: web.Request) -> web.Response:
    """GET …/feedback: the form, and what was answered."""
    return _feedback_page(request, await _level1(request))


async def give_feedback(request: web.Request) -> web.Response:
    """POST …/feedback: the form of the page above; its key makes a double tap one."""
    form, level1 = await read_form(request), await _level1(request)
    key, text = form.get("key", ""), form.get("text", "").replace("\r\n", "\n")
    try:
        body = check(FeedbackBody, {"kind": form.get("kind", ""), "text": text})
        await request.app[VOICES].say(
            request.match_info["lookup_token"],
            Feedback(body.kind, body.text),
            key if 8 <= len(key) <= 100 else None,
            datetime.now(UTC),
        )
    except BadRequest as error:
        return _feedback_page(request, level1, 400, error.errors[0].field)
    except TooManyOpen as error:
        return _feedback_page(request, level1, 409, _NOT_NOW[type(error)])
    return see_other(_address(request, "/feedback"))


async def show_contact(request: web.Request) -> web.Response:
    """GET …/contact: by which channels messages come, and in which language."""
    return _page(request, "contact", await _level1(request))


async def change_contact(request: web.Request) -> web.Response:
    """POST …/contact: the form of the page above."""
    form = await read_form(request)
    language = form.get("language", "")
    if language not in ("vi", "en"):
        raise BadRequest("language: expected vi or en")
    await request.app[VOICES].reach(
        request.match_info["lookup_token"],
        tuple(channel for channel in CHANNELS if form.get(channel)),
        language,
        request[REQUEST_ID],
    )
    return _back(request)


async def _level1(request: web.Request) -> Level1:
    return await request.app[READING].read(request.match_info["lookup_token"])


def _find_page(request: web.Request, status: int, *, wrong: str = "", typed: str = "") -> web.Response:
    return request.app[PAGES].render(request, "tracking/receipts/find.html", status=status, wrong=wrong, typed=typed)


def _page(request: web.Request, name: str, level1: Level1, status: int = 200, **more: object) -> web.Response:
    return request.app[PAGES].render(
        request,
        f"tracking/receipts/{name}.html",
        status=status,
        of=level1,
        token=request.match_info["lookup_token"],
        local=lambda at: at.astimezone(VIET_NAM),
        money=dong if language_of(request) == "vi" else _dong_in_english,
        **more,
    )


def _rating_page(request: web.Request, level1: Level1, status: int = 200, wrong: str = "") -> web.Response:
    return _page(request, "rating", level1, status, wrong=wrong, questions=questions(level1.policy))


def _feedback_page(request: web.Request, level1: Level1, status: int = 200, wrong: str = "") -> web.Response:
    return _page(request, "feedback", level1, status, wrong=wrong, key=secrets.token_urlsafe(16))


def _score(typed: str | None) -> object:
    return int(typed) if typed in ("1", "2", "3", "4", "5") else typed


def _address(request: web.Request, part: str = "") -> str:
    return in_language(language_of(request), f"/r/{request.match_info['lookup_token']}{part}")


def _back(request: web.Request) -> web.Response:
    return see_other(_address(request))


def _dong_in_english(amount: int) -> str:
    return f"{amount:,} VND"


def _qr(text: str) -> Markup:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        svgclass=None,
        lineclass=None,
        border=4,
        light="#fff",
    )
    return svg(out.getvalue().decode())
