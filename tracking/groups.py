"""Interlinked groups: one intake, several dossiers at several agencies, one code for the family to follow the whole."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import orjson

from kit.cache import Topic
from kit.database import Connection, Database
from kit.snapshot import Snapshot
from tracking.codes import Code
from tracking.status import Status
from tracking.store import queries
from tracking.workflow import Action

Consequence = tuple[Code, Action, str | None]
"""The part that changes, what happens to it, and why."""


async def lock(connection: Connection, code: Code) -> None:
    """Let one action at a time happen in the group that the dossier belongs to, if it belongs to one: of two parts that
    end at the same moment the later sees the earlier.
    """
    await queries.group_lock.row(connection, code=code.text)


async def consequence(connection: Connection, group_code: str) -> Consequence | None:
    """What follows next for a part that still waits: opened when all before it are granted, declined when one of those
    ended otherwise. None when nothing does. The caller holds the group's lock.
    """
    rows = await queries.group_parts.rows(connection, group_code=group_code)
    parts = {row["position"]: row for row in rows}
    for row in rows:
        before = [parts[position] for position in row["after"]]
        if row["status"] != Status.REGISTERED or not before:
            continue
        if failed := next((part for part in before if _failed(part)), None):
            reason = f"Hồ sơ {failed['code']} mà hồ sơ này phụ thuộc không được giải quyết."
            return Code(row["code"]), Action.DECLINE, reason
        if all(part["outcome"] == "granted" for part in before):
            return Code(row["code"]), Action.ACCEPT, None
    return None


async def waits_for(connection: Connection, group_code: str, code: Code) -> str | None:
    """The code of the first part that must be granted before ``code`` opens; None if nothing holds it."""
    rows = await queries.group_parts.rows(connection, group_code=group_code)
    own = next(row for row in rows if row["code"] == code.text)
    ahead = (row for row in rows if row["position"] in own["after"] and row["outcome"] != "granted")
    return next((str(row["code"]) for row in ahead), None)


def _failed(part: asyncpg.Record) -> bool:
    return part["status"] in (Status.NOT_ACCEPTED, Status.STOPPED) or part["outcome"] == "refused"


def group_topic(database: Database, dossiers: Topic) -> Topic:
    """The cache topic of the public answers about whole groups, by group code: the level 0 answers of their parts."""

    async def load(names: Sequence[str]) -> list[Snapshot]:
        async with database.connection() as connection:
            rows = await queries.groups_read.rows(connection, codes=list(names))
        parts = {part.key: part for part in await dossiers.load([code for row in rows for code in row["parts"]])}
        return [_snapshot(row, [parts[dossiers.key(code)] for code in row["parts"]]) for row in rows]

    return Topic("group", load)


def _snapshot(row: asyncpg.Record, parts: list[Snapshot]) -> Snapshot:
    # Versions of parts only grow and no part ever leaves, so their sum only grows too.
    shown = [part for part in parts if part.body]
    version, as_of = sum(part.version for part in parts), min(part.as_of for part in parts)
    answer = {
        "code": row["code"],
        "kind": {"id": row["kind"], "name": row["name"], "name_en": row["name_en"]},
        "version": version,
        "parts": [orjson.Fragment(part.body) for part in shown],
    }
    return Snapshot(
        key=f"group:{row['code']}",
        version=version,
        as_of=as_of,
        body=orjson.dumps(answer) if shown else b"",
        good_until=min((part.good_until for part in shown if part.good_until), default=0) if shown else 1,
    )
