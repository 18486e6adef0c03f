"""Learning from what was forecast and what came of it: the law by night, the width of the band also by day. Pure.

Each forecast keeps the signals it was made from, so the law is fitted to what was really known at the moment, and
the band is corrected by how often it held on days it had not seen (split-conformal in time; Romano, Patterson and
Candès, Conformalized quantile regression, 2019).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickets.waits.drift import Drift, Expectation
from tickets.waits.forecast import Forecast, Law, Signals, signals
from tickets.waits.habits import EXTRA_MIN, Habits, Place
from tickets.waits.tempo import Pulse

BAND = 0.8
KEEP_DAYS = 10
"""Days the law is fitted to."""
FADE = 0.5 ** (1 / 5)
"""What a day of them weighs against the next."""
FEWEST_WAITS = 200
"""Below this the law would be chance."""
_STRETCH = (0.7, 1.5)
_ROUNDS = 30
_RIDGE = 300.0
"""How many waits the law that a new office begins with weighs as much as, beside what its own days say."""
_FLAT = 0.01

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A forecast, with all that it was made from. Equal to nothing but itself."""

    place: Place
    known: bool
    signals: Signals
    expectation: Expectation

    @property
    def forecast(self) -> Forecast:
        """What was said."""
        return self.expectation.forecast


@dataclass(frozen=True, slots=True)
class _Day:
    signals: Matrix
    waits: Matrix
    """Logarithms."""
    misses: Matrix
    """How far the wait was from the median, in half widths of the band that the law of the day gave."""


class Learner:
    """Forecasts by day, learns by night. Times are minutes of the local day and never step back within it."""

    def __init__(self) -> None:
        self.habits = Habits()
        self.law = Law.unlearned()
        self.drift = Drift()
        self._learned = False
        self._days: deque[_Day] = deque(maxlen=KEEP_DAYS)
        self._ended: list[Told] = []

    def tell(self, queue: str, places: int, counters: float, pulse: Pulse) -> Told:
        """Forecast the wait of ``places`` in line (1 is next), at least 1, with ``counters`` open.

        Report what came of it with ``end`` or ``drop``.
        """
        self.drift.judge(pulse.at)
        habit = self.habits.of(queue, pulse.at, places)
        given = signals(places, counters, habit, pulse)
        forecast = self.drift.correct(self.law.forecast(given))
        place = Place(queue, pulse.at, places, counters)
        return Told(place, habit.known, given, self.drift.expect(pulse.at, forecast))

    def end(self, told: Told, minutes: float) -> None:
        """The wait is over after ``minutes``."""
        told.expectation.ended = minutes
        self._ended.append(told)

    def drop(self, told: Told) -> None:
        """Nobody will ever know: cancelled, expired, not recorded."""
        told.expectation.dropped = True

    def close_day(self, *, learn: bool = True) -> None:
        """Learn from the waits that ended today (unless not to ``learn``), and begin another day.

        Waits in queues that were seen the first time teach habits, but not the law: it weighs habits.
        """
        outcomes = [(told, told.expectation.ended or 0.0) for told in self._ended]
        self._ended, self.drift = [], Drift()
        if not learn or not outcomes:
            return
        if of_known := [(told, minutes) for told, minutes in outcomes if told.known]:
            self._days.append(self._day(of_known))
        self.habits.learn((told.place, minutes) for told, minutes in outcomes)
        if sum(len(day.waits) for day in self._days) >= FEWEST_WAITS:
            self.law = _fit(self._days)
            self._learned = True

    def _day(self, outcomes: Sequence[tuple[Told, float]]) -> _Day:
        given = np.array([told.signals for told, _ in outcomes])
        waits = np.log(np.array([minutes for _, minutes in outcomes]) + EXTRA_MIN)
        return _Day(given, waits, _misses(self.law, given, waits) if self._learned else np.empty(0))


def _misses(law: Law, given: Matrix, waits: Matrix) -> Matrix:
    low, middle, high = (given @ np.array(weights) for weights in (law.p10, law.p50, law.p90))
    half = np.where(waits < middle, middle - low, high - middle)
    return np.asarray(np.abs(waits - middle) / np.maximum(half, _FLAT))


def _fit(days: Sequence[_Day]) -> Law:
    given = np.concatenate([day.signals for day in days])
    waits = np.concatenate([day.waits for day in days])
    worth = np.concatenate([np.full(len(day.waits), FADE**age) for age, day in enumerate(reversed(days))][::-1])
    start = Law.unlearned()
    low = _quantile_weights(given, waits, worth, 0.1, start.p10)
    middle = _quantile_weights(given, waits, worth, 0.5, start.p50)
    high = _quantile_weights(given, waits, worth, 0.9, start.p90)
    return Law(low, middle, high, _stretch(np.concatenate([day.misses for day in days])))


def _stretch(misses: Matrix) -> float:
    if len(misses) < FEWEST_WAITS:
        return 1.0
    return float(np.clip(np.quantile(misses, BAND), *_STRETCH))


def _quantile_weights(given: Matrix, waits: Matrix, worth: Matrix, quantile: float, start: Signals) -> Signals:
    """Quantile regression by least squares reweighted (Schlossmacher, 1973), on standardised signals, drawn towards
    the weights in ``start``.
    """
    centre, spread = given.mean(axis=0), given.std(axis=0)
    centre[0], spread[spread < 1e-9] = 0.0, 1.0
    scaled = (given - centre) / spread
    target = waits - given @ np.array(start)
    ridge = _RIDGE * np.eye(scaled.shape[1])
    ridge[0, 0] = 1e-9
    weights = worth
    for _ in range(_ROUNDS):
        weighted = scaled * weights[:, None]
        found = np.linalg.solve(weighted.T @ scaled + ridge, weighted.T @ target)
        miss = target - scaled @ found
        weights = worth * np.where(miss > 0, quantile, 1 - quantile) / np.maximum(np.abs(miss), _FLAT)
    found /= spread
    found[0] -= centre @ found
    return tuple(float(weight) for weight in found + np.array(start))
