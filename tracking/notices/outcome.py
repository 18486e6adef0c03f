"""How one attempt to send ended, and when the next one is due. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

UNCERTAIN = "uncertain"
NOT_CONFIGURED = "not configured"
NO_ADDRESS = "no address"


class Result(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    PUT_OFF = "put_off"
    """It surely did not arrive; it may be tried again."""
    DEAD = "dead"
    """It will never arrive as it is, or nobody can tell whether it did: a person decides."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` is for staff and holds nothing personal; ``after`` is how many seconds the other side asks for."""

    result: Result
    error: str | None = None
    after: float | None = None
    tried: bool = True
    """False: the other side was not even asked, so the attempt does not count."""


SENT = Outcome(Result.SENT)


def put_off(error: str, after: float | None = None) -> Outcome:
    """It did not arrive; try again, not before ``after`` seconds if the other side says so."""
    return Outcome(Result.PUT_OFF, error, after)


def untried(error: str) -> Outcome:
    """The fault is ours: try again as if nothing had been."""
    return Outcome(Result.PUT_OFF, error, tried=False)


def dead(error: str) -> Outcome:
    """Trying again makes no sense."""
    return Outcome(Result.DEAD, error)


class Progress:
    """How far one attempt has come: whether the other side may hold the message although nobody said so."""

    def __init__(self) -> None:
        self.handed_over = False


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until the second attempt; doubled each time up to ``longest``; dead after ``attempts``.

    Each wait is shortened by up to ``jitter`` of itself, so that what failed together does not come back together.
    """

    first: float = 5.0
    longest: float = 3600.0
    attempts: int = 12
    jitter: float = 0.2

    def wait(self, attempts: int, chance: float, after: float | None = None) -> float | None:
        """Seconds until the next attempt when ``attempts`` were made; None: none is left.

        ``chance`` is a random number in [0, 1); ``after``, what the other side asks for, is obeyed up to ``longest``.
        """
        if attempts >= self.attempts:
            return None
        doubled = min(self.longest, self.first * 2.0 ** min(attempts - 1, 60))
        return max(doubled * (1 - self.jitter * chance), min(after or 0.0, self.longest))


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` header (seconds or a date) asks for; None if it is missing or senseless."""
    if header is None:
        return None
    if header.isascii() and header.isdecimal():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


GONE_FOR_GOOD = frozenset({400, 404, 410, 413, 422})
"""HTTP answers to a message that no repetition can change."""


def of_http(status: int, header: str | None, now: datetime) -> Outcome:
    """The outcome that an HTTP answer means, with its ``Retry-After`` header."""
    if 200 <= status < 300:
        return SENT
    if status in GONE_FOR_GOOD:
        return dead(f"HTTP {status}")
    return put_off(f"HTTP {status}", retry_after(header, now))
