"""Level 0 answers for the status lane."""

from __future__ import annotations

from collections.abc import Callable

from kit.cache import Topic, VersionedCache
from kit.lane import Answer, answer_of
from kit.snapshot import Snapshot
from tracking import codes
from tracking.api import CACHE_CONTROL


class DossierSource:
    """Answers for ``/api/v1/dossiers/`` and a code in its canonical spelling."""

    template = "/api/v1/dossiers/{code}"

    def __init__(self, cache: VersionedCache, topic: Topic) -> None:
        self._cache = cache
        self._topic = topic

    def now(self, name: str) -> Answer | None:
        """From this worker's memory, where only canonical codes are keys."""
        snapshot = self._cache.remembered(self._topic, name)
        return _answer(snapshot) if snapshot is not None else None

    def later(self, name: str, call: Callable[[Answer | None], None]) -> bool:
        """From Redis or PostgreSQL."""
        if not codes.is_canonical(name):
            return False
        self._cache.ask(self._topic, name, lambda found: call(_answer(found) if isinstance(found, Snapshot) else None))
        return True


def _answer(snapshot: Snapshot) -> Answer:
    if snapshot.ready is None:
        snapshot.ready = answer_of(snapshot, snapshot.body, CACHE_CONTROL)
    answer: Answer = snapshot.ready
    return answer
