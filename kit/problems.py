"""Problem details (RFC 9457): what an error looks like to whoever called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error: HTTP status, a slug that names it for ever, and what to say in Vietnamese and English."""

    status: int
    slug: str
    title: str
    title_en: str
    retry_after: int | None = None
    shows_detail: bool = True
    """Whether the exception's text is for the caller; off where it would tell more than the title."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a body: where (``a.b[0]``) and why."""

    field: str
    reason: str


class BadRequest(Exception):
    """The request itself is wrong; ``errors`` name the fields if there are any."""

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class NotSignedIn(Exception):
    """The address needs a session and the request has none that is good."""


class Forbidden(Exception):
    """The session's role or office may not do this."""


class CrossOrigin(Exception):
    """A browser sent a changing request from another site."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error answer, ready to render as JSON or as a page."""

    type: ProblemType
    detail: str | None = None
    instance: str | None = None
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> bytes:
        """The ``application/problem+json`` body."""
        body: dict[str, object] = {
            "type": f"/problems/{self.type.slug}",
            "title": f"{self.type.title} · {self.type.title_en}",
            "status": self.type.status,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.instance:
            body["instance"] = self.instance
        if self.errors:
            body["errors"] = [{"field": error.field, "reason": error.reason} for error in self.errors]
        return orjson.dumps(body)
