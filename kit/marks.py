"""What the workers of one host know of each other's news, without asking anyone: a small table in shared memory.

Each worker answers from a memory of its own. A citizen whose phone reaches one worker now and another in a moment must
not see a newer version and then an older one. So whoever is about to show a version that it has not shown before first
marks the key here; whoever remembers the key from before that mark asks again. Reading a mark costs a tenth of a
microsecond. Keys share marks by hash: a clash costs a question too many, never a wrong answer.
"""

from __future__ import annotations

import itertools
import mmap
import os
from pathlib import Path
from zlib import crc32

SLOTS = 1 << 16
_BYTES = 8


class Marks:
    """The table in ``path`` (made if it is missing); without a path one for this process alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _BYTES) if path is None else _shared(path)
        self.table = memoryview(self._memory).cast("Q")
        """By slot, the current mark."""
        self._next = itertools.count(int.from_bytes(os.urandom(7)))

    @staticmethod
    def slot(key: str) -> int:
        """Where the key's mark stands."""
        return crc32(key.encode()) % SLOTS

    def mark(self, slot: int) -> int:
        """Make everybody who remembers something there ask again; the answer is the new mark."""
        # A mark only has to differ from every earlier one: a random start and a step of one do, in every process.
        new = self.table[slot] = next(self._next) % (1 << 64)
        return new

    def close(self) -> None:
        """Let go of the memory."""
        self.table.release()
        self._memory.close()


def _shared(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, SLOTS * _BYTES)
        return mmap.mmap(descriptor, SLOTS * _BYTES)
    finally:
        os.close(descriptor)
