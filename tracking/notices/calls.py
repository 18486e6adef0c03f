"""Calls that clerks make: whom, about what, and what to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from kit.database import Connection
from tracking.notices.queue import Trigger, queries
from tracking.notices.texts import Texts

MOST = 100
TEXTS: web.AppKey[Texts] = web.AppKey("texts", Texts)


@dataclass(frozen=True, slots=True)
class CallItem:
    """Somebody to call, and what to say. Personal data."""

    id: int
    code: str
    trigger: Trigger
    name: str
    phone: str
    language: str
    made_at: datetime
    say: str


async def call_list(connection: Connection, texts: Texts, office_id: str, limit: int = MOST) -> list[CallItem]:
    """The calls that an office has to make, oldest first. A call that was made is a ``sent`` message."""
    found = await queries.calls_open.rows(connection, office_id=office_id, most=limit)
    rows = await queries.messages_read.rows(connection, ids=[row["id"] for row in found])
    now = datetime.now(UTC)
    return [
        CallItem(
            id=row["id"],
            code=row["code"],
            trigger=Trigger(row["trigger"]),
            name=row["applicant_name"] or "",
            phone=row["phone"] or "",
            language=row["language"],
            made_at=row["made_at"],
            say=texts.call(row, now),
        )
        for row in rows
    ]
