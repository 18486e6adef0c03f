"""What queues usually take: minutes per place in line, by queue, part of the day and length of the line. Pure.

Learned from finished waits as sums that fade, so that old days weigh less. A queue with little evidence is drawn
towards all queues together (the usual shrinkage of a random effect: n observations against a fixed weight).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

EXTRA_MIN = 2.0
"""Waits are compared as logarithms of minutes + 2: a wait of nearly nothing is no smaller than it feels."""
FADE = 0.5 ** (1 / 10)
"""What a day's evidence is worth a working day later: half after ten."""
QUEUE_WEIGHT, CELL_WEIGHT, COUNTER_WEIGHT = 10.0, 20.0, 5.0
_PART_ENDS_MIN = (10 * 60, 13 * 60)
_SIZE_ENDS = (1, 3, 8)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in line: ``places`` to be called (1 is next) at minute ``at`` of the day, with ``counters`` open."""

    queue: str
    at: float
    places: int
    counters: float


@dataclass(frozen=True, slots=True)
class Habit:
    """What a place in a queue usually takes.

    ``minutes`` for all places together; ``part`` and ``size`` say by how much, as logarithms, this part of the day
    and lines of this length differ; ``counters`` is the usual log(counters + 1); ``known`` once the queue itself
    has been seen.
    """

    minutes: float
    part: float
    size: float
    counters: float
    known: bool


@dataclass(slots=True)
class _Sums:
    n: float = 0.0
    pace: float = 0.0
    length: float = 0.0
    length_squared: float = 0.0
    product: float = 0.0
    counters: float = 0.0

    def add(self, pace: float, length: float, counters: float) -> None:
        self.n += 1
        self.pace += pace
        self.length += length
        self.length_squared += length * length
        self.product += pace * length
        self.counters += counters

    def fade(self) -> None:
        self.n *= FADE
        self.pace *= FADE
        self.length *= FADE
        self.length_squared *= FADE
        self.product *= FADE
        self.counters *= FADE


class Habits:
    """The habits of all queues of an installation."""

    def __init__(self) -> None:
        self._queues: dict[str, _Sums] = defaultdict(_Sums)
        self._parts: dict[tuple[str, int], _Sums] = defaultdict(_Sums)
        self._sizes: dict[tuple[str, int], _Sums] = defaultdict(_Sums)
        self._slope = -0.5
        self._level = log(10.0)

    def learn(self, waits: Iterable[tuple[Place, float]]) -> None:
        """Take in a day's finished waits, in minutes; everything known before fades by a day."""
        for table in (self._queues, self._parts, self._sizes):
            for sums in table.values():
                sums.fade()
        for place, minutes in waits:
            pace = min(5.0, max(-3.0, log((minutes + EXTRA_MIN) / place.places)))
            length, counters = log(place.places), log(place.counters + 1)
            self._queues[place.queue].add(pace, length, counters)
            self._parts[place.queue, _part(place.at)].add(pace, length, counters)
            self._sizes[place.queue, _size(place.places)].add(pace, length, counters)
        self._settle()

    def of(self, queue: str, at: float, places: int) -> Habit:
        """The habit of ``places`` in ``queue`` at minute ``at`` of the day; an unknown queue has everyone's."""
        sums = self._queues.get(queue, _Sums())
        level = self._level_of(sums)
        return Habit(
            minutes=exp(level + self._slope * log(places)) * places,
            part=self._excess(self._parts.get((queue, _part(at))), level),
            size=self._excess(self._sizes.get((queue, _size(places))), level),
            counters=(sums.counters + COUNTER_WEIGHT * log(2)) / (sums.n + COUNTER_WEIGHT),
            known=sums.n > 0,
        )

    def _settle(self) -> None:
        """Within a queue, how pace changes with the length of the line; then the level of all queues."""
        seen = [sums for sums in self._queues.values() if sums.n > 0]
        across = sum(sums.product - sums.pace * sums.length / sums.n for sums in seen)
        along = sum(sums.length_squared - sums.length**2 / sums.n for sums in seen)
        if along > 1:
            self._slope = min(0.0, max(-1.0, across / along))
        if seen:
            self._level = sum(self._rest(sums) for sums in seen) / sum(sums.n for sums in seen)

    def _rest(self, sums: _Sums) -> float:
        return sums.pace - self._slope * sums.length

    def _level_of(self, sums: _Sums) -> float:
        return (self._rest(sums) + QUEUE_WEIGHT * self._level) / (sums.n + QUEUE_WEIGHT)

    def _excess(self, cell: _Sums | None, level: float) -> float:
        return (self._rest(cell) - cell.n * level) / (cell.n + CELL_WEIGHT) if cell else 0.0


def _part(at: float) -> int:
    return bisect_left(_PART_ENDS_MIN, at)


def _size(places: int) -> int:
    return bisect_left(_SIZE_ENDS, places)
