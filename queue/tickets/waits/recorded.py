"""What recorded snapshots tell of one queue: the calls as they came, and how long the last in line waited. Pure.

The number called last plus the people waiting is the number of the last person in line; that person's wait ends at
the first later reading on the same day whose last called number has reached it. Whoever is never reached is left out,
for their wait is unknown; so is a wait across a flaw of the record, after which numbers prove nothing: another
series of numbers shown, a step back, a jump by more than LONGEST_JUMP, or no reading for more than LONGEST_GAP_MIN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tickets.waits.baselines import WINDOW_MIN
from tickets.waits.learning import Learner, Told
from tickets.waits.snapshots import Reading
from tickets.waits.tempo import Tempo

LONGEST_JUMP = 30
LONGEST_GAP_MIN = 20


class Unknown(Enum):
    """Why a wait cannot be told."""

    NOT_REACHED = "not_reached"
    FLAWED = "flawed"


@dataclass(slots=True)
class Question:
    """The last person in line at a reading: what was forecast, and in the end how many minutes they waited."""

    reading: Reading
    told: Told
    recent_calls: int
    """In the half hour before."""
    real: float | Unknown = Unknown.NOT_REACHED


@dataclass(slots=True)
class Line:
    """One queue's day, read in order of time; each forecast is made from what was read until then."""

    learner: Learner
    tempo: Tempo = field(default_factory=Tempo)
    asked: list[Question] = field(default_factory=list)
    _open: list[Question] = field(default_factory=list)
    _last: Reading | None = None
    _read_at: int | None = None

    def read(self, reading: Reading) -> None:
        """Take in the next reading: end the waits that it shows to be over, forecast that of the last in line."""
        if self._read_at is not None and reading.minute - self._read_at > LONGEST_GAP_MIN:
            self._drop()
        self._read_at = reading.minute
        if reading.number is None:
            return
        step = self._step(reading)
        if step is None:
            self._drop()
        else:
            self._end(reading)
        self.tempo.observe(reading.minute, 1 if step is None else step, reading.waiting, counted=step is not None)
        self._last = reading
        if reading.waiting:
            self._ask(reading)

    def close(self) -> None:
        """The day is over: nobody else will be called."""
        for question in self._open:
            self.learner.drop(question.told)

    def _step(self, reading: Reading) -> int | None:
        """People called since the last number; None where the numbers don't follow each other."""
        if self._last is None or self._last.series != reading.series:
            return None
        step = (reading.number or 0) - (self._last.number or 0)
        return step if 0 <= step <= LONGEST_JUMP else None

    def _end(self, reading: Reading) -> None:
        still_open = []
        for question in self._open:
            if (reading.number or 0) < (question.reading.number or 0) + question.reading.waiting:
                still_open.append(question)
            else:
                question.real = float(reading.minute - question.reading.minute)
                self.learner.end(question.told, question.real)
        self._open = still_open

    def _drop(self) -> None:
        for question in self._open:
            question.real = Unknown.FLAWED
            self.learner.drop(question.told)
        self._open = []

    def _ask(self, reading: Reading) -> None:
        told = self.learner.tell(reading.queue, reading.waiting, reading.counters, self.tempo.pulse(reading.minute))
        question = Question(reading, told, self.tempo.calls_since(reading.minute - WINDOW_MIN))
        self.asked.append(question)
        self._open.append(question)
