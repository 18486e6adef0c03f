"""What citizens say back through their receipt: a rating, feedback and petitions, how they want to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kit.database import Connection, Database
from kit.idempotency import claim, made
from kit.problems import BadRequest, FieldError
from office.directory import Directory
from tracking.codes import Code
from tracking.deadlines import Limit, due, hand_over
from tracking.policy import Policy
from tracking.receipts.level1 import RATABLE, Voice, policy_of, questions
from tracking.receipts.receipts import UnknownReceipt, queries, searched
from tracking.status import Status

MOST_OPEN = 5
LONGEST_COMMENT = 1000
LONGEST_TEXT = 2000


class AlreadyRated(Exception):
    """The dossier has its rating; there is one."""


class NotYetRatable(Exception):
    """There is no result yet to be satisfied with or not."""


class TooManyOpen(Exception):
    """As many as one may send wait for their answer."""


@dataclass(frozen=True, slots=True)
class Rating:
    """``score`` 1 (bad) to 5 (good), and the same for the office's own questions, by their wording."""

    score: int
    comment: str | None = None
    criteria: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody has to say (``feedback``) or asks for (``petition``) about a dossier."""

    kind: Literal["feedback", "petition"]
    text: str


class Voices:
    """Records what citizens say."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory

    async def rate(self, token: str, rating: Rating, now: datetime) -> datetime:
        """Record the dossier's one rating; the answer is when.

        Raises UnknownReceipt, NotYetRatable, AlreadyRated, and BadRequest for a question that the office does not ask.
        """
        async with self._database.operation(), self._database.transaction() as connection:
            code, office_id, status = await _opened(connection, token)
            if status not in RATABLE:
                raise NotYetRatable("a dossier can be rated when its result is there")
            _check_questions(rating, await self._policy(office_id, now))
            at = await queries.rating_add.value(
                connection,
                year=code.year,
                code=code.text,
                office_id=office_id,
                score=rating.score,
                comment=rating.comment,
                criteria=dict(rating.criteria),
            )
        if at is None:
            raise AlreadyRated("this dossier has been rated")
        return datetime.fromisoformat(at.isoformat())

    async def say(self, token: str, feedback: Feedback, key: str | None, now: datetime) -> Voice:
        """Record feedback; the same ``key`` and words give the same one again.

        Raises UnknownReceipt, TooManyOpen, KeyReused.
        """
        async with self._database.operation(), self._database.transaction() as connection:
            code, office_id, _ = await _opened(connection, token)
            scope = f"feedback {code}"
            if key is not None and (earlier := await claim(connection, scope, key, feedback)) is not None:
                return await _said(connection, int(earlier))
            row = await queries.feedback_add.row(
                connection,
                year=code.year,
                code=code.text,
                office_id=office_id,
                kind=feedback.kind,
                text=feedback.text,
                due_at=await self._answer_due(office_id, now),
                most_open=MOST_OPEN,
            )
            if row is None:
                raise TooManyOpen(f"{MOST_OPEN} wait for their answer already")
            if key is not None:
                await made(connection, scope, key, str(row["id"]))
        return Voice(**row)

    async def reach(self, token: str, channels: tuple[str, ...], language: str, request_id: str) -> None:
        """Switch channels on and off, and set the language of messages. A channel without an address stays off.

        Raises UnknownReceipt, also where nobody's contact is known.
        """
        async with self._database.operation(), self._database.transaction() as connection:
            code, office_id, _ = await _opened(connection, token)
            changed = await queries.contact_change.value(
                connection, channels=list(channels), language=language, year=code.year, code=code.text
            )
            if changed is None:
                raise UnknownReceipt
            await queries.receipt_audit.run(
                connection,
                staff_id=None,
                office_id=office_id,
                action="change-contact",
                code=code.text,
                request_id=request_id,
            )

    async def _policy(self, office_id: str, now: datetime) -> Policy:
        detail = await self._directory.detail(office_id)
        return policy_of(detail, detail.service_day(now))

    async def _answer_due(self, office_id: str, now: datetime) -> datetime:
        calendar = (await self._directory.detail(office_id)).calendar
        policy = await self._policy(office_id, now)
        handed_over = hand_over(now, calendar, policy.deadlines, online=True)
        return due(handed_over, Limit(policy.feedback_answer_days, "d"), calendar)


async def _opened(connection: Connection, token: str) -> tuple[Code, str, Status]:
    row = await queries.receipt_lock.row(connection, token=searched(token))
    if row is None:
        raise UnknownReceipt
    return Code(row["code"]), row["receiving_office"], Status(row["status"])


async def _said(connection: Connection, number: int) -> Voice:
    row = await queries.feedback_read.row(connection, id=number)
    assert row is not None
    return Voice(**row)


def _check_questions(rating: Rating, policy: Policy) -> None:
    asked = questions(policy)
    if any(question not in asked for question in rating.criteria):
        raise BadRequest("the body has wrong fields", [FieldError("criteria", "holds a question that is not asked")])
