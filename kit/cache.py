"""The status cache: this worker's memory, then Redis, then PostgreSQL once per key; versions never go back.

Rules, in the order a read meets them:

1. Memory answers for at most ``local_age`` seconds after the value was last confirmed, so that a lost announcement
   costs at most that long.
2. Redis answers if what it holds is this key's, whole, and not older than what this worker has already shown.
3. PostgreSQL is asked once per key however many wait. What it says is stored in Redis only if newer.
4. When PostgreSQL is away too, a value that Redis still vouches for is better than none.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kit.database import DatabaseUnavailable
from kit.remote import Remote, RemoteUnavailable
from kit.snapshot import NotASnapshot, Snapshot
from kit.tasks import Tasks
from metrics import catalogue

Load = Callable[[Sequence[str]], Awaitable[list[Snapshot]]]
"""Reads the snapshots of some keys' names from PostgreSQL; a name that does not exist is left out."""


@dataclass(frozen=True)
class Topic:
    """A kind of key: ``name`` begins its keys (``dossier:…``) and labels its metrics; ``load`` is the way to the
    truth.
    """

    name: str
    load: Load

    def key(self, name: str) -> str:
        """The key of one thing of this kind."""
        return f"{self.name}:{name}"


class Local:
    """This worker's memory: at most ``entries`` snapshots, least recently used out, each trusted for ``age``
    seconds.
    """

    def __init__(self, *, entries: int, age: float) -> None:
        self._entries: OrderedDict[str, tuple[Snapshot, float]] = OrderedDict()
        self._largest = entries
        self._age = age

    def fresh(self, key: str) -> Snapshot | None:
        """The snapshot if it was confirmed within the age bound and still speaks the truth."""
        entry = self._entries.get(key)
        if entry is None or time.monotonic() - entry[1] > self._age:
            return None
        snapshot = entry[0]
        if snapshot.good_until and not snapshot.good_at(time.time_ns() // 1000):
            return None
        self._entries.move_to_end(key)
        return snapshot

    def seen(self, key: str) -> Snapshot | None:
        """The newest snapshot this worker has shown, however old."""
        entry = self._entries.get(key)
        return entry[0] if entry else None

    def put(self, snapshot: Snapshot) -> Snapshot:
        """Keep ``snapshot`` unless a newer one is here; the answer is the one that stays."""
        entry = self._entries.get(snapshot.key)
        if entry is not None and entry[0].order > snapshot.order:
            return entry[0]
        self._entries[snapshot.key] = (snapshot, time.monotonic())
        self._entries.move_to_end(snapshot.key)
        if len(self._entries) > self._largest:
            self._entries.popitem(last=False)
        return snapshot

    def doubt(self, key: str) -> None:
        """Ask again at the next read; the version shown so far is remembered."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries[key] = (entry[0], float("-inf"))

    def doubt_all(self) -> None:
        """Ask again for everything."""
        for key in self._entries:
            self.doubt(key)


class VersionedCache:
    """Layered reads of snapshots, and the way a change becomes public."""

    def __init__(self, remote: Remote, *, local_entries: int = 20_000, local_age: float = 0.5) -> None:
        self.local = Local(entries=local_entries, age=local_age)
        self.remote = remote
        self._reading: dict[str, asyncio.Task[Snapshot | None]] = {}
        self._tasks = Tasks()
        self._on_change: list[Callable[[str], None]] = []
        remote.on_change = self._changed_elsewhere
        remote.on_link = self.local.doubt_all

    def when_changed(self, call: Callable[[str], None]) -> None:
        """Have ``call(key)`` called when a key may have a newer version than this worker has shown."""
        self._on_change.append(call)

    async def read(self, topic: Topic, name: str) -> Snapshot | None:
        """The current snapshot of one thing, None if it does not exist.

        Raises DatabaseUnavailable when no layer can say.
        """
        key = topic.key(name)
        snapshot = self.local.fresh(key)
        if snapshot is not None:
            _count(topic, "local")
            return snapshot
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.create_task(self._read_beyond(topic, name, key))
            reading.add_done_callback(lambda task: self._read_ended(key, task))
        return await asyncio.shield(reading)

    def _read_ended(self, key: str, task: asyncio.Task[Snapshot | None]) -> None:
        del self._reading[key]
        if not task.cancelled():
            task.exception()  # readers that went away must not leave a warning behind

    async def _read_beyond(self, topic: Topic, name: str, key: str) -> Snapshot | None:
        found = await self._read_remote(key)
        if found is not None and found.good_at(time.time_ns() // 1000):
            _count(topic, "redis")
            return self.local.put(found)
        try:
            loaded = await topic.load([name])
        except DatabaseUnavailable:
            if found is None:
                raise
            _count(topic, "stale")
            return found
        if not loaded:
            _count(topic, "absent")
            return None
        _count(topic, "database")
        snapshot = self.local.put(loaded[0])
        self._tasks.start(self._store_quietly(snapshot))
        return snapshot

    async def _read_remote(self, key: str) -> Snapshot | None:
        try:
            raw = await self.remote.get(key)
        except RemoteUnavailable:
            return None
        if raw is None:
            return None
        try:
            found = Snapshot.unpack(key, raw)
        except NotASnapshot as error:
            catalogue.cache_rejected.labels(error.reason).inc()
            return None
        seen = self.local.seen(key)
        if seen is not None and found.order < seen.order:
            catalogue.cache_rejected.labels("older").inc()
            return None
        return found

    async def _store_quietly(self, snapshot: Snapshot) -> None:
        try:
            await self.remote.store([snapshot], announce=False)
        except RemoteUnavailable:
            return

    async def publish(self, snapshots: Sequence[Snapshot]) -> None:
        """Show these in this worker at once, then in Redis, then to every worker.

        Raises RemoteUnavailable after the first.
        """
        for snapshot in snapshots:
            self.local.put(snapshot)
            self._tell(snapshot.key)
        await self.remote.store(snapshots, announce=True)

    def _changed_elsewhere(self, key: str, version: int) -> None:
        seen = self.local.seen(key)
        if seen is None or seen.version < version:
            self.local.doubt(key)
            self._tell(key)

    def _tell(self, key: str) -> None:
        for call in self._on_change:
            call(key)


def _count(topic: Topic, layer: str) -> None:
    catalogue.cache_reads.labels(topic.name, layer).inc()
