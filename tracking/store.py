"""Dossiers in PostgreSQL, and their public snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kit import sql
from kit.cache import Topic
from kit.database import Database
from kit.snapshot import Snapshot, microseconds
from tracking import codes
from tracking.status import Dossier, Named, Status, public_answer

queries = sql.load("tracking")
VIET_NAM = ZoneInfo("Asia/Ho_Chi_Minh")


def dossier_topic(database: Database) -> Topic:
    """The cache topic of level 0 answers, by canonical dossier code."""

    async def load(names: Sequence[str]) -> list[Snapshot]:
        wanted = [codes.Code(name) for name in names]
        async with database.connection() as connection:
            rows = await queries.dossiers_read.rows(
                connection, years=[code.year for code in wanted], codes=[code.text for code in wanted]
            )
        now = datetime.now(VIET_NAM)
        return [_snapshot(_dossier(row), now) if row["public"] else _withdrawn(row, now) for row in rows]

    return Topic("dossier", load)


def _dossier(row: asyncpg.Record) -> Dossier:
    return Dossier(
        code=row["code"],
        procedure=Named(row["procedure_code"], row["procedure_name"]),
        receiving_office=Named(row["office_id"], row["office_name"]),
        competent_agency=Named(row["agency_code"], row["agency_name"]),
        status=Status(row["status"]),
        received_at=row["received_at"],
        due_at=row["due_at"],
        appointment_on=row["appointment_on"],
        appointment_changes=row["appointment_changes"],
        finished_at=row["finished_at"],
        version=row["version"],
        clock_stopped_at=row["clock_stopped_at"],
    )


def _snapshot(dossier: Dossier, now: datetime) -> Snapshot:
    turns_late = dossier.becomes_late_at(now)
    return Snapshot(
        key=f"dossier:{dossier.code}",
        version=dossier.version,
        as_of=microseconds(now),
        body=orjson.dumps(public_answer(dossier, now)),
        good_until=microseconds(turns_late) if turns_late else 0,
    )


def _withdrawn(row: asyncpg.Record, now: datetime) -> Snapshot:
    # Takes the place of what was public before. Past its time from the start, so that every look-up of a hidden code
    # takes the same way, and as long, as one of a code that does not exist.
    return Snapshot(f"dossier:{row['code']}", row["version"], microseconds(now), body=b"", good_until=1)
