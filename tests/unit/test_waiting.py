"""The waiting estimate, held against a simulated M/M/c line."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.waiting import PRIOR_CALLS, Pace, Wait, estimate

PACES = st.builds(
    Pace,
    expected_minutes=st.floats(0.5, 120),
    counters=st.floats(0.1, 40),
    idle=st.integers(0, 5),
    calls=st.integers(0, 400),
    minutes=st.floats(0, 5000),
)


@dataclass(frozen=True)
class Arrival:
    """What somebody who has to wait finds on arrival, and how long it really takes (minutes)."""

    ahead: int
    calls: int
    minutes: float
    waited: float


def simulated_line(random: Random, *, servers: int, mean: float, load: float, people: int) -> Iterator[Arrival]:
    """Everyone who waits in a first-come M/M/c line at ``load`` (0 to 1), with the last hour's calls as they see it."""
    free_at = [0.0] * servers
    heapq.heapify(free_at)
    waiting: deque[float] = deque()  # when those who are still in line will be called
    ended: list[tuple[float, float]] = []  # (end, length) of visits still to end
    hour: deque[tuple[float, float]] = deque()
    now = 0.0
    for _ in range(people):
        now += random.expovariate(load * servers / mean)
        while waiting and waiting[0] <= now:
            waiting.popleft()
        while ended and ended[0][0] <= now:
            hour.append(heapq.heappop(ended))
        while hour and hour[0][0] <= now - 60:
            hour.popleft()
        called = max(now, heapq.heappop(free_at))
        if called > now > 600:
            yield Arrival(len(waiting), len(hour), sum(length for _, length in hour), called - now)
        length = random.expovariate(1 / mean)
        heapq.heappush(free_at, called + length)
        heapq.heappush(ended, (called + length, length))
        if called > now:
            waiting.append(called)


def coverage(arrivals: list[Arrival], expected_minutes: float, servers: int) -> tuple[float, float]:
    """Which shares waited at most p50, and at most p90."""
    within_50 = within_90 = 0
    for arrival in arrivals:
        pace = Pace(expected_minutes, servers, calls=arrival.calls, minutes=arrival.minutes)
        wait = estimate(arrival.ahead, pace)
        assert wait is not None
        within_50 += arrival.waited <= wait.p50
        within_90 += arrival.waited <= wait.p90
    return within_50 / len(arrivals), within_90 / len(arrivals)


# Waits far above the minute to which the estimate is rounded.
@pytest.mark.parametrize(("servers", "mean"), [(2, 15.0), (4, 10.0), (7, 20.0), (15, 20.0)])
def test_half_and_nine_tenths_wait_no_longer_than_told(servers: int, mean: float) -> None:
    arrivals = list(simulated_line(Random(servers), servers=servers, mean=mean, load=0.9, people=30_000))
    assert len(arrivals) > 10_000
    within_50, within_90 = coverage(arrivals, mean, servers)
    assert 0.40 <= within_50 <= 0.60
    assert 0.85 <= within_90 <= 0.95


def test_the_last_hour_corrects_an_expectation_that_is_wrong() -> None:
    arrivals = list(simulated_line(Random(1), servers=6, mean=12.0, load=0.9, people=20_000))
    deaf = [Arrival(arrival.ahead, 0, 0.0, arrival.waited) for arrival in arrivals]
    learned, unlearned = coverage(arrivals, 6.0, 6), coverage(deaf, 6.0, 6)
    assert abs(learned[0] - 0.5) < abs(unlearned[0] - 0.5)
    assert learned[1] > 0.8 > unlearned[1]


@given(st.integers(0, 500), st.floats(0.5, 120), st.integers(0, 400))
def test_nobody_can_say_while_no_counter_is_open(ahead: int, expected: float, calls: int) -> None:
    assert estimate(ahead, Pace(expected, 0, calls=calls, minutes=float(calls))) is None


@given(PACES)
def test_whoever_stands_further_back_is_never_told_a_shorter_wait(pace: Pace) -> None:
    told = [estimate(ahead, pace) for ahead in range(60)]
    waits = [wait for wait in told if wait is not None]
    assert len(waits) == 60
    for wait in waits:
        assert 0 <= wait.p50 <= wait.p90 <= 24 * 60
    assert [wait.p50 for wait in waits] == sorted(wait.p50 for wait in waits)
    assert [wait.p90 for wait in waits] == sorted(wait.p90 for wait in waits)


@given(st.integers(0, 100), st.floats(1, 60), st.floats(0.5, 20))
def test_more_counters_never_mean_a_longer_wait(ahead: int, expected: float, counters: float) -> None:
    few, many = estimate(ahead, Pace(expected, counters)), estimate(ahead, Pace(expected, counters + 1))
    assert few is not None
    assert many is not None
    assert (many.p50, many.p90) <= (few.p50, few.p90)


def test_whoever_finds_a_free_counter_does_not_wait() -> None:
    assert estimate(0, Pace(20, 3, idle=1)) == Wait(0, 1)
    assert estimate(2, Pace(20, 3, idle=3)) == Wait(0, 1)


def test_what_the_office_expects_weighs_as_much_as_some_calls() -> None:
    calls = int(PRIOR_CALLS)
    assert Pace(10, 1).service_minutes == 10
    assert Pace(10, 1, calls=calls, minutes=20.0 * calls).service_minutes == pytest.approx(15)
    assert Pace(10, 1, calls=396, minutes=20.0 * 396).service_minutes == pytest.approx(19.9)
