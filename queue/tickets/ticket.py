"""Queue tickets: states and the moves between them, priority classes, tokens. Pure."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_TOKEN = re.compile(r"(?P<office>[a-z0-9]{2,6})\.(?P<day>[0-9a-z]{1,4})\.(?P<secret>[A-Za-z0-9_-]{22})")
_EPOCH = date(2020, 1, 1)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class State(StrEnum):
    """Where a ticket stands."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    SERVED = "served"
    NO_SHOW = "no_show"
    PARKED = "parked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether the ticket has left the line for good."""
        return self in _FINAL


_FINAL = frozenset({State.SERVED, State.NO_SHOW, State.CANCELLED, State.EXPIRED})


@dataclass(frozen=True, slots=True)
class Move:
    """An allowed change of state: its name, where it may start and where it leads."""

    name: str
    sources: tuple[State, ...]
    target: State


MOVES = {
    move.name: move
    for move in (
        Move("recall", (State.CALLED,), State.CALLED),
        Move("start", (State.CALLED,), State.SERVING),
        Move("finish", (State.SERVING,), State.SERVED),
        Move("no-show", (State.CALLED,), State.NO_SHOW),
        Move("cancel", (State.WAITING, State.CALLED, State.PARKED), State.CANCELLED),
    )
}
"""Every move but the call itself, which tickets.policy decides."""


class MoveNotAllowed(Exception):
    """The ticket is not in a state that the move may start from; the text says which would do."""

    def __init__(self, move: Move, state: State) -> None:
        allowed = ", ".join(move.sources)
        super().__init__(f"{move.name} needs a ticket that is {allowed}; this one is {state}")


class Priority(StrEnum):
    """Why somebody is served before others (domain.md: elderly from 75, disabled, pregnant, with a small child)."""

    NORMAL = "normal"
    ELDERLY = "elderly"
    DISABLED = "disabled"
    PREGNANT = "pregnant"
    WITH_SMALL_CHILD = "with_small_child"

    @property
    def rank(self) -> int:
        """Lower is called first."""
        return 1 if self is Priority.NORMAL else 0


@dataclass(frozen=True, slots=True)
class Token:
    """What a citizen holds: the office's short key and the service day, so that the line is found at once, and
    128 random bits.
    """

    text: str
    office_key: str
    day: date

    def __str__(self) -> str:
        return self.text


def new_token(office_key: str, day: date) -> Token:
    """A fresh token for a ticket of ``day`` at the office with ``office_key``."""
    return Token(f"{office_key}.{_base36((day - _EPOCH).days)}.{secrets.token_urlsafe(16)}", office_key, day)


def parse_token(text: str) -> Token | None:
    """The token in ``text``; None if it cannot be one."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    return Token(text, match["office"], _EPOCH + timedelta(days=int(match["day"], 36)))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
