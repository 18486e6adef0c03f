"""Reading a request body: bounded, decoded and checked against a strict model, or one clear BadRequest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from kit.problems import BadRequest, FieldError

LARGEST_BODY = 64 * 1024
SLOWEST_BODY = 10.0


class Body(BaseModel):
    """Base of request bodies: no unknown field, no silent conversion (1.5 is not an integer, 1 is not a string)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: web.Request, model: type[Model]) -> Model:
    """The JSON body as ``model``. Raises BadRequest; aiohttp answers 413 past ``LARGEST_BODY``."""
    raw = await _raw(request)
    if b"\x00" in raw or b"\\u0000" in raw:
        raise BadRequest("the body holds a NUL character")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    return check(model, value)


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The text fields of an HTML form. Raises BadRequest; aiohttp's 415 for another charset than ours, UTF-8."""
    if (request.charset or "utf-8").lower() != "utf-8":
        raise web.HTTPUnsupportedMediaType
    raw = await _raw(request)
    if b"\x00" in raw or b"%00" in raw:
        raise BadRequest("the form holds a NUL character")
    try:
        form = await request.post()
    except (ValueError, LookupError):
        raise BadRequest("the form cannot be read") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _raw(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            return await request.read()
    except TimeoutError:
        raise BadRequest("the body did not arrive in time") from None
    except (web.RequestPayloadError, ConnectionResetError):
        raise BadRequest("the body is broken or incomplete") from None


def check(model: type[Model], value: object) -> Model:
    """``value`` as ``model``. Raises BadRequest naming every wrong field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = [FieldError(_where(item["loc"]), item["msg"]) for item in error.errors(include_url=False)[:20]]
        raise BadRequest("the body has wrong fields", errors) from None


def _where(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(body)"
