"""What a dead publisher left behind becomes public; what Redis holds is not believed just because it is there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import psutil
import pytest
import redis.asyncio as redis

from kit.cache import Topic, VersionedCache
from kit.database import Database
from kit.outbox import Publisher
from kit.remote import Remote
from kit.snapshot import Snapshot
from metrics import catalogue
from office import directory as directory_module
from office.directory import Directory
from tests.faults.running import freeze, thaw

pytestmark = pytest.mark.faults
NAME = "one"


class Office:
    """Two workers' caches on one database and one Redis; a thing has a version and, if wanted, a moment to age."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.database = database
        self.topic = Topic("thing", self._load)
        self.good_for = 0.0
        self.withdrawn = False
        self.caches = [VersionedCache(Remote(redis_url)) for _ in range(2)]
        self.publishers = [Publisher(database, cache, [self.topic]) for cache in self.caches]

    async def _load(self, names: Sequence[str]) -> list[Snapshot]:
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT name, version FROM thing WHERE name = ANY($1::text[])", names)
        now = time.time_ns() // 1000
        until = now + int(self.good_for * 1e6) if self.good_for else 0
        if self.withdrawn:
            return [Snapshot(self.topic.key(row["name"]), row["version"], now, b"", good_until=1) for row in rows]
        return [
            Snapshot(self.topic.key(row["name"]), row["version"], now, b"%d" % row["version"], until) for row in rows
        ]

    async def set(self, version: int) -> None:
        """Commit a version together with its outbox row, and die before publishing it."""
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO thing VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                NAME,
                version,
            )
            await connection.execute(
                "INSERT INTO outbox (topic, name, ready_at)"
                " VALUES ('thing', $1, clock_timestamp() + interval '0.3 seconds')",
                NAME,
            )

    async def unpublished(self) -> int:
        """How many rows wait in the outbox."""
        async with self.database.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM outbox"))

    async def read(self, cache: VersionedCache) -> int:
        """The version that a worker shows."""
        snapshot = await cache.read(self.topic, NAME)
        assert snapshot is not None and snapshot.body == b"%d" % snapshot.version
        return snapshot.version


@pytest.fixture
async def office(database: Database, redis_url: str) -> AsyncIterator[Office]:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE thing (name text PRIMARY KEY, version bigint NOT NULL)")
    office = Office(database, redis_url)
    async with contextlib.AsyncExitStack() as stack:
        for cache in office.caches:
            await stack.enter_async_context(cache.remote.running())
        yield office


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(redis_url) as client:
        yield client


async def stored_version(raw: redis.Redis) -> int:
    stored = await raw.get("thing:one")
    assert isinstance(stored, bytes)
    return Snapshot.unpack("thing:one", stored).version


async def test_a_dead_publishers_commit_is_public_within_a_second(office: Office, raw: redis.Redis) -> None:
    async with office.publishers[0].running(), office.publishers[1].running():
        took = []
        for version in range(1, 6):
            await office.set(version)
            committed = time.monotonic()
            while {await office.read(cache) for cache in office.caches} != {version}:
                assert time.monotonic() - committed <= 1
                await asyncio.sleep(0.01)
            took.append(time.monotonic() - committed)
            async with asyncio.timeout(1):
                while await office.unpublished():
                    await asyncio.sleep(0.01)
            assert await stored_version(raw) == version
    print(f"public after {', '.join(f'{seconds * 1000:.0f}' for seconds in took)} ms")


def rejected(reason: str) -> float:
    return catalogue.registry.get_sample_value("motcua_cache_rejected_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("foreign", Snapshot("thing:two", 9, 1, b"9").pack()),
        ("malformed", b"not a snapshot"),
        ("malformed", Snapshot("thing:one", 9, 1, b"9").pack()[:-1] + b"8"),
        ("older", Snapshot("thing:one", 2, 1, b"2").pack()),
    ],
)
async def test_what_redis_holds_is_not_believed(office: Office, raw: redis.Redis, reason: str, value: bytes) -> None:
    await office.set(3)
    cache = office.caches[0]
    assert await office.read(cache) == 3
    await raw.set("thing:one", value)
    cache.local.doubt_all()
    before = rejected(reason)
    assert await office.read(cache) == 3
    assert rejected(reason) == before + 1


@pytest.mark.parametrize(
    "value",
    [
        Snapshot("thing:two", 9, 1, b"9").pack(),
        b"not a snapshot",
        Snapshot("thing:one", 9, 1, b"9").pack()[:-1] + b"8",
        Snapshot("thing:one", 2, 1, b"2").pack(),
        None,
    ],
    ids=["foreign", "malformed", "damaged", "older", "wrong type"],
)
async def test_what_is_wrong_in_redis_is_put_right(office: Office, raw: redis.Redis, value: bytes | None) -> None:
    await office.set(3)
    if value is None:
        await raw.rpush("thing:one", "a list")
    else:
        await raw.set("thing:one", value)
    await office.publishers[0].publish(office.topic, NAME)
    assert [await office.read(cache) for cache in office.caches] == [3, 3]
    async with asyncio.timeout(1):
        while await raw.type("thing:one") != b"string":
            await asyncio.sleep(0.01)
    assert await stored_version(raw) == 3


async def test_what_may_no_longer_be_shown_is_gone_within_a_second(office: Office) -> None:
    async with office.publishers[0].running(), office.publishers[1].running():
        await office.set(1)
        assert [await office.read(cache) for cache in office.caches] == [1, 1]
        office.withdrawn = True
        await office.set(2)
        await asyncio.sleep(1)
        assert [await cache.read(office.topic, NAME) for cache in office.caches] == [None, None]


@contextlib.contextmanager
def frozen_postgres() -> Iterator[None]:
    """The run's own PostgreSQL stands still."""
    (postmaster,) = (each for each in psutil.Process(os.getpid()).children() if each.name() == "postgres")
    everyone = freeze(postmaster)
    try:
        yield
    finally:
        thaw(everyone)


async def test_an_aged_answer_goes_on_while_postgres_stands_still(office: Office) -> None:
    office.good_for = 0.4
    await office.set(1)
    cache = office.caches[0]
    assert await office.read(cache) == 1
    await asyncio.sleep(0.1)
    with frozen_postgres():
        await asyncio.sleep(0.6)
        for _ in range(3):
            began = time.monotonic()
            assert await office.read(cache) == 1
            assert time.monotonic() - began <= 0.5
            await asyncio.sleep(0.2)


async def test_the_directory_goes_on_while_postgres_stands_still(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "REMEMBERED", 0.2)
    directory = Directory(database)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO office (id, short_key, name, name_en, kind, valid_from)"
            " VALUES ('here', 'here', 'Here', 'Here', 'point', '2025-07-01')"
        )
    assert await directory.id_of_key("here") == "here"
    with frozen_postgres():
        await asyncio.sleep(0.3)
        began = time.monotonic()
        assert await directory.id_of_key("here") == "here"
        assert time.monotonic() - began <= 0.5
