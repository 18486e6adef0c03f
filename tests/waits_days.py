"""Made-up days of first-come queues, as snapshots of the kind that offices publish: for tests of the learned waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from heapq import heapreplace
from pathlib import Path
from random import Random

HEADER = "office,date,time,queue_id,queue,last_called,waiting,counters_open,published_minutes"
OPENS, CLOSES = 8 * 60, 16 * 60
LUNCH = (12 * 60, 13 * 60)
FIRST_DAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Kind:
    """An M/M/c queue: minutes between arrivals and per service; one counter of ``counters`` works through lunch."""

    letter: str
    between_min: float
    service_min: float
    counters: int
    lunch: bool = True


KINDS = (
    Kind("A", 3.0, 8.0, 3),
    Kind("B", 5.0, 14.0, 3),
    Kind("C", 2.0, 5.5, 3),
    Kind("D", 11.0, 12.0, 1, lunch=False),
    Kind("E", 4.0, 19.0, 5),
)


def rows(kinds: Sequence[Kind] = KINDS, days: int = 7, step: int = 5, seed: int = 1) -> list[str]:
    """The file's lines without its header: ``days`` days from FIRST_DAY on, a row per queue every ``step`` minutes."""
    dice = Random(seed)
    return [row for day in range(days) for kind in kinds for row in _day(kind, FIRST_DAY + timedelta(day), step, dice)]


def write(path: Path, lines: Sequence[str]) -> Path:
    """A file of these lines under the header."""
    path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    return path


def _day(kind: Kind, day: date, step: int, dice: Random) -> Iterator[str]:
    busier = dice.uniform(0.85, 1.2)
    arrivals = list(_arrivals(kind, busier, dice))
    called = list(_called(kind, arrivals, dice))
    for minute in range(OPENS, CLOSES + 120, step):
        here = sum(at <= minute for at in arrivals)
        served = sum(at <= minute for at in called)
        shown = f"{kind.letter}{served:03d}" if served else ""
        time = f"{minute // 60:02d}:{minute % 60:02d}"
        counters = _open(kind, minute)
        yield f"MADEUP,{day},{time},{kind.letter}1,Queue {kind.letter},{shown},{here - served},{counters},10"


def _arrivals(kind: Kind, busier: float, dice: Random) -> Iterator[float]:
    at = OPENS + dice.expovariate(busier / kind.between_min)
    while at < CLOSES - 15:
        yield at
        at += dice.expovariate(busier / kind.between_min)


def _called(kind: Kind, arrivals: Sequence[float], dice: Random) -> Iterator[float]:
    """When each arrival is called. A counter that is closed for lunch takes nobody before its end."""
    free = [float(OPENS)] * kind.counters
    last = 0.0
    for arrived in arrivals:
        at = max(free[0], arrived, last)
        while LUNCH[0] <= at < LUNCH[1] and sum(end > at for end in free) >= _open(kind, at):
            heapreplace(free, min([end for end in free if end > at] + [float(LUNCH[1])]))
            at = max(free[0], arrived, last)
        heapreplace(free, at + dice.expovariate(1 / kind.service_min))
        last = at
        yield at


def _open(kind: Kind, minute: float) -> int:
    return 1 if kind.lunch and LUNCH[0] <= minute < LUNCH[1] else kind.counters
