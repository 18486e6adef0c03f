"""Live feed: server-sent events of versioned snapshots, one small message per change."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator

from aiohttp import web

from kit.cache import Topic, VersionedCache
from kit.database import DatabaseUnavailable
from kit.snapshot import Snapshot
from metrics import catalogue

LOOK_EVERY = 0.5
"""Seconds after which a watched key is read again even if no announcement came."""
HEARTBEAT = 15.0
"""Seconds of quiet after which a comment line is sent, so that proxies and phones keep the stream open."""
SLOWEST_READER = 10.0
"""Seconds a client may leave a message unread before its stream is closed."""
MOST_WATCHERS = 20_000
"""Streams one worker holds; more are refused, the pages then ask again by themselves."""


class FeedFull(Exception):
    """This worker holds as many streams as it may."""


class _Watched:
    """One key somebody watches: its latest snapshot and the alarm that rings when it changes."""

    def __init__(self) -> None:
        self.latest: Snapshot | None = None
        self.changed = asyncio.Event()
        self.look_now = asyncio.Event()
        self.watchers = 0
        self.task: asyncio.Task[None] | None = None

    def show(self, snapshot: Snapshot) -> None:
        if self.latest is None or snapshot.order > self.latest.order:
            self.latest = snapshot
            self.changed.set()
            self.changed = asyncio.Event()


class Feed:
    """Follows the keys that somebody watches and wakes the watchers when one changes."""

    def __init__(self, cache: VersionedCache) -> None:
        self._cache = cache
        self._watched: dict[str, _Watched] = {}
        self._watchers = 0
        self._closing = asyncio.Event()
        cache.when_changed(self._look_now)

    def close(self) -> None:
        """End every stream (the worker is about to stop)."""
        self._closing.set()
        for watched in self._watched.values():
            watched.changed.set()

    def _look_now(self, key: str) -> None:
        if watched := self._watched.get(key):
            watched.look_now.set()

    async def watch(self, topic: Topic, name: str) -> AsyncGenerator[Snapshot | None]:
        """Yield the current snapshot, then each newer one; None after every ``HEARTBEAT`` seconds of quiet.

        Raises FeedFull. Ends when the worker stops.
        """
        if self._watchers >= MOST_WATCHERS:
            raise FeedFull
        with self._joined(topic, name) as watched:
            shown: Snapshot | None = None
            while not self._closing.is_set():
                alarm = watched.changed
                if watched.latest is not None and watched.latest is not shown:
                    shown = watched.latest
                    yield shown
                    continue
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await alarm.wait()
                except TimeoutError:
                    yield None

    @contextlib.contextmanager
    def _joined(self, topic: Topic, name: str) -> Iterator[_Watched]:
        key = topic.key(name)
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched()
            watched.task = asyncio.create_task(self._follow(topic, name, watched))
        self._count(watched, +1)
        try:
            yield watched
        finally:
            self._count(watched, -1)
            if not watched.watchers and watched.task is not None:
                watched.task.cancel()
                del self._watched[key]

    def _count(self, watched: _Watched, step: int) -> None:
        watched.watchers += step
        self._watchers += step
        catalogue.live_watchers.set(self._watchers)

    async def _follow(self, topic: Topic, name: str, watched: _Watched) -> None:
        while True:
            watched.look_now.clear()
            with contextlib.suppress(DatabaseUnavailable):
                if (snapshot := await self._cache.read(topic, name)) is not None:
                    watched.show(snapshot)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await watched.look_now.wait()


Render = Callable[[Snapshot], bytes | None]
"""Makes the JSON line of a message from a snapshot; None = nothing that this watcher has to hear."""


async def stream(
    request: web.Request, snapshots: AsyncGenerator[Snapshot | None], event: str, render: Render
) -> web.StreamResponse:
    """Answer with ``text/event-stream``: one ``event`` per rendered change, its id the version.

    A client that reconnects sends the id back as Last-Event-ID and is told neither that nor anything older. One that
    goes away, or reads nothing for ``SLOWEST_READER`` seconds, ends its stream; that is no error.
    """
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    known = _version(request.headers.get("Last-Event-ID", ""))
    async with contextlib.aclosing(snapshots):
        first = await anext(snapshots)
        try:
            await response.prepare(request)
            await _write(response, b"retry: 2000\n\n")
            if first is not None:
                known = await _send(response, first, event, render, known)
            async for snapshot in snapshots:
                if snapshot is None:
                    await _write(response, b":\n\n")
                else:
                    known = await _send(response, snapshot, event, render, known)
        except ConnectionResetError:
            pass
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # a polite end would wait for the same reader
    return response


def _version(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else 0


async def _send(response: web.StreamResponse, snapshot: Snapshot, event: str, render: Render, known: int) -> int:
    if snapshot.version <= known or (data := render(snapshot)) is None:
        return known
    await _write(response, b"event: %b\nid: %d\ndata: %b\n\n" % (event.encode(), snapshot.version, data))
    return snapshot.version


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(SLOWEST_READER):
        await response.write(data)
