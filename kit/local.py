"""One worker's memory of what it has shown."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from kit.marks import Marks
from kit.snapshot import Snapshot


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
