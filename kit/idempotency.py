"""Idempotency keys: what a caller may repeat after a lost answer, and what makes the repetition harmless.

A key is claimed in the transaction of what it guards. Ticket issue and call-next, where every statement counts, claim
theirs inside their one statement; everything else does it here.
"""

from __future__ import annotations

import hashlib
import re

import orjson
from aiohttp import web

from kit import sql
from kit.database import Connection
from kit.problems import BadRequest, FieldError

_sql = sql.load("kit")
_KEY = re.compile(r"[!-~]{8,200}")


class KeyReused(Exception):
    """The idempotency key was used with another body."""


def idempotency_key(request: web.Request) -> str | None:
    """The request's Idempotency-Key (8 to 200 printable ASCII characters), None without one. Raises BadRequest."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        reason = "8 to 200 printable ASCII characters without spaces"
        raise BadRequest("the Idempotency-Key is malformed", [FieldError("Idempotency-Key", reason)])
    return key


async def claim(connection: Connection, scope: str, key: str, asked: object) -> str | None:
    """Claim ``key`` for what is ``asked`` (anything orjson can write): None the first time, else what the first one
    made, as :func:`made` wrote it down. Raises KeyReused when something else was asked then.
    """
    body = hashlib.sha256(orjson.dumps(asked)).digest()
    if await _sql.key_claim.row(connection, scope=scope, key=key, body_sha256=body) is not None:
        return None
    earlier = await _sql.key_read.row(connection, scope=scope, key=key)
    if earlier is None or earlier["body_sha256"] != body:
        raise KeyReused("this Idempotency-Key was used with another body")
    return str(earlier["made"])


async def made(connection: Connection, scope: str, key: str, what: str) -> None:
    """Write down what the first request with ``key`` made, for the answers to its repetitions."""
    await _sql.key_made.run(connection, scope=scope, key=key, made=what)
