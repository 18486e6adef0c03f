"""Load that does not wait for the service: requests have a scheduled moment, and every delay counts from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.wire import Broken, Refused, Reply, Wire


@dataclass(frozen=True)
class Sample:
    """One request: when it was due, sent and answered (monotonic seconds), by which lane, and what came."""

    lane: int
    path: str
    due: float
    sent: float
    done: float
    reply: Reply | None
    error: str = ""

    @property
    def delay(self) -> float:
        """Seconds from the scheduled moment to the whole answer."""
        return self.done - self.due


Ask = Callable[[Wire, str], Awaitable[Reply]]


async def get(wire: Wire, path: str) -> Reply:
    """GET ``path``."""
    return await wire.ask("GET", path)


async def open_loop(
    port: int,
    paths: Callable[[], str],
    *,
    rate: float,
    until: asyncio.Event,
    lanes: int = 40,
    ask: Ask = get,
    fresh: bool = False,
) -> list[Sample]:
    """``rate`` requests a second over ``lanes`` connections until ``until`` is set; ``fresh``: a connection each."""
    samples: list[Sample] = []
    start = time.monotonic() + 0.05

    async def lane(number: int) -> None:
        async with Wire(port) as wire:
            due = start + number / rate
            while not until.is_set():
                await asyncio.sleep(due - time.monotonic())
                path, sent = paths(), time.monotonic()
                reply, error = None, ""
                try:
                    reply = await ask(wire, path)
                except (Refused, Broken) as problem:
                    error = f"{type(problem).__name__} {problem}".strip()
                samples.append(Sample(number, path, due, sent, time.monotonic(), reply, error))
                if fresh:
                    await wire.drop()
                due += lanes / rate

    await asyncio.gather(*(lane(number) for number in range(lanes)))
    return samples


def share_within(samples: list[Sample], seconds: float, *, status: int = 200) -> float:
    """The share of requests that got ``status`` within ``seconds`` of their scheduled moment."""
    assert samples
    return sum(1 for s in samples if s.reply is not None and s.reply.status == status and s.delay <= seconds) / len(
        samples
    )


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def in_words(name: str, samples: list[Sample]) -> str:
    """One line of figures."""
    delays = [sample.delay for sample in samples]
    kinds: dict[str, int] = {}
    for sample in samples:
        kind = str(sample.reply.status) if sample.reply else sample.error
        kinds[kind] = kinds.get(kind, 0) + 1
    return (
        f"{name}: {len(samples)} requests {kinds}, within 500 ms {share_within(samples, 0.5):.2%}, "
        f"p50 {percentile(delays, 0.5) * 1000:.0f} ms, p99 {percentile(delays, 0.99) * 1000:.0f} ms, "
        f"max {max(delays) * 1000:.0f} ms"
    )
