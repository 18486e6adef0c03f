"""What stands in a form that a clerk sent, and what is wrong with it, field by field."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Literal

from aiohttp import web
from multidict import MultiDict
from pydantic import ValidationError

from kit.body import read_form

Fault = Literal["required", "malformed", "too-long", "unknown"]
Faults = Mapping[str, Fault]
"""Field of the form → what is wrong with it; the sentences stand in the templates."""
Location = tuple[int | str, ...]

SHORTEST_KEY, LONGEST_KEY = 8, 200
_FAULTS: Mapping[str, Fault] = {
    "missing": "required",
    "string_too_short": "required",
    "string_too_long": "too-long",
    "too_long": "too-long",
}


async def typed_in(request: web.Request) -> MultiDict[str]:
    """The text fields as they were sent, without spaces around. Raises BadRequest."""
    await read_form(request)
    sent = (await request.post()).items()
    return MultiDict([(name, value.strip()) for name, value in sent if isinstance(value, str)])


def faults_of(error: ValidationError, field_of: Callable[[Location], str]) -> dict[str, Fault]:
    """The first fault of every field; ``field_of`` names the form's field for a place in the body."""
    faults: dict[str, Fault] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        faults.setdefault(field_of(item["loc"]), _FAULTS.get(item["type"], "malformed"))
    return faults


def key_of(typed: MultiDict[str]) -> str:
    """The form's idempotency key: the one it was given, a fresh one if that is gone."""
    key = typed.get("key", "")
    good = SHORTEST_KEY <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()
    return key if good else fresh_key()


def fresh_key() -> str:
    """An idempotency key for one more form."""
    return secrets.token_urlsafe(16)


def lines(text: str) -> list[str]:
    """What stands on each line of a field, without empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]
