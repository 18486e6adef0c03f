"""Feedback and petitions: who looks after each, and the answer that the applicant is told of."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from kit.appkeys import DATABASE, PAGES
from kit.body import read_form
from kit.edge import REQUEST_ID, STAFF, see_other
from kit.pages import in_language, language_of
from tracking import codes
from tracking.notices.queue import Happened, Trigger, announce
from tracking.reports.asking import SUPERVISING, choice_in, page_for, page_in, wrong
from tracking.reports.lists import PAGE
from tracking.reports.messages import ID
from tracking.reports.numbers import number
from tracking.reports.store import queries
from tracking.reports.supervision import at_office

LONGEST_ANSWER = 4_000


class UnknownFeedback(LookupError):
    """The office has no feedback of that number."""


class AlreadyAnswered(Exception):
    """Somebody has answered it; an answer that was given stays."""


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/office/feedback", page_for(SUPERVISING, show_feedback)),
        web.post(f"/office/feedback/{{id:{ID}}}/assign", assign),
        web.post(f"/office/feedback/{{id:{ID}}}/answer", answer),
    ]


async def show_feedback(request: web.Request) -> web.Response:
    """GET /office/feedback: what is open, the most urgent first; ``?state=answered``: the newest answers."""
    staff = request[STAFF]
    detail, now = await at_office(request, staff)
    state, page = choice_in(request, "state", ("open", "answered")) or "open", page_in(request)
    async with request.app[DATABASE].connection() as connection:
        rows = await queries.feedback_list.rows(
            connection, office_id=staff.office, open=state == "open", skip=(page - 1) * PAGE, page_size=PAGE
        )
        colleagues = await queries.feedback_staff.rows(connection, office_id=staff.office)
    return request.app[PAGES].render(
        request,
        "tracking/office/feedback.html",
        staff=staff,
        office=detail.office,
        state=state,
        rows=rows,
        colleagues=colleagues,
        now=now,
        local=detail.calendar.local,
        total=rows[0]["total"] if rows else 0,
        page=page,
        pages=-(-rows[0]["total"] // PAGE) if rows else 0,
        longest=LONGEST_ANSWER,
        here=lambda page: in_language(language_of(request), f"/office/feedback?state={state}&page={page}"),
        number=partial(number, language=language_of(request)),
    )


async def assign(request: web.Request) -> web.Response:
    """POST /office/feedback/{id}/assign: a colleague of the office looks after it."""
    staff, form = request[STAFF], await read_form(request)
    chosen = form.get("staff", "")
    if not (chosen.isascii() and chosen.isdecimal() and len(chosen) <= 18):
        raise wrong("staff", "expected a member of staff of this office")
    async with request.app[DATABASE].transaction() as connection:
        found = await queries.feedback_there.row(connection, id=int(request.match_info["id"]), office_id=staff.office)
        if found is None:
            raise UnknownFeedback
        colleagues = await queries.feedback_staff.rows(connection, office_id=staff.office)
        if int(chosen) not in {row["id"] for row in colleagues}:
            raise wrong("staff", "no member of staff of this office")
        await queries.feedback_assign.run(
            connection,
            id=int(request.match_info["id"]),
            assigned_to=int(chosen),
            office_id=staff.office,
            staff_id=staff.id,
            request_id=request[REQUEST_ID],
        )
    return see_other(in_language(language_of(request), "/office/feedback"))


async def answer(request: web.Request) -> web.Response:
    """POST /office/feedback/{id}/answer: answered once, and the applicant is told. The same answer again changes
    nothing; another one is AlreadyAnswered.
    """
    staff, form = request[STAFF], await read_form(request)
    text = form.get("answer", "").replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST_ANSWER:
        raise wrong("answer", f"expected 1 to {LONGEST_ANSWER} characters")
    async with request.app[DATABASE].transaction() as connection:
        feedback = int(request.match_info["id"])
        changed = await queries.feedback_answer.row(
            connection,
            id=feedback,
            answer=text,
            office_id=staff.office,
            staff_id=staff.id,
            request_id=request[REQUEST_ID],
        )
        if changed is None:
            found = await queries.feedback_there.row(connection, id=feedback, office_id=staff.office)
            if found is None:
                raise UnknownFeedback
            if found["answer"] != text:
                raise AlreadyAnswered("this was answered already")
        else:
            code = codes.parse(changed["code"])
            told = Happened(feedback, changed["answered_at"], code, changed["office_id"], (Trigger.ANSWERED,))
            await announce(connection, told)
    return see_other(in_language(language_of(request), "/office/feedback"))
