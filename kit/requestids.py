"""Request ids: what joins an answer, a log line and a complaint."""

from __future__ import annotations

import itertools
import re
import secrets

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Hands out ids that are unique in this worker and, by a random prefix, among workers."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """A new id."""
        return f"{self._prefix}-{next(self._numbers):x}"

    def of(self, given: str | None) -> str:
        """The id that a client or proxy gave, if it is one, else a new one."""
        return given if given is not None and _GIVEN.fullmatch(given) else self.next()
