"""How one queue moves today, as far as anybody can have seen it. Pure, online."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

SHORTEST_WATCH_MIN = 5.0
"""A queue watched from its first call on has been watched for this long at least: about one reading."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A queue at minute ``at`` of the local day.

    ``hour_calls`` people were called in the last ``hour_minutes`` (60, less when the day is younger); ``busy_calls``
    in the ``busy_minutes`` of today in which somebody waited; the last call was ``still_minutes`` ago.
    """

    at: float
    hour_minutes: float
    hour_calls: int
    busy_minutes: float
    busy_calls: int
    still_minutes: float


class Tempo:
    """One queue's day so far. Tell it everything in order of time; it forgets nothing until it is thrown away."""

    def __init__(self) -> None:
        self.busy_minutes = 0.0
        self.busy_calls = 0
        self._times: list[float] = []
        self._totals: list[int] = []
        self._seen: float | None = None
        self._waiting = 0

    def observe(self, at: float, calls: int, waiting: int, *, counted: bool = True) -> None:
        """At minute ``at``: ``calls`` people have been called since the last word, ``waiting`` wait now.

        Not ``counted``: that somebody was called is known, how many is not. Raises ValueError if time runs back.
        """
        if self._seen is not None and at < self._seen:
            raise ValueError(f"minute {at} was told after minute {self._seen}")
        if self._waiting:
            self.busy_minutes += at - self._seen if self._seen is not None else 0.0
            self.busy_calls += calls if counted else 0
        if calls:
            self._times.append(at)
            self._totals.append((self._totals[-1] if self._totals else 0) + calls)
        self._seen, self._waiting = at, waiting

    def calls_since(self, minute: float) -> int:
        """People called later than ``minute``."""
        if not self._totals:
            return 0
        before = bisect_right(self._times, minute)
        return self._totals[-1] - (self._totals[before - 1] if before else 0)

    def pulse(self, at: float) -> Pulse:
        """What is known at minute ``at``, which is not before the last word."""
        first, last = (self._times[0], self._times[-1]) if self._times else (at, at)
        return Pulse(
            at=at,
            hour_minutes=min(60.0, at - first + SHORTEST_WATCH_MIN),
            hour_calls=self.calls_since(at - 60),
            busy_minutes=self.busy_minutes,
            busy_calls=self.busy_calls,
            still_minutes=at - last,
        )
