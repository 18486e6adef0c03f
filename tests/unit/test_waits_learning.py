"""The learned waiting time: near the truth where the truth is known, honest about its band, blind to the future."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.waits_days import FIRST_DAY, HEADER, Kind, rows
from tickets.waits.backtest import NothingToScore, live_through, run
from tickets.waits.drift import Drift
from tickets.waits.forecast import SIGNALS, Forecast, Law, signals
from tickets.waits.habits import Habits, Place
from tickets.waits.learning import Learner
from tickets.waits.recorded import Question
from tickets.waits.scores import BandScore, Score
from tickets.waits.snapshots import Reading, read_snapshots
from tickets.waits.tempo import Pulse, Tempo

QUIET = Pulse(at=600, hour_minutes=60, hour_calls=6, busy_minutes=100, busy_calls=10, still_minutes=5)


def readings(lines: Sequence[str]) -> list[Reading]:
    return sorted(read_snapshots([HEADER, *lines]), key=lambda reading: (reading.day, reading.minute))


def rehearse(recorded: Iterable[Reading]) -> list[Question]:
    """Live through all days, learning each night; every forecast in order."""
    learner, asked = Learner(), []
    days: dict[date, list[Reading]] = {}
    for reading in recorded:
        days.setdefault(reading.day, []).append(reading)
    for day in sorted(days):
        lines = live_through(days[day], learner)
        asked += [question for line in lines.values() for question in line.asked]
        learner.close_day()
    return asked


THREE_DAYS = readings(rows(days=3, seed=4))
FORECASTS = {(q.reading.day, q.reading.minute, q.reading.queue): q.told.forecast for q in rehearse(THREE_DAYS)}


@settings(max_examples=15, deadline=None)
@given(day=st.integers(0, 2), minute=st.integers(485, 1000), seed=st.integers(0, 2**32))
def test_nothing_after_the_moment_changes_a_forecast(day: int, minute: int, seed: int) -> None:
    now, dice = (FIRST_DAY + timedelta(day), minute), Random(seed)
    changed = []
    for reading in THREE_DAYS:
        if (reading.day, reading.minute) <= now:
            changed.append(reading)
        elif dice.random() < 0.8:
            changed.append(reading._replace(number=dice.randrange(200), waiting=dice.randrange(50), counters=1))
    seen = {key: told for key, told in FORECASTS.items() if key[:2] <= now}
    again = {(q.reading.day, q.reading.minute, q.reading.queue): q.told.forecast for q in rehearse(changed)}
    assert seen == {key: told for key, told in again.items() if key[:2] <= now}


def test_the_past_does_change_a_forecast() -> None:
    slower = [r._replace(number=(r.number or 0) // 2 or None) if r.day == FIRST_DAY else r for r in THREE_DAYS]
    again = {(q.reading.day, q.reading.minute, q.reading.queue): q.told.forecast for q in rehearse(slower)}
    later = [key for key in FORECASTS if key[0] > FIRST_DAY and key in again]
    assert later
    assert all(FORECASTS[key] != again[key] for key in later)


def test_near_the_truth_of_a_busy_hall() -> None:
    """With c busy counters of exponential service the k-th in line waits Erlang(k, c / mean service time)."""
    kind = Kind("A", 2.45, 8.0, 3, lunch=False)
    asked = [q for q in rehearse(readings(rows([kind], days=9, step=1, seed=3))) if q.reading.day.day > 8]
    asked = [q for q in asked if 4 <= q.reading.waiting <= 40]
    ratios = []
    for question in asked:
        k = question.reading.waiting
        truth = k * (8.0 / 3) * (1 - 1 / (9 * k)) ** 3 + 0.5
        ratios.append(question.told.forecast.p50 / truth)
    assert len(ratios) > 200
    assert 0.85 < fmean(ratios) < 1.15
    assert sum(0.65 < ratio < 1.5 for ratio in ratios) > 0.9 * len(ratios)


def test_the_band_covers_what_it_says() -> None:
    told: list[Forecast] = []
    real: list[float] = []
    for seed in (1, 2, 3):
        test = run(read_snapshots([HEADER, *rows(days=20, seed=seed)]), FIRST_DAY + timedelta(12))
        told += [answer.told for answers in test.scored.values() for answer in answers]
        real += [answer.real for answers in test.scored.values() for answer in answers]
    assert 0.78 <= BandScore.of(told, real).band_coverage <= 0.82


def test_it_beats_every_baseline_and_learns_on() -> None:
    recorded = list(read_snapshots([HEADER, *rows(days=20, seed=2)]))
    test = run(recorded, FIRST_DAY + timedelta(12))
    assert test.shortfalls() == []
    assert (len(test.taught), len(test.scored)) == (12, 8)
    frozen = run(recorded, FIRST_DAY + timedelta(12), frozen=True)
    first, *later = test.scored
    assert frozen.estimate(first) == test.estimate(first)
    assert all(frozen.estimate(day) != test.estimate(day) for day in later)
    assert frozen.baseline("mean_of_both") == test.baseline("mean_of_both")


def test_the_days_before_and_after_must_have_waits() -> None:
    with pytest.raises(NothingToScore, match="nothing to learn from"):
        run(THREE_DAYS, FIRST_DAY)
    with pytest.raises(NothingToScore, match="nothing to score"):
        run(THREE_DAYS, FIRST_DAY + timedelta(3))


def test_a_new_office_says_its_habit() -> None:
    learner = Learner()
    learner.habits.learn([(Place("Hall/1", 600, 4, 2), 40.0)] * 500)
    told = learner.tell("Hall/1", 4, 2, QUIET)
    assert told.known
    assert 36 < told.forecast.p50 < 44
    assert not learner.tell("Hall/2", 4, 2, QUIET).known
    assert learner.tell("Hall/1", 4, 4, QUIET).forecast.p50 < told.forecast.p50


def test_habits_know_the_part_of_the_day_and_the_length_of_the_line() -> None:
    habits = Habits()
    morning, noon = Place("Hall/1", 540, 4, 2), Place("Hall/1", 700, 4, 2)
    habits.learn([(morning, 20.0), (noon, 40.0)] * 200)
    assert habits.of("Hall/1", 540, 4).part < -0.2 < 0.2 < habits.of("Hall/1", 700, 4).part
    assert habits.of("Hall/1", 540, 4).minutes == pytest.approx(30, abs=3)


@given(
    places=st.integers(1, 9999),
    counters=st.integers(0, 500),
    calls=st.integers(0, 10_000),
    minutes=st.floats(0, 1440),
    weights=st.lists(st.floats(-50, 50), min_size=len(SIGNALS), max_size=len(SIGNALS)),
)
def test_a_forecast_is_in_order_and_within_a_day(
    places: int, counters: int, calls: int, minutes: float, weights: list[float]
) -> None:
    pulse = Pulse(minutes, min(60.0, minutes + 5), calls, minutes, calls, minutes)
    known = signals(places, counters, Habits().of("Hall/1", minutes, places), pulse)
    assert len(known) == len(SIGNALS)
    start = Law.unlearned()
    drift = Drift()
    drift.above, drift.below = 0.7, -0.7
    for law in (start, Law(tuple(weights), start.p50, start.p10), Law(start.p90, tuple(weights), start.p10)):
        for forecast in (law.forecast(known), drift.correct(law.forecast(known))):
            assert 0 <= forecast.p10 <= forecast.p50 <= forecast.p90


def test_the_band_drifts_towards_what_the_day_shows() -> None:
    wide, narrow = Drift(), Drift()
    for minute in range(1000):
        wide.expect(minute, Forecast(5, 10, 20)).ended = 30.0
        narrow.expect(minute, Forecast(5, 10, 20)).ended = 10.0
    wide.judge(500)
    assert wide.above > 0
    assert narrow.above == 0
    for drift in (wide, narrow):
        drift.judge(2000)
    assert wide.correct(Forecast(5, 10, 20)).p90 > 40
    assert narrow.correct(Forecast(5, 10, 20)).p90 < 20
    assert wide.correct(Forecast(5, 10, 20)).p50 == 10


def test_an_unfinished_wait_is_judged_when_its_p90_has_passed_and_a_dropped_one_never() -> None:
    drift = Drift()
    drift.expect(0, Forecast(5, 10, 20))
    drift.expect(0, Forecast(5, 10, 20)).dropped = True
    drift.judge(20)
    assert drift.above == 0
    drift.judge(21)
    assert drift.above == pytest.approx(0.9 * 0.002)


def test_the_tempo_counts_calls_and_busy_minutes() -> None:
    tempo = Tempo()
    tempo.observe(480, 1, 3)
    tempo.observe(490, 2, 1)
    tempo.observe(500, 1, 0)
    tempo.observe(530, 1, 2)
    tempo.observe(540, 1, 2, counted=False)
    assert tempo.pulse(545) == Pulse(545, 60.0, 5, 30.0, 3, 5.0)
    assert tempo.calls_since(500) == 2
    with pytest.raises(ValueError, match="minute 539 was told after minute 540"):
        tempo.observe(539, 0, 0)


def test_scores() -> None:
    score = Score.of([10, 20, 30, 40], [10, 14, 31, 60])
    assert score == Score(4, 6.75, 3.5, 0.5, -3.75)
    assert not score.beats(score)
    assert Score.of([10, 20, 31, 40], [10, 15, 31, 60]).beats(score)
    band = BandScore.of([Forecast(5, 10, 15), Forecast(5, 10, 25)], [16.0, 5.0])
    assert band == BandScore(0.5, 15.0)
