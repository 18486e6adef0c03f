"""Redis as a cache and a bus: it may be away, frozen or wrong at any moment, and nobody waits long for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from kit.snapshot import Snapshot
from kit.tasks import Tasks, cancelled
from metrics import catalogue

log = structlog.get_logger()

CHANNEL = "motcua:changed"
"""Every worker listens here; a message is ``key version``."""

_STORE_IF_NEWER = """
local old = redis.pcall('GET', KEYS[1])
if type(old) == 'string' then
  local key, version, as_of = string.match(old, '^([^ \\n]+) (%d+) (%d+) ')
  if key == KEYS[1] then
    version, as_of = tonumber(version), tonumber(as_of)
    local new_version, new_as_of = tonumber(ARGV[2]), tonumber(ARGV[3])
    if version > new_version or (version == new_version and as_of >= new_as_of) then return 0 end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
return 1
"""
_LARGEST_MGET = 256


class RemoteUnavailable(Exception):
    """Redis did not answer within its deadline, or is known to be away."""


Found = Callable[["bytes | RemoteUnavailable | None"], None]


class Remote:
    """The shared layer of the cache: folded reads, store-if-newer, announcements, and a breaker around all of it.

    ``timeout`` is in seconds, ``ttl`` too. ``on_return`` is awaited whenever Redis answers again after an absence and
    before anybody reads from it: what changed meanwhile has to be stored first.
    """

    def __init__(self, url: str, *, timeout: float = 0.2, ttl: int = 3600) -> None:
        self._timeout = timeout
        self._ttl = ttl
        self._client = _client(url, timeout, connections=4)
        self._listener = _client(url, timeout, connections=1)
        self._wanted: list[tuple[str, Found]] = []
        self._reading = False
        self._tasks = Tasks()
        self._open = True  # nothing is asked before the first successful probe
        self.linked = False
        self.on_return: Callable[[], Awaitable[None]] = _nothing
        self.on_change: Callable[[str, int], None] = lambda key, version: None
        self.on_link: Callable[[], None] = lambda: None

    @property
    def available(self) -> bool:
        """Whether Redis is being asked at all."""
        return not self._open

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe, listen and serve for as long as the context lasts."""
        await self._probe()
        tasks = [asyncio.create_task(self._keep_probing()), asyncio.create_task(self._keep_listening())]
        try:
            yield
        finally:
            await cancelled(*tasks)
            await self._tasks.end(self._timeout)
            for client in (self._client, self._listener):
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    await client.aclose()

    def fetch(self, key: str, found: Found) -> None:
        """Have ``found`` called with the raw value of ``key``, None if there is none, or RemoteUnavailable.

        Reads that come while another is under way travel together in one MGET. Raises RemoteUnavailable at once, and
        calls nothing, while the breaker is open.
        """
        if self._open:
            raise RemoteUnavailable
        self._wanted.append((key, found))
        if not self._reading:
            self._reading = True
            asyncio.get_running_loop().call_soon(self._start_reading)

    def _start_reading(self) -> None:
        self._tasks.start(self._read_wanted())

    async def _read_wanted(self) -> None:
        try:
            while self._wanted:
                batch, self._wanted = self._wanted[:_LARGEST_MGET], self._wanted[_LARGEST_MGET:]
                values: list[Any]
                try:
                    async with self._guarded():
                        values = await self._client.mget([key for key, _ in batch])
                except RemoteUnavailable as error:
                    batch, self._wanted = batch + self._wanted, []
                    values = [error] * len(batch)
                for (_, found), value in zip(batch, values, strict=True):
                    try:
                        found(value)
                    except Exception:  # one reader's trouble must not leave the others waiting
                        log.exception("read_callback_failed")
        finally:
            self._reading = False

    async def store(self, snapshots: Sequence[Snapshot], *, announce: bool) -> None:
        """Put each snapshot where an older one, or none, stands; tell every worker if ``announce``.

        Raises RemoteUnavailable; some may then be stored.
        """
        if self._open:
            raise RemoteUnavailable
        await self._store(snapshots, announce=announce)

    async def discard(self, key: str) -> None:
        """Forget what is stored under ``key``. Raises RemoteUnavailable."""
        if self._open:
            raise RemoteUnavailable
        async with self._guarded():
            await self._client.delete(key)

    async def store_on_return(self, snapshots: Sequence[Snapshot]) -> None:
        """Like :meth:`store`, while the breaker is still open: for ``on_return`` alone."""
        await self._store(snapshots, announce=True)

    async def _store(self, snapshots: Sequence[Snapshot], *, announce: bool) -> None:
        async with self._guarded():
            pipeline = self._client.pipeline(transaction=False)
            for snapshot in snapshots:
                pipeline.eval(
                    _STORE_IF_NEWER,
                    1,
                    snapshot.key,
                    snapshot.pack(),
                    snapshot.version,
                    snapshot.as_of,
                    self._ttl,
                )
                if announce:
                    pipeline.publish(CHANNEL, f"{snapshot.key} {snapshot.version}")
            await pipeline.execute()

    @contextlib.asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout * 1.5):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            self._set_open(True)
            raise RemoteUnavailable(type(error).__name__) from error

    def _set_open(self, state: bool) -> None:
        self._open = state
        catalogue.redis_breaker_open.set(state)

    async def _probe(self) -> None:
        try:
            async with self._guarded():
                await self._client.ping()
            await self.on_return()
        except RemoteUnavailable:
            return
        self._set_open(False)

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            if self._open:
                await self._probe()

    async def _keep_listening(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self._listen()
            self._set_linked(False)
            await asyncio.sleep(0.25)

    async def _listen(self) -> None:
        async with self._listener.pubsub() as channel:
            async with asyncio.timeout(self._timeout * 2):
                await channel.subscribe(CHANNEL)
            quiet = 0.0
            while quiet < 3:
                message = await channel.get_message(timeout=1.0)
                if message is None:
                    quiet += 1.0
                    async with asyncio.timeout(self._timeout * 2):
                        await channel.ping()
                    continue
                quiet = 0.0
                if message["type"] == "subscribe":
                    self._set_linked(True)
                elif message["type"] == "message":
                    self._heard(message["data"])

    def _heard(self, data: bytes) -> None:
        key, _, version = data.decode("utf-8", "replace").rpartition(" ")
        if key and version.isdecimal():
            self.on_change(key, int(version))

    def _set_linked(self, state: bool) -> None:
        if state != self.linked:
            self.linked = state
            catalogue.redis_link_up.set(state)
            self.on_link()


def _client(url: str, timeout: float, *, connections: int) -> redis.Redis:
    # The library's defaults turn a frozen Redis into a request of 59 s (five-second time-outs, ten retries).
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return redis.Redis.from_pool(pool)


async def _nothing() -> None:
    return None
