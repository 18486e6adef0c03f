"""Background work that is not forgotten: kept referenced while it runs, its failure logged, ended with its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Tasks:
    """A set of running tasks with one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run ``work`` in the background. What it raises is logged, not raised."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background_work_failed", exc_info=error)

    async def end(self, seconds: float) -> None:
        """Let what runs finish for at most ``seconds``, then cancel it."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and wait, for at most 2 s, until they have ended; what they raise is dropped.

    Again and again, because ``asyncio.wait_for``, which redis-py sends with, can swallow a cancellation on Python 3.11.
    """
    for _ in range(20):
        for task in tasks:
            task.cancel()
        if not (await asyncio.wait(tasks, timeout=0.1))[1]:
            break
    await asyncio.gather(*(task for task in tasks if task.done()), return_exceptions=True)
