"""The status cache: this worker's memory, then Redis, then PostgreSQL once per key; versions never go back.

Rules, in the order a read meets them:

1. Memory answers until a worker of this host has shown a newer version (``kit.marks``), and for at most ``local_age``
   seconds after the value was last confirmed, so that a lost announcement from another host costs at most that long.
2. Redis answers if what it holds is this key's, whole, and not older than what this worker has already shown.
3. PostgreSQL is asked once per key however many wait. What it says is stored in Redis only if newer.
4. When PostgreSQL is away too, a value that Redis still vouches for is better than none.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from prometheus_client import Counter

from kit.database import DatabaseUnavailable
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


@dataclass(slots=True)
class _Entry:
    """A remembered snapshot, when it was last confirmed, and the key's mark at that time."""

    snapshot: Snapshot
    confirmed_at: float
    slot: int
    mark: int


class Local:
    """This worker's memory: at most ``entries`` snapshots, least recently used out.

    Each is trusted for ``age`` seconds, and only while no worker of this host has marked its key.
    """

    def __init__(self, *, entries: int, age: float, marks: Marks) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._largest = entries
        self._age = age
        self._marks = marks

    def fresh(self, key: str) -> Snapshot | None:
        """The snapshot if it was confirmed within the age bound and still speaks the truth."""
        entry = self._entries.get(key)
        if (
            entry is None
            or time.monotonic() - entry.confirmed_at > self._age
            or self._marks.table[entry.slot] != entry.mark
        ):
            return None
        snapshot = entry.snapshot
        if snapshot.good_until and not snapshot.good_at(time.time_ns() // 1000):
            return None
        self._entries.move_to_end(key)
        return snapshot

    def seen(self, key: str) -> Snapshot | None:
        """The newest snapshot this worker has shown, however old."""
        entry = self._entries.get(key)
        return entry.snapshot if entry else None

    def mark_of(self, key: str) -> int:
        """The key's mark now; what is fetched after this call may be put with it."""
        return self._marks.table[self._marks.slot(key)]

    def put(self, snapshot: Snapshot, mark: int) -> Snapshot:
        """Keep ``snapshot``, fetched after the key's mark was ``mark``, unless a newer one is here.

        The answer is the one that stays. A version that this worker shows for the first time marks its key.
        """
        entry = self._entries.get(snapshot.key)
        slot = entry.slot if entry else self._marks.slot(snapshot.key)
        if entry is None or entry.snapshot.version < snapshot.version:
            unmarked = self._marks.table[slot] == mark
            own = self._marks.mark(slot)
            mark = own if unmarked else mark
        elif entry.snapshot.order > snapshot.order:
            return entry.snapshot
        elif entry.snapshot.order == snapshot.order:
            snapshot = entry.snapshot  # the same object, with what was made of it
        self._entries[snapshot.key] = _Entry(snapshot, time.monotonic(), slot, mark)
        self._entries.move_to_end(snapshot.key)
        if len(self._entries) > self._largest:
            self._entries.popitem(last=False)
        return snapshot

    def learn(self, snapshot: Snapshot) -> None:
        """Remember ``snapshot`` as shown and have every worker of this host, this one too, ask again."""
        self.put(snapshot, self.mark_of(snapshot.key))
        self._marks.mark(self._marks.slot(snapshot.key))

    def doubt(self, key: str) -> None:
        """Ask again at the next read; the version shown so far is remembered."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.confirmed_at = float("-inf")

    def doubt_all(self) -> None:
        """Ask again for everything."""
        for key in self._entries:
            self.doubt(key)


Call = Callable[["Snapshot | Exception | None"], None]


@dataclass(slots=True)
class _Reading:
    """A question that is on its way, and everybody who waits for the answer."""

    topic: Topic
    name: str
    key: str
    mark: int
    calls: list[Call]


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
            reading.calls.append(call)
            return
        reading = self._reading[key] = _Reading(topic, name, key, mark, [call])
        try:
            self.remote.fetch(key, lambda raw: self._fetched(reading, raw))
        except RemoteUnavailable:
            self._tasks.start(self._load(reading, None))

    def _fetched(self, reading: _Reading, raw: bytes | RemoteUnavailable | None) -> None:
        found = self._believed(reading.key, raw) if isinstance(raw, bytes) else None
        if found is not None and (not found.good_until or found.good_at(time.time_ns() // 1000)):
            reading.topic.reads["redis"].inc()
            self._end(reading, self.local.put(found, reading.mark))
        else:
            self._tasks.start(self._load(reading, found))

    def _believed(self, key: str, raw: bytes) -> Snapshot | None:
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

    async def _load(self, reading: _Reading, outdated: Snapshot | None) -> None:
        try:
            loaded = await reading.topic.load([reading.name])
        except DatabaseUnavailable as error:
            if outdated is None or not outdated.body:
                self._end(reading, error)
            else:
                reading.topic.reads["stale"].inc()
                self._end(reading, self.local.put(outdated, reading.mark))
        except Exception as error:
            self._end(reading, error)
        else:
            self._loaded(reading, loaded)

    def _loaded(self, reading: _Reading, loaded: Sequence[Snapshot]) -> None:
        if not loaded:
            reading.topic.reads["absent"].inc()
            self._end(reading, None)
            return
        reading.topic.reads["database"].inc()
        snapshot = self.local.put(loaded[0], reading.mark)
        self._tasks.start(self._store_quietly(snapshot))
        self._end(reading, snapshot)

    def _end(self, reading: _Reading, result: Snapshot | Exception | None) -> None:
        if self._reading.get(reading.key) is reading:
            del self._reading[reading.key]
        if isinstance(result, Snapshot) and not result.body:
            result = None
        for call in reading.calls:
            call(result)

    async def _store_quietly(self, snapshot: Snapshot) -> None:
        try:
            await self.remote.store([snapshot], announce=False)
        except RemoteUnavailable:
            return

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
