"""Live through recorded days as the service would have: forecast by day, learn by night, and keep the score. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

from tickets.waits.baselines import BASELINES, STRONGER, Baselines
from tickets.waits.forecast import Forecast
from tickets.waits.learning import Learner
from tickets.waits.recorded import Line, Question, Unknown
from tickets.waits.scores import BandScore, Score
from tickets.waits.snapshots import Reading

COVERAGE = (0.78, 0.82)
"""What an 80 % band may cover."""


class NothingToScore(ValueError):
    """The snapshots have no finished wait to learn from, or none to score."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A scored forecast, the baselines' minutes, and the real wait."""

    told: Forecast
    baselines: Mapping[str, float]
    real: float


@dataclass(slots=True)
class Backtest:
    """The record: which days taught, which were scored, and how many people were left out and why."""

    taught: list[date] = field(default_factory=list)
    scored: dict[date, list[Answer]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    def estimate(self, *days: date) -> tuple[Score, BandScore]:
        """The score of the estimate, on these scored days or on all."""
        answers = self._answers(days)
        real = [answer.real for answer in answers]
        told = [answer.told for answer in answers]
        return Score.of([forecast.p50 for forecast in told], real), BandScore.of(told, real)

    def baseline(self, name: str, *days: date) -> Score:
        """The score of a baseline on the same waits."""
        answers = self._answers(days)
        return Score.of([answer.baselines[name] for answer in answers], [answer.real for answer in answers])

    def shortfalls(self) -> list[str]:
        """In words, what was missed; empty if the estimate beats every baseline and its band holds."""
        score, band = self.estimate()
        missed = [f"does not beat {name}" for name in BASELINES if not score.beats(self.baseline(name))]
        if not COVERAGE[0] <= band.band_coverage <= COVERAGE[1]:
            missed.append(f"the 80 % band covers {band.band_coverage:.1%}, not {COVERAGE[0]:.0%} to {COVERAGE[1]:.0%}")
        return missed

    def as_json(self) -> dict[str, object]:
        """The figures: ``estimate``, one object per baseline, and what they stand on."""
        return {
            "estimate": self._estimate_json(),
            **{name: asdict(self.baseline(name)) for name in BASELINES},
            "stronger": {name: asdict(self.baseline(name)) for name in STRONGER},
            "shortfalls": self.shortfalls(),
            "learned_from": [day.isoformat() for day in self.taught],
            "days": {day.isoformat(): self._estimate_json(day) for day in self.scored},
            "left_out": {reason.value: self.left_out[reason.value] for reason in Unknown},
        }

    def _estimate_json(self, *days: date) -> dict[str, float]:
        score, band = self.estimate(*days)
        return asdict(score) | asdict(band)

    def _answers(self, days: Sequence[date]) -> list[Answer]:
        return [answer for day in days or self.scored for answer in self.scored[day]]


def live_through(readings: Iterable[Reading], learner: Learner) -> dict[str, Line]:
    """One day's lines by queue, all read together in order of time. The learner's day is left open."""
    lines: dict[str, Line] = {}
    for reading in readings:
        if (line := lines.get(reading.queue)) is None:
            line = lines[reading.queue] = Line(learner)
        line.read(reading)
    for line in lines.values():
        line.close()
    return lines


def run(
    readings: Iterable[Reading],
    train_until: date,
    *,
    frozen: bool = False,
    progress: Callable[[int], None] = lambda readings: None,
) -> Backtest:
    """Learn on the days before ``train_until``, score on that day and the later ones.

    The estimate goes on learning each night, as in service, unless ``frozen``; the baselines never do. ``progress``
    is told after each day how many readings it had. Raises NothingToScore.
    """
    test, learner, baselines = Backtest(), Learner(), Baselines()
    for day, rows in _days(readings):
        lines = live_through(rows, learner)
        if day < train_until:
            _teach(test, baselines, day, lines)
        else:
            _score(test, baselines, day, lines)
        learner.close_day(learn=day < train_until or not frozen)
        progress(len(rows))
    if not test.taught:
        raise NothingToScore(f"no finished wait before {train_until}: nothing to learn from")
    if not test.scored:
        raise NothingToScore(f"no finished wait on {train_until} or later: nothing to score")
    return test


def _teach(test: Backtest, baselines: Baselines, day: date, lines: Mapping[str, Line]) -> None:
    for queue, line in lines.items():
        baselines.learn_day(queue, line.tempo.busy_minutes, line.tempo.busy_calls)
        for question in line.asked:
            if not isinstance(question.real, Unknown):
                baselines.learn_wait(queue, question.told.place.places, question.real)
                if test.taught[-1:] != [day]:
                    test.taught.append(day)


def _score(test: Backtest, baselines: Baselines, day: date, lines: Mapping[str, Line]) -> None:
    answers = []
    for question in (question for line in lines.values() for question in line.asked):
        if isinstance(question.real, Unknown):
            test.left_out[question.real.value] += 1
        else:
            beside = _beside(question, baselines)
            answers.append(Answer(question.told.forecast, beside, question.real))
    if answers:
        test.scored[day] = answers


def _beside(question: Question, baselines: Baselines) -> dict[str, float]:
    place = question.told.place
    return baselines.estimates(place.queue, place.places, question.recent_calls, question.reading.published)


def _days(readings: Iterable[Reading]) -> Iterator[tuple[date, list[Reading]]]:
    """The days in order, each with its readings in order of time."""
    days: dict[date, list[Reading]] = defaultdict(list)
    for reading in readings:
        days[reading.day].append(reading)
    for day in sorted(days):
        yield day, sorted(days[day], key=lambda reading: reading.minute)
