"""The forecast of one wait: habit and today's pulse weighed by a learned law, with an 80 % band. Pure.

The logarithm of the wait is linear in the signals, with weights of its own for each of the three quantiles
(Koenker and Bassett, Regression quantiles, 1978): a median makes the absolute error least, whatever the law of the
waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from tickets.waits.habits import EXTRA_MIN, Habit
from tickets.waits.tempo import Pulse

SIGNALS = (
    "constant",
    "habit",
    "long habit",
    "places",
    "pace of the hour",
    "pace of the day",
    "stillness",
    "part of day",
    "length of line",
    "counters",
    "hour",
    "hour after 9",
    "hour after 13",
)
LONGEST_MIN = 24 * 60.0
_LONG_HABIT_MIN = 15.0
_HOURS = (8.0, 16.0)
"""Outside these hours the time of day says no more: few days teach it."""

Signals = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Minutes that one, five and nine of ten such waits take at the most."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Law:
    """Weights of the signals for each quantile; ``stretch`` widens (> 1) or narrows the band about the median."""

    p10: Signals
    p50: Signals
    p90: Signals
    stretch: float = 1.0

    @classmethod
    def unlearned(cls) -> Law:
        """What a new office begins with: its habits, a part of what they say about hour, line and today, fewer
        minutes with more counters, and a band from a third to thrice the median.
        """
        rest = (1.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.5, 0.6, -0.25, 0.0, 0.0, 0.0)
        return cls((-log(3), *rest), (0.0, *rest), (log(3), *rest))

    def forecast(self, signals: Signals) -> Forecast:
        """The forecast for a wait with these signals."""
        low, middle, high = (_weigh(weights, signals) for weights in (self.p10, self.p50, self.p90))
        below, above = (self.stretch * max(0.0, width) for width in (middle - low, high - middle))
        return Forecast(*(_minutes(logarithm) for logarithm in (middle - below, middle, middle + above)))


def signals(places: int, counters: float, habit: Habit, pulse: Pulse) -> Signals:
    """The signals of ``places`` in line (1 is next) with ``counters`` open, in the order of SIGNALS.

    A pace is the logarithm of minutes per call seen, relative to the habit, as if two or three calls had come at
    the habit's pace before: a quiet half hour alone is no verdict.
    """
    each = habit.minutes / places
    usual = log(habit.minutes + EXTRA_MIN)
    hour = min(max(pulse.at / 60, _HOURS[0]), _HOURS[1])
    return (
        1.0,
        usual,
        max(0.0, usual - log(_LONG_HABIT_MIN + EXTRA_MIN)),
        log(places),
        log((pulse.hour_minutes / each + 2) / (pulse.hour_calls + 2)),
        log((pulse.busy_minutes / each + 3) / (pulse.busy_calls + 3)),
        log((pulse.still_minutes + 3) / (each + 3)),
        habit.part,
        habit.size,
        log(counters + 1) - habit.counters,
        hour,
        max(0.0, hour - 9),
        max(0.0, hour - 13),
    )


def _weigh(weights: Signals, given: Signals) -> float:
    return sum(weight * signal for weight, signal in zip(weights, given, strict=True))


def _minutes(logarithm: float) -> float:
    return min(max(exp(min(logarithm, 50.0)) - EXTRA_MIN, 0.0), LONGEST_MIN)
