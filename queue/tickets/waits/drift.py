"""Widen or narrow the band within the day, as forecasts turn out to hold or not. Pure, online.

Adaptive conformal inference (Gibbs and Candès, 2021): each verdict moves an end of the band by a small step, so that
in the long run a tenth of the waits falls beyond it, even on a day unlike all before. A forecast is judged at the
moment its p90 has passed, when the verdict is certain whether the wait is over or not: judging finished waits alone
would hear of the short ones first.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import exp, log

from tickets.waits.forecast import Forecast
from tickets.waits.habits import EXTRA_MIN

TAIL = 0.1
STEP = 0.002
_MOST = 0.7
"""A band's end moves by no more than a factor of two, in logarithms."""


class Expectation:
    """One forecast waiting for its verdict: made at minute ``at``; ``ended`` holds the real minutes, once known."""

    __slots__ = ("at", "dropped", "ended", "forecast")

    def __init__(self, at: float, forecast: Forecast) -> None:
        self.at = at
        self.forecast = forecast
        self.ended: float | None = None
        self.dropped = False


class Drift:
    """One day's corrections. ``above`` and ``below`` are what the ends of the band are moved by, as logarithms."""

    def __init__(self) -> None:
        self.above = 0.0
        self.below = 0.0
        self._due: list[tuple[float, int, Expectation]] = []
        self._order = count()

    def correct(self, forecast: Forecast) -> Forecast:
        """The forecast with its band's ends moved, never past the median."""
        return Forecast(
            min(forecast.p50, max(0.0, _moved(forecast.p10, -self.below))),
            forecast.p50,
            max(forecast.p50, _moved(forecast.p90, self.above)),
        )

    def expect(self, at: float, forecast: Forecast) -> Expectation:
        """Remember a forecast made at minute ``at``. Write into the answer how the wait ended."""
        expectation = Expectation(at, forecast)
        heappush(self._due, (at + forecast.p90, next(self._order), expectation))
        return expectation

    def judge(self, now: float) -> None:
        """Judge all forecasts whose p90 passed before minute ``now``."""
        while self._due and self._due[0][0] < now:
            self._learn(heappop(self._due)[2])

    def _learn(self, expectation: Expectation) -> None:
        if expectation.dropped:
            return
        ended, forecast = expectation.ended, expectation.forecast
        over = ended is None or ended > forecast.p90
        under = ended is not None and ended < forecast.p10
        self.above = _within(self.above + STEP * (over - TAIL))
        self.below = _within(self.below + STEP * (under - TAIL))


def _moved(minutes: float, by: float) -> float:
    return exp(log(minutes + EXTRA_MIN) + by) - EXTRA_MIN


def _within(correction: float) -> float:
    return min(_MOST, max(-_MOST, correction))
