"""The waiting estimate: how long until a place in the line is called. Pure.

With exponential service at ``c`` busy counters, the time until the ``k``-th next call is Erlang(k, c / mean service
time);
it is the waiting time of whoever stands ``k``-th in an M/M/c first-come line. The mean is not known but learned from
the
last hour's calls, starting from what the office expects: as a gamma posterior it widens the Erlang's variance from k to
k (1 + k / n) for n calls' worth of evidence. The two are matched by one gamma law.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PRIOR_CALLS = 4.0
"""How many observed calls the office's own expectation weighs as much as."""
_Z90 = 1.2815515655446004
_LONGEST_MIN = 24 * 60


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a service moves.

    ``calls`` calls in the last hour took ``minutes`` minutes together; ``expected_minutes`` is the office's own
    figure for
    one call; ``counters`` is how many open counters' worth of work the service gets; ``idle`` of them are free right
    now.
    """

    expected_minutes: float
    counters: float
    idle: int = 0
    calls: int = 0
    minutes: float = 0.0

    @property
    def evidence(self) -> float:
        """In calls."""
        return PRIOR_CALLS + self.calls

    @property
    def service_minutes(self) -> float:
        """The learned mean of one call."""
        return (PRIOR_CALLS * self.expected_minutes + self.minutes) / self.evidence


@dataclass(frozen=True, slots=True)
class Wait:
    """Minutes that half, and nine tenths, of people in this place wait at the most."""

    p50: int
    p90: int


def estimate(ahead: int, pace: Pace) -> Wait | None:
    """The wait of somebody with ``ahead`` people before them; None while no counter is open, for then nobody can
    say.
    """
    if pace.counters <= 0:
        return None
    calls_needed = ahead + 1 - pace.idle
    if calls_needed <= 0:
        return Wait(0, 1)
    mean_gap = pace.service_minutes / pace.counters
    shape = calls_needed / (1 + calls_needed / pace.evidence)
    scale = calls_needed * mean_gap / shape
    p50, p90 = (_gamma_quantile(shape, scale, z) for z in (0.0, _Z90))
    return Wait(min(round(p50), _LONGEST_MIN), min(math.ceil(p90), _LONGEST_MIN))


def _gamma_quantile(shape: float, scale: float, z: float) -> float:
    # Wilson and Hilferty (1931): the cube root of a gamma variable is nearly normal.
    return shape * scale * max(0.0, 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3
