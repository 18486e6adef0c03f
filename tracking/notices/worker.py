"""The loops that send: each worker process takes a few pieces of work at a time, tries them, writes down the result."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from kit.database import DatabaseUnavailable
from kit.tasks import cancelled
from metrics import catalogue
from tracking.notices.messages import Claimed
from tracking.notices.outcome import UNCERTAIN, Outcome, Patience, Progress, Result, dead, put_off, untried

log = structlog.get_logger()


class Work(Protocol):
    """A queue whose pieces are tried one by one."""

    async def claim(self, most: int, grace: timedelta) -> Sequence[Claimed]:
        """Take on at most ``most`` pieces."""
        ...

    async def attempt(self, claimed: Claimed, progress: Progress) -> Outcome:
        """Try one."""
        ...

    async def settle(self, claimed: Claimed, outcome: Outcome, wait: float) -> None:
        """Write down how it ended."""
        ...

    async def give_up_on_abandoned(self) -> None:
        """Settle what a process that died was trying."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two looks, between two looks for what was left behind, until an attempt counts as left behind,
    and for what runs at the end. ``at_once`` is how many attempts of one queue a process makes at a time.
    """

    look_every: float = 1.0
    tidy_every: float = 30.0
    grace: float = 120.0
    at_once: int = 8
    end: float = 0.8


class Worker:
    """Works on one queue."""

    def __init__(self, work: Work, patience: Patience, pace: Pace) -> None:
        self._work = work
        self._patience = patience
        self._pace = pace
        self._tasks: dict[asyncio.Task[None], Claimed] = {}
        self._ended = asyncio.Event()

    def start(self) -> tuple[asyncio.Task[None], ...]:
        """Begin to work; cancel the answer to take on nothing more."""
        return asyncio.create_task(self._keep_claiming()), asyncio.create_task(self._keep_tidying())

    async def end(self) -> None:
        """Let what runs finish for a moment, then cut it: within 2 s. What is cut knows how far it had come, and writes
        that down if the database answers.
        """
        for seconds in (self._pace.end, 0.8, 0.1):
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=seconds)
            for task in self._tasks:
                task.cancel()

    async def _keep_claiming(self) -> None:
        while True:
            self._ended.clear()
            try:
                found = await self._take_on()
            except DatabaseUnavailable:
                found = 0
            except Exception:  # must not end: what it could not do it tries again
                log.exception("sending_failed")
                found = 0
            if not found:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.look_every * random.uniform(0.8, 1.2)):  # noqa: S311 - no secret
                        await self._ended.wait()  # what ended may have held back the next of its dossier

    async def _take_on(self) -> int:
        free = self._pace.at_once - len(self._tasks)
        if free <= 0:
            return 0
        claimed = await self._work.claim(free, timedelta(seconds=self._pace.grace))
        for one in claimed:
            task = asyncio.create_task(self._work_on(one))
            self._tasks[task] = one
            task.add_done_callback(self._forget)
        return len(claimed)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._ended.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sending_failed", exc_info=error)

    async def _work_on(self, claimed: Claimed) -> None:
        progress = Progress()
        try:
            outcome = await self._work.attempt(claimed, progress)
        except DatabaseUnavailable:
            outcome = untried("database away")
        except asyncio.CancelledError:
            outcome = self._of_cut(claimed, progress, untried("stopped"))
        except Exception as error:
            # No traceback: it could hold the text or the address.
            log.error("attempt_failed", topic=claimed.topic, reason=type(error).__name__)  # noqa: TRY400
            outcome = self._of_cut(claimed, progress, put_off(type(error).__name__))
        await self._write_down(claimed, *self._weighed(claimed, outcome))

    def _of_cut(self, claimed: Claimed, progress: Progress, otherwise: Outcome) -> Outcome:
        if not progress.handed_over:
            return otherwise
        return dead(UNCERTAIN) if claimed.topic == "email" else put_off(otherwise.error or "")

    def _weighed(self, claimed: Claimed, outcome: Outcome) -> tuple[Outcome, float]:
        if outcome.result is not Result.PUT_OFF:
            return outcome, 0.0
        if not outcome.tried:
            return outcome, self._patience.first
        wait = self._patience.wait(claimed.attempts, random.random(), outcome.after)  # noqa: S311 - no secret
        return (dead(outcome.error or ""), 0.0) if wait is None else (outcome, wait)

    async def _write_down(self, claimed: Claimed, outcome: Outcome, wait: float) -> None:
        catalogue.messages.labels(claimed.topic, outcome.result.value).inc()
        if outcome.result is not Result.SENT:
            log.warning("not_sent", topic=claimed.topic, state=outcome.result.value, reason=outcome.error)
        with contextlib.suppress(TimeoutError):  # after the grace it is settled as left behind
            async with asyncio.timeout(self._pace.grace * 0.9):
                while True:
                    try:
                        return await self._work.settle(claimed, outcome, wait)
                    except DatabaseUnavailable:
                        await asyncio.sleep(min(1.0, self._pace.look_every))

    async def _keep_tidying(self) -> None:
        while True:
            try:
                await self._work.give_up_on_abandoned()
            except DatabaseUnavailable:
                pass
            except Exception:  # must not end
                log.exception("tidying_failed")
            await asyncio.sleep(self._pace.tidy_every * random.uniform(0.8, 1.2))  # noqa: S311 - no secret


@contextlib.asynccontextmanager
async def running(*workers: Worker) -> AsyncIterator[None]:
    """Work for as long as the context lasts, and then for at most 2 s more."""
    loops = [loop for worker in workers for loop in worker.start()]
    try:
        yield
    finally:
        await cancelled(*loops)
        await asyncio.gather(*(worker.end() for worker in workers))
