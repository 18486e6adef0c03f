"""One versioned public answer, and how it lies in Redis."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

_HEADER = re.compile(
    rb"(?P<key>[^ \n]{1,200}) (?P<version>\d{1,16}) (?P<as_of>\d{1,16}) (?P<good_until>\d{1,16}) (?P<crc>\d{1,10})\n"
)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """A moment as snapshots keep it: microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


class NotASnapshot(ValueError):
    """Bytes that are not the asked key's snapshot; ``reason`` is ``foreign`` or ``malformed``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Snapshot:
    """What was public about ``key`` at ``as_of``; nobody changes it but for ``ready``.

    ``version`` only ever grows for a key. ``as_of`` and ``good_until`` are microseconds since 1970; past ``good_until``
    the content is no longer true by itself (a due date has passed), 0 = it stays true until the version changes.
    ``body`` is the ready answer; empty = withdrawn, shown as if it had never been. The key stands inside the packed
    value, because after a fault Redis or a client's connection can hand back another key's value.
    """

    key: str
    version: int
    as_of: int
    body: bytes
    good_until: int = 0
    ready: Any = field(default=None, compare=False, repr=False)
    """What a reader has made of it and wants to find again; never packed."""

    @property
    def order(self) -> tuple[int, int]:
        """Newer is larger: by version, then by the moment it was read."""
        return self.version, self.as_of

    @property
    def etag(self) -> str:
        """A strong validator of the body, quoted."""
        return f'"{self.version:x}-{self.as_of:x}"'

    def good_at(self, now_us: int) -> bool:
        """Whether the content still speaks the truth at ``now_us``."""
        return not self.good_until or now_us < self.good_until

    def pack(self) -> bytes:
        """The bytes for Redis: a header line, then the body."""
        head = f"{self.key} {self.version} {self.as_of} {self.good_until} ".encode()
        return head + b"%d\n" % crc32(self.body, crc32(head)) + self.body

    @classmethod
    def unpack(cls, key: str, raw: bytes) -> Snapshot:
        """Read back what :meth:`pack` made for ``key``. Raises NotASnapshot."""
        header = _HEADER.match(raw)
        if header is None:
            raise NotASnapshot("malformed")
        if header["key"] != key.encode():
            raise NotASnapshot("foreign")
        body = raw[header.end() :]
        if crc32(body, crc32(raw[: header.start("crc")])) != int(header["crc"]):
            raise NotASnapshot("malformed")
        return cls(
            key=key,
            version=int(header["version"]),
            as_of=int(header["as_of"]),
            good_until=int(header["good_until"]),
            body=body,
        )
