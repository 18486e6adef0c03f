"""The simple estimates that a learned one has to beat. Pure."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

BASELINES = ("published", "throughput", "minutes_per_ticket", "mean_of_both")
"""What the office showed; people waiting by the last half hour's calls; by the queue's minutes per call while
somebody waited; the mean of the last two."""
STRONGER = ("median_minutes",)
"""A better one than anybody uses, for measure: the median of the queue's minutes per place in finished waits."""
WINDOW_MIN = 30


class Baselines:
    """Learned from training days; fixed when the first estimate is asked for."""

    def __init__(self) -> None:
        self._busy: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._places: dict[str, list[float]] = defaultdict(list)
        self._settled: tuple[dict[str, float], float, float] | None = None

    def learn_day(self, queue: str, busy_minutes: float, busy_calls: int) -> None:
        """Take in a queue's day: the minutes in which somebody waited, and the calls in them."""
        self._busy[queue][0] += busy_minutes
        self._busy[queue][1] += busy_calls

    def learn_wait(self, queue: str, places: int, minutes: float) -> None:
        """Take in one finished wait."""
        self._places[queue].append(minutes / places)

    def estimates(self, queue: str, places: int, recent_calls: int, published: float) -> dict[str, float]:
        """Minutes by each baseline; ``recent_calls`` of the last half hour. Without any, throughput knows nothing
        and repeats the learned minutes per ticket; an unknown queue has those of all queues together.
        """
        medians, any_median, any_pace = self._settle()
        minutes, calls = self._busy.get(queue, (0.0, 0.0))
        learned = places * (minutes / calls if calls else any_pace)
        throughput = places * WINDOW_MIN / recent_calls if recent_calls else learned
        typical = places * medians.get(queue, any_median)
        names = BASELINES + STRONGER
        return dict(zip(names, (published, throughput, learned, (throughput + learned) / 2, typical), strict=True))

    def _settle(self) -> tuple[dict[str, float], float, float]:
        """Median minutes per place by queue and of all queues, and all queues' minutes per call; made once."""
        if self._settled is None:
            minutes, calls = (sum(sums[i] for sums in self._busy.values()) for i in (0, 1))
            everything = [each for found in self._places.values() for each in found]
            medians = {queue: median(found) for queue, found in self._places.items()}
            self._settled = medians, median(everything) if everything else 1.0, minutes / max(calls, 1.0)
        return self._settled
