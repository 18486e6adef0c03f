"""How a committed change becomes public, even if the process that made it dies in between.

A writer adds an outbox row in its transaction and, after the commit, calls :meth:`Publisher.publish`. Should it die, or
Redis be away, the row stays and the relay of any worker publishes it. A row can be written ready at once (imports) or a
moment later (writers that publish themselves).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from kit import sql
from kit.cache import Topic, VersionedCache
from kit.database import Database, DatabaseUnavailable
from kit.remote import RemoteUnavailable
from kit.snapshot import Snapshot
from kit.tasks import cancelled
from metrics import catalogue

log = structlog.get_logger()
_sql = sql.load("kit")

RELAY_EVERY = 0.15
"""Seconds between two looks; with a writer's grace of 0.3 s and 0.5 s of local age a change is public within 1 s."""

Show = Callable[[Sequence[Snapshot]], Awaitable[None]]


class Publisher:
    """Publishes changes of the given topics, at once or from the outbox."""

    def __init__(self, database: Database, cache: VersionedCache, topics: Sequence[Topic]) -> None:
        self._database = database
        self._cache = cache
        self._topics = {topic.name: topic for topic in topics}
        self._next: dict[str, asyncio.Task[Snapshot | None]] = {}
        self._now: dict[str, asyncio.Task[Snapshot | None]] = {}
        cache.remote.on_return = self._catch_up

    async def publish(self, topic: Topic, name: str) -> Snapshot | None:
        """Make the latest commit on one thing public; the answer is its snapshot, which holds at least that commit.

        Calls that come while one is under way share the next one. Raises DatabaseUnavailable; the outbox row then
        waits.
        """
        key = topic.key(name)
        waiting = self._next.get(key)
        if waiting is None:
            waiting = self._next[key] = asyncio.create_task(self._publish_after(self._now.get(key), topic, name))
            waiting.add_done_callback(_retrieve)
        return await asyncio.shield(waiting)

    async def _publish_after(
        self, earlier: asyncio.Task[Snapshot | None] | None, topic: Topic, name: str
    ) -> Snapshot | None:
        if earlier is not None:
            await asyncio.wait([earlier])
        key = topic.key(name)
        task = self._now[key] = self._next.pop(key)
        try:
            return await self._publish_one(topic, name)
        finally:
            if self._now.get(key) is task:
                del self._now[key]

    async def _publish_one(self, topic: Topic, name: str) -> Snapshot | None:
        async with self._database.connection() as connection:
            ids = [row["id"] for row in await _sql.outbox_pending.rows(connection, topic=topic.name, name=name)]
        snapshots = await topic.load([name])
        try:
            await self._cache.publish(snapshots)
        except RemoteUnavailable:
            return snapshots[0] if snapshots else None
        if ids:
            async with self._database.connection() as connection:
                await _sql.outbox_done.run(connection, ids=ids)
            catalogue.outbox_published.labels(topic.name, "writer").inc(len(ids))
        return snapshots[0] if snapshots else None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay what writers left behind, for as long as the context lasts."""
        task = asyncio.create_task(self._keep_relaying())
        try:
            yield
        finally:
            await cancelled(task)

    async def _keep_relaying(self) -> None:
        while True:
            await asyncio.sleep(RELAY_EVERY)
            if self._cache.remote.available:
                try:
                    while await self.relay(self._cache.publish):
                        pass
                except (DatabaseUnavailable, RemoteUnavailable):
                    continue
                except Exception:  # must not end the relay: what it could not do it tries again
                    log.exception("relay_failed")

    async def relay(self, show: Show, ahead: timedelta = timedelta()) -> int:
        """Publish one batch of what is overdue, or will be within ``ahead``, with ``show``; the answer is how many rows
        that was.
        """
        async with self._database.transaction() as connection:
            rows = await _sql.outbox_claim.rows(connection, ahead=ahead, topics=list(self._topics))
            names: dict[str, dict[str, None]] = defaultdict(dict)
            for row in rows:
                names[row["topic"]][row["name"]] = None
            for topic, wanted in names.items():
                await show(await self._topics[topic].load(list(wanted)))
            if rows:
                await _sql.outbox_done.run(connection, ids=[row["id"] for row in rows])
        for topic, wanted in names.items():
            catalogue.outbox_published.labels(topic, "relay").inc(len(wanted))
        return len(rows)

    async def _catch_up(self) -> None:
        # Redis is back, maybe with what it knew before it froze: first store what has changed meanwhile, then believe
        # it.
        try:
            while await self.relay(self._cache.remote.store_on_return, ahead=timedelta(minutes=1)):
                pass
        except (DatabaseUnavailable, RemoteUnavailable) as error:
            raise RemoteUnavailable("cannot tell what Redis missed") from error
        except Exception as error:
            log.exception("catch_up_failed")
            raise RemoteUnavailable("cannot tell what Redis missed") from error


def _retrieve(task: asyncio.Task[Snapshot | None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("publish_failed", reason=type(error).__name__)
