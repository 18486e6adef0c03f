"""The status cache: this worker's memory, then Redis, then PostgreSQL once per key; versions never go back.

Rules, in the order a read meets them:

1. Memory answers until a worker of this host has shown a newer version (``kit.marks``), and for at most ``local_age``
   seconds after the value was last confirmed, so that a lost announcement from another host costs at most that long.
2. Redis answers if what it holds is this key's, whole, and not older than what this worker has already shown.
3. PostgreSQL is asked once per key however many wait. What it says is stored in Redis only if newer.
4. When PostgreSQL is away or slow too, a value whose time is up but whose version still stands is better than none.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import structlog
from prometheus_client import Counter

from kit.database import DatabaseUnavailable
from kit.local import Local
from kit.marks import Marks
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

    @cached_property
    def reads(self) -> Mapping[str, Counter]:
        """Counts reads by the layer that answered."""
        layers = ("local", "redis", "database", "stale", "absent")
        return {layer: catalogue.cache_reads.labels(self.name, layer) for layer in layers}


log = structlog.get_logger()

Call = Callable[["Snapshot | Exception | None"], None]

PATIENCE = 0.2
"""Seconds that a reader who could be given an answer past its time waits for PostgreSQL to give a new one."""


@dataclass(slots=True)
class _Reading:
    """A question that is on its way, and everybody who waits for the answer."""

    topic: Topic
    name: str
    key: str
    mark: int
    calls: list[Call]
    outdated: Snapshot | None = None
    """What is given meanwhile, once PostgreSQL has taken too long."""


class VersionedCache:
    """Layered reads of snapshots, and the way a change becomes public."""

    def __init__(
        self, remote: Remote, *, local_entries: int = 20_000, local_age: float = 0.5, marks: Marks | None = None
    ) -> None:
        self.local = Local(entries=local_entries, age=local_age, marks=marks or Marks())
        self.remote = remote
        self._reading: dict[str, _Reading] = {}
        self._tasks = Tasks()
        self._on_change: list[Callable[[str], None]] = []
        remote.on_change = self._changed_elsewhere
        remote.on_link = self.local.doubt_all

    def when_changed(self, call: Callable[[str], None]) -> None:
        """Have ``call(key)`` called when a key may have a newer version than this worker has shown."""
        self._on_change.append(call)

    def remembered(self, topic: Topic, name: str) -> Snapshot | None:
        """The current snapshot out of this worker's memory, None if it has to be asked for."""
        snapshot = self.local.fresh(topic.key(name))
        if snapshot is not None:
            topic.reads["local"].inc()
        return snapshot

    async def read(self, topic: Topic, name: str) -> Snapshot | None:
        """The current snapshot of one thing, None if it does not exist.

        Raises DatabaseUnavailable when no layer can say.
        """
        snapshot = self.remembered(topic, name)
        if snapshot is not None:
            return snapshot
        answer: asyncio.Future[Snapshot | None] = asyncio.get_running_loop().create_future()
        self.ask(topic, name, lambda found: _settle(answer, found))
        return await answer

    def ask(self, topic: Topic, name: str, call: Call) -> None:
        """Have ``call`` called once with what Redis or PostgreSQL says: a snapshot, None, or DatabaseUnavailable.

        Questions for one key share one way; a question never joins a way that began before the key was marked, for that
        may bring what somebody has already seen outdated.
        """
        key = topic.key(name)
        mark = self.local.mark_of(key)
        reading = self._reading.get(key)
        if reading is not None and reading.mark == mark:
            if reading.outdated is not None:
                topic.reads["stale"].inc()
                call(reading.outdated)
            else:
                reading.calls.append(call)
            return
        reading = self._reading[key] = _Reading(topic, name, key, mark, [call])
        try:
            self.remote.fetch(key, lambda raw: self._fetched(reading, raw))
        except RemoteUnavailable:
            self._tasks.start(self._load(reading, None))

    def _fetched(self, reading: _Reading, raw: bytes | RemoteUnavailable | None) -> None:
        try:
            found = self._believed(reading.key, raw) if isinstance(raw, bytes) else None
        except NotASnapshot as error:
            catalogue.cache_rejected.labels(error.reason).inc()
            self._tasks.start(self._replace(reading))
            return
        if found is not None and (not found.good_until or found.good_at(time.time_ns() // 1000)):
            reading.topic.reads["redis"].inc()
            self._end(reading, self.local.put(found, reading.mark))
        else:
            self._tasks.start(self._load(reading, found))

    def _believed(self, key: str, raw: bytes) -> Snapshot | None:
        found = Snapshot.unpack(key, raw)
        seen = self.local.seen(key)
        if seen is not None and found.order < seen.order:
            catalogue.cache_rejected.labels("older").inc()
            return None
        return found

    async def _load(self, reading: _Reading, outdated: Snapshot | None) -> None:
        impatient = None
        if outdated is not None and outdated.body:
            loop = asyncio.get_running_loop()
            impatient = loop.call_later(PATIENCE, self._make_do, reading, self.local.put(outdated, reading.mark))
        result: Snapshot | Exception | None
        try:
            loaded = await reading.topic.load([reading.name])
        except DatabaseUnavailable as error:
            result = error
        except Exception as error:  # whoever still waits is told; nobody may be left, so it is said here too
            log.exception("load_failed", topic=reading.topic.name)
            result = error
        else:
            result = self._loaded(reading, loaded)
        if impatient is not None:
            impatient.cancel()
            if isinstance(result, DatabaseUnavailable):
                self._make_do(reading, outdated)
        self._end(reading, result)

    def _make_do(self, reading: _Reading, outdated: Snapshot | None) -> None:
        """Give what there is to everybody who waits, and to everybody who comes until PostgreSQL has answered."""
        reading.outdated = outdated
        reading.topic.reads["stale"].inc(len(reading.calls))
        self._tell_all(reading, outdated)

    def _loaded(self, reading: _Reading, loaded: Sequence[Snapshot]) -> Snapshot | None:
        if not loaded:
            reading.topic.reads["absent"].inc()
            return None
        reading.topic.reads["database"].inc()
        snapshot = self.local.put(loaded[0], reading.mark)
        self._tasks.start(self._store_quietly(snapshot))
        return snapshot if snapshot.body else None

    def _end(self, reading: _Reading, result: Snapshot | Exception | None) -> None:
        if self._reading.get(reading.key) is reading:
            del self._reading[reading.key]
        self._tell_all(reading, result)

    def _tell_all(self, reading: _Reading, result: Snapshot | Exception | None) -> None:
        calls, reading.calls = reading.calls, []
        for call in calls:
            call(result)

    async def _replace(self, reading: _Reading) -> None:
        # Left there, a damaged value with a large version in its head would be taken for newer than any good one.
        with contextlib.suppress(RemoteUnavailable):
            await self.remote.discard(reading.key)
        await self._load(reading, None)

    async def _store_quietly(self, snapshot: Snapshot) -> None:
        with contextlib.suppress(RemoteUnavailable):
            await self.remote.store([snapshot], announce=False)

    async def settle(self) -> None:
        """Let what is under way end, for at most a second."""
        await self._tasks.end(1)

    async def publish(self, snapshots: Sequence[Snapshot]) -> None:
        """Show these to everyone: Redis first, so that whoever asks again finds them there.

        Raises RemoteUnavailable; this host's workers then ask PostgreSQL.
        """
        try:
            await self.remote.store(snapshots, announce=True)
        finally:
            for snapshot in snapshots:
                self.local.learn(snapshot)
                self._tell(snapshot.key)

    def _changed_elsewhere(self, key: str, version: int) -> None:
        seen = self.local.seen(key)
        if seen is None or seen.version < version:
            self.local.doubt(key)
            self._tell(key)

    def _tell(self, key: str) -> None:
        for call in self._on_change:
            call(key)


def _settle(answer: asyncio.Future[Snapshot | None], found: Snapshot | Exception | None) -> None:
    if answer.done():
        return  # whoever asked has gone away
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)
