"""The status cache on a real Redis and a real PostgreSQL: layers, one load for many, versions, faults."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis.asyncio as redis

from kit.cache import Topic, VersionedCache
from kit.database import Database, DatabaseUnavailable
from kit.marks import Marks
from kit.outbox import Publisher
from kit.remote import Remote
from kit.snapshot import Snapshot
from metrics import catalogue
from service.embedded.redis import EmbeddedRedis


@dataclass
class Truth:
    """Things in PostgreSQL, and how often they were asked for."""

    database: Database
    loads: int = 0
    delay: float = 0.0
    good_until: int = 0
    topic: Topic = field(init=False)

    def __post_init__(self) -> None:
        self.topic = Topic("thing", self._load)

    async def _load(self, names: Sequence[str]) -> list[Snapshot]:
        self.loads += 1
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT name, version FROM thing WHERE name = ANY($1::text[])", names)
        await asyncio.sleep(self.delay)
        return [snapshot(row["name"], row["version"], good_until=self.good_until) for row in rows]

    async def write(self, name: str, version: int) -> None:
        """Commit a version, without telling anybody."""
        async with self.database.connection() as connection:
            await connection.execute(
                "INSERT INTO thing VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                name,
                version,
            )


def snapshot(name: str, version: int, *, as_of: int = 0, good_until: int = 0) -> Snapshot:
    body = b"%d" % version
    return Snapshot(f"thing:{name}", version, as_of or time.time_ns() // 1000, body, good_until)


@pytest.fixture
async def truth(database: Database) -> Truth:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE thing (name text PRIMARY KEY, version bigint NOT NULL)")
    found = Truth(database)
    await found.write("a", 1)
    return found


@pytest.fixture
async def stored(redis_url: str) -> AsyncIterator[redis.Redis]:
    """A plain client, to look into Redis and to tamper with it."""
    client = redis.Redis.from_url(redis_url)
    yield client
    await client.aclose()


Start = Callable[..., Awaitable[VersionedCache]]


@pytest.fixture
async def start(redis_url: str) -> AsyncIterator[Start]:
    """Starts caches, each a worker; ``local_age`` 0 asks Redis at every read."""
    async with AsyncExitStack() as stack:

        async def one(
            url: str = redis_url, local_age: float = 0.0, entries: int = 1000, marks: Marks | None = None
        ) -> VersionedCache:
            remote = Remote(url, timeout=0.2, ttl=60)
            cache = VersionedCache(remote, local_entries=entries, local_age=local_age, marks=marks)
            await stack.enter_async_context(remote.running())
            return cache

        yield one


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def settled(stored: redis.Redis, version: int, name: str = "a") -> None:
    """Wait until Redis holds this version."""
    async with asyncio.timeout(5):
        while f"thing:{name} {version} " not in str(await stored.get(f"thing:{name}")):
            await asyncio.sleep(0.01)


def reads(layer: str) -> float:
    return catalogue.registry.get_sample_value("motcua_cache_reads_total", {"topic": "thing", "layer": layer}) or 0.0


async def version(cache: VersionedCache, truth: Truth, name: str = "a") -> int | None:
    found = await cache.read(truth.topic, name)
    return found.version if found else None


async def test_the_layers_are_asked_in_turn(truth: Truth, start: Start, stored: redis.Redis) -> None:
    here, there = await start(local_age=0.3), await start(local_age=0.3)
    before = {layer: reads(layer) for layer in ("local", "redis", "database", "absent")}
    assert await version(here, truth) == 1
    await settled(stored, 1)
    assert await version(here, truth) == 1
    assert await version(there, truth) == 1
    assert truth.loads == 1
    assert await version(here, truth, "nothing") is None
    assert {layer: reads(layer) - before[layer] for layer in before} == {
        "local": 1,
        "redis": 1,
        "database": 1,
        "absent": 1,
    }
    assert 0 < await stored.ttl("thing:a") <= 60


async def test_memory_is_trusted_for_its_age_only(truth: Truth, start: Start, stored: redis.Redis) -> None:
    cache = await start(local_age=0.2)
    await until(lambda: cache.remote.linked)
    assert await version(cache, truth) == 1
    await settled(stored, 1)
    await stored.set("thing:a", snapshot("a", 2).pack())  # a lost announcement
    assert await version(cache, truth) == 1
    await asyncio.sleep(0.25)
    assert await version(cache, truth) == 2


async def test_many_readers_of_one_key_load_it_once(truth: Truth, start: Start) -> None:
    cache = await start()
    truth.delay = 0.1
    found = await asyncio.gather(*(cache.read(truth.topic, "a") for _ in range(100)))
    assert truth.loads == 1
    assert {one.version for one in found if one} == {1}


async def test_a_reader_that_goes_away_takes_nobody_with_it(truth: Truth, start: Start) -> None:
    cache = await start()
    truth.delay = 0.1
    first, second = (asyncio.create_task(cache.read(truth.topic, "a")) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    found = await second
    assert found is not None
    assert truth.loads == 1


async def test_only_what_is_newer_is_stored(truth: Truth, start: Start, stored: redis.Redis) -> None:
    cache = await start()
    old, new = snapshot("a", 5), snapshot("a", 6)
    same_later = snapshot("a", 6, as_of=new.as_of + 1)
    for order in ([old, new], [new, old]):
        await stored.flushall()
        for one in order:
            await cache.remote.store([one], announce=False)
        assert await stored.get("thing:a") == new.pack()
    await cache.remote.store([same_later], announce=False)
    await cache.remote.store([new], announce=False)
    assert await stored.get("thing:a") == same_later.pack()
    await stored.set("thing:a", b"junk")
    await cache.remote.store([old], announce=False)
    assert await stored.get("thing:a") == old.pack()
    await stored.delete("thing:a")
    await stored.lpush("thing:a", "not even a string")
    await cache.remote.store([new], announce=False)
    assert await stored.get("thing:a") == new.pack()


async def test_what_redis_holds_is_believed_only_if_it_is_right(
    truth: Truth, start: Start, stored: redis.Redis
) -> None:
    cache = await start()
    await truth.write("a", 7)
    assert await version(cache, truth) == 7
    foreign = Snapshot("thing:b", 99, 1, b"99").pack()
    for junk in (foreign, snapshot("a", 99).pack()[:-1], b"", b"99", snapshot("a", 6).pack()):
        await stored.set("thing:a", junk)
        assert await version(cache, truth) == 7, junk


async def test_versions_never_go_back_for_anybody(truth: Truth, start: Start) -> None:
    """Two workers of one host, a writer that publishes, a reader that hops between the workers."""
    marks = Marks()
    workers = [await start(local_age=0.5, marks=marks) for _ in range(2)]
    seen = [1]

    async def write() -> None:
        for number in range(2, 60):
            await truth.write("a", number)
            await workers[number % 2].publish([snapshot("a", number)])

    writing = asyncio.create_task(write())
    while not writing.done():
        for worker in workers:
            found = await version(worker, truth)
            assert found is not None
            assert found >= seen[-1]
            seen.append(found)
        await asyncio.sleep(0)
    await writing
    assert len(set(seen)) > 5
    for worker in workers:
        assert await version(worker, truth) == 59


async def test_a_change_here_is_seen_there_at_once(truth: Truth, start: Start) -> None:
    here, there = await start(local_age=30.0), await start(local_age=30.0)  # as on two hosts: marks of their own
    heard: list[str] = []
    there.when_changed(heard.append)
    await until(lambda: there.remote.linked)
    assert await version(there, truth) == 1
    await truth.write("a", 2)
    await here.publish([snapshot("a", 2)])
    await until(lambda: "thing:a" in heard)
    assert await version(there, truth) == 2


async def test_a_lost_link_means_to_ask_again(truth: Truth, start: Start, stored: redis.Redis) -> None:
    cache = await start(local_age=30.0)
    await until(lambda: cache.remote.linked)
    assert await version(cache, truth) == 1
    await settled(stored, 1)
    await stored.set("thing:a", snapshot("a", 2).pack())
    assert await version(cache, truth) == 1
    await stored.client_kill_filter(_type="pubsub")
    await until(lambda: not cache.remote.linked)
    assert await version(cache, truth) == 2
    await until(lambda: cache.remote.linked)


async def test_what_is_no_longer_true_by_itself_is_loaded_anew(truth: Truth, start: Start, stored: redis.Redis) -> None:
    cache = await start(local_age=30.0)
    truth.good_until = time.time_ns() // 1000 + 300_000
    assert await version(cache, truth) == 1
    assert await version(cache, truth) == 1
    assert truth.loads == 1
    await settled(stored, 1)
    await asyncio.sleep(0.35)
    truth.good_until = 0
    found = await cache.read(truth.topic, "a")
    assert found is not None
    assert (truth.loads, found.good_until) == (2, 0)


async def test_memory_is_bounded_and_forgets_the_least_used(truth: Truth, start: Start) -> None:
    cache = await start(local_age=30.0, entries=3)
    for name in ("a", "b", "c", "d"):
        await truth.write(name, 1)
    for name in ("a", "b", "c", "a", "d"):
        await version(cache, truth, name)
    assert cache.local.seen("thing:b") is None
    assert [name for name in "acd" if cache.local.seen(f"thing:{name}")] == ["a", "c", "d"]


@pytest.fixture
def own_redis(server_folder: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(server_folder / "own-redis")
    server.start()
    yield server
    if server.pid is not None:
        os.kill(server.pid, signal.SIGCONT)
    server.stop()


def tell(server: EmbeddedRedis, number: signal.Signals) -> None:
    assert server.pid is not None
    os.kill(server.pid, number)


async def test_a_frozen_redis_costs_one_time_out_and_comes_back(
    truth: Truth, start: Start, own_redis: EmbeddedRedis
) -> None:
    address = f"unix://{server_socket(own_redis)}"
    cache = await start(address)
    assert cache.remote.available
    assert await version(cache, truth) == 1
    tell(own_redis, signal.SIGSTOP)
    began = time.monotonic()
    assert await version(cache, truth) == 1
    assert not cache.remote.available
    assert time.monotonic() - began < 1.0
    began = time.monotonic()
    for _ in range(100):  # a hundred time-outs would take 20 s
        assert await version(cache, truth) == 1
    assert time.monotonic() - began < 5.0
    await truth.write("a", 2)
    assert await version(cache, truth) == 2
    tell(own_redis, signal.SIGCONT)
    await until(lambda: cache.remote.available)
    assert await version(cache, truth) == 2  # Redis may still hold 1: this worker knows better


def server_socket(server: EmbeddedRedis) -> str:
    return str(server._socket)


async def test_the_moment_it_is_back_nothing_outdated_is_shown(
    truth: Truth, start: Start, own_redis: EmbeddedRedis
) -> None:
    address = f"unix://{server_socket(own_redis)}"
    cache = await start(address)
    Publisher(truth.database, cache, [truth.topic])
    assert await version(cache, truth) == 1
    tell(own_redis, signal.SIGSTOP)
    await version(cache, truth)
    await truth.write("a", 2)  # by a writer that still has time to publish it, but could not
    async with truth.database.connection() as connection:
        await connection.execute("INSERT INTO outbox (topic, name, ready_at) VALUES ('thing', 'a', now() + '10 s')")
    tell(own_redis, signal.SIGCONT)
    await until(lambda: cache.remote.available)
    newcomer = await start(address)
    assert await version(newcomer, truth) == 2


async def test_redis_away_at_the_start_and_there_later(truth: Truth, start: Start, own_redis: EmbeddedRedis) -> None:
    address = f"unix://{server_socket(own_redis)}"
    own_redis.stop()
    cache = await start(address)
    assert not cache.remote.available
    assert await version(cache, truth) == 1
    own_redis.start()
    await until(lambda: cache.remote.available and cache.remote.linked)
    loads = truth.loads
    assert await version(cache, truth) == 1
    await until(lambda: truth.loads == loads + 1)


async def test_a_killed_redis_is_asked_again_when_it_is_back(
    truth: Truth, start: Start, own_redis: EmbeddedRedis
) -> None:
    cache = await start(f"unix://{server_socket(own_redis)}")
    await until(lambda: cache.remote.linked)
    tell(own_redis, signal.SIGKILL)
    await until(lambda: not own_redis.alive())
    assert await version(cache, truth) == 1
    assert not cache.remote.available
    own_redis.start()
    await until(lambda: cache.remote.available and cache.remote.linked)


async def test_the_database_away_but_redis_there(truth: Truth, start: Start, stored: redis.Redis) -> None:
    cache, fresh = await start(), await start()
    soon = time.time_ns() // 1000 + 200_000
    truth.good_until = soon
    assert await version(cache, truth) == 1
    await settled(stored, 1)
    await truth.database.close()
    assert await version(fresh, truth) == 1
    await asyncio.sleep(0.25)
    before = reads("stale")
    assert await version(fresh, truth) == 1  # no longer quite true, but vouched for by Redis, and better than none
    assert reads("stale") == before + 1
    with pytest.raises(DatabaseUnavailable):
        await fresh.read(truth.topic, "unheard-of")


async def test_what_is_withdrawn_is_as_if_it_had_never_been(truth: Truth, start: Start, stored: redis.Redis) -> None:
    here, there = await start(local_age=30.0), await start(local_age=30.0)
    assert await version(here, truth) == 1
    await settled(stored, 1)
    withdrawn = Snapshot("thing:a", 2, time.time_ns() // 1000, b"", good_until=1)
    await there.publish([withdrawn])
    await truth.database.close()
    for cache in (here, there):  # only the database can say, even of what Redis holds
        await until(lambda cache=cache: cache.local.fresh("thing:a") is None)  # type: ignore[misc]  # bound now
        with pytest.raises(DatabaseUnavailable):
            await cache.read(truth.topic, "a")
