"""Level 1 as JSON, what citizens say back, and the bank's word on payments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import orjson
from aiohttp import web
from pydantic import AwareDatetime, Field, StringConstraints

from kit.body import Body, read_json
from kit.edge import json_bytes
from kit.idempotency import idempotency_key
from tracking import codes
from tracking.receipts.level1 import Reading, voice_json
from tracking.receipts.payments import Payments, Transfer, check_signature
from tracking.receipts.receipts import Receipts
from tracking.receipts.voices import LONGEST_COMMENT, LONGEST_TEXT, Feedback, Rating, Voices
from tracking.store import VIET_NAM

RECEIPTS: web.AppKey[Receipts] = web.AppKey("receipts", Receipts)
READING: web.AppKey[Reading] = web.AppKey("receipt_reading", Reading)
VOICES: web.AppKey[Voices] = web.AppKey("receipt_voices", Voices)
PAYMENTS: web.AppKey[Payments] = web.AppKey("payments", Payments)
PAYMENT_SECRET: web.AppKey[str] = web.AppKey("payment_secret", str)

PRIVATE = {"Cache-Control": "no-store"}
_REFERENCE = r"^[A-Za-z0-9._:/-]{1,64}$"
LARGEST_AMOUNT = 1_000_000_000_000

Score = Annotated[int, Field(ge=1, le=5)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT)]


class RatingBody(Body):
    """A rating: 1 to 5, and the same for the office's own questions by their wording."""

    score: Score
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_COMMENT)] | None = None
    criteria: Annotated[dict[str, Score], Field(max_length=50)] = Field(default_factory=dict)


class FeedbackBody(Body):
    """Feedback (phản ánh) or a petition (kiến nghị)."""

    kind: Literal["feedback", "petition"]
    text: Words


class PaymentBody(Body):
    """A transfer that arrived: amounts in đồng."""

    reference: Annotated[str, StringConstraints(pattern=_REFERENCE)]
    code: Annotated[str, StringConstraints(max_length=codes.LONGEST_PLAIN)]
    amount: Annotated[int, Field(ge=1, le=LARGEST_AMOUNT)]
    paid_at: Annotated[AwareDatetime, Field(strict=False)]


def routes() -> list[web.RouteDef]:
    """The addresses of this module."""
    return [
        web.get("/api/v1/receipts/{lookup_token}", show_receipt),
        web.post("/api/v1/receipts/{lookup_token}/rating", rate),
        web.post("/api/v1/receipts/{lookup_token}/feedback", give_feedback),
        web.post("/api/v1/payments", receive_payment),
    ]


async def show_receipt(request: web.Request) -> web.Response:
    """GET /api/v1/receipts/{lookup_token}: level 1."""
    level1 = await request.app[READING].read(request.match_info["lookup_token"])
    return json_bytes(orjson.dumps(level1.answer()), headers=PRIVATE)


async def rate(request: web.Request) -> web.Response:
    """POST …/rating: once; 409 afterwards, and before the result is there."""
    body = await read_json(request, RatingBody)
    rating = Rating(body.score, body.comment or None, body.criteria)
    at = await request.app[VOICES].rate(request.match_info["lookup_token"], rating, datetime.now(UTC))
    answer = {"score": rating.score, "at": at.astimezone(VIET_NAM).isoformat(timespec="seconds")}
    return json_bytes(orjson.dumps(answer), status=201, headers=PRIVATE)


async def give_feedback(request: web.Request) -> web.Response:
    """POST …/feedback: recorded, with the day on which the answer is due."""
    body = await read_json(request, FeedbackBody)
    voice = await request.app[VOICES].say(
        request.match_info["lookup_token"], Feedback(body.kind, body.text), idempotency_key(request), datetime.now(UTC)
    )
    return json_bytes(orjson.dumps(voice_json(voice, datetime.now(VIET_NAM))), status=201, headers=PRIVATE)


async def receive_payment(request: web.Request) -> web.Response:
    """POST /api/v1/payments: signed by the bank or gateway; the same reference pays once."""
    secret, now = request.app[PAYMENT_SECRET], datetime.now(UTC)
    if not secret:
        raise web.HTTPNotFound
    body = await read_json(request, PaymentBody)
    headers = request.headers
    check_signature(
        secret,
        headers.get("X-Motcua-Timestamp", ""),
        headers.get("X-Motcua-Signature", ""),
        await request.read(),
        now,
    )
    transfer = Transfer(body.reference, codes.parse(body.code), body.amount)
    recorded = await request.app[PAYMENTS].receive(transfer, now)
    answer = {
        "reference": transfer.reference,
        "code": transfer.code.text,
        "amount": transfer.amount,
        "recorded_at": recorded.astimezone(VIET_NAM).isoformat(timespec="seconds"),
    }
    return json_bytes(orjson.dumps(answer), headers=PRIVATE)
