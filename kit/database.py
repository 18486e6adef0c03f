"""PostgreSQL behind deadlines that hold: the one way to a connection.

A plain ``pool.fetch(timeout=1)`` still hung after 40 s against a stopped server; what holds is a deadline of its own on
acquire, a command timeout on the connection, and a bounded release. So nothing outside this module touches the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
import orjson

from metrics import catalogue

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_BROKEN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a rollback on a connection that has just died may raise
)
_REFUSED = (
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
)
_GONE = _BROKEN + _REFUSED


class DatabaseUnavailable(Exception):
    """PostgreSQL did not answer within its deadline, or is away. Whether a write happened is then unknown."""


class UnsafeDatabase(Exception):
    """The server may lose what it acknowledged; the text names the setting."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: to get a connection from the pool, for one command on it, and for a whole operation of several."""

    acquire: float = 0.5
    command: float = 1.4
    operation: float = 1.8


class Database:
    """A pool of connections to one PostgreSQL. Make it with :meth:`connect`, end it with :meth:`close`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], deadlines: Deadlines) -> None:
        self._pool = pool
        self._deadlines = deadlines
        self._waiting = 0

    @classmethod
    async def connect(cls, url: str, *, size: int = 10, deadlines: Deadlines = Deadlines()) -> Database:
        """Open the pool (one connection at once, up to ``size``). Raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(10):
                pool = await asyncpg.create_pool(
                    url,
                    min_size=1,
                    max_size=size,
                    command_timeout=deadlines.command,
                    timeout=5,  # acquire's own deadline is what holds; a busy machine may take longer to start up
                    init=_prepare_connection,
                    reset=_leave_as_it_is,
                    server_settings={
                        "application_name": "motcua",
                        "timezone": "UTC",
                        # Our queries look the same whatever the values: planning a dossier look-up anew at each call
                        # cost eight times what running it does.
                        "plan_cache_mode": "force_generic_plan",
                        # The server lets go by itself of what a client abandoned, and never waits longer than we do.
                        "statement_timeout": str(int(deadlines.command * 1000)),
                        "lock_timeout": str(int(deadlines.command * 1000)),
                        "idle_in_transaction_session_timeout": str(int(max(2.0, deadlines.command) * 1000)),
                    },
                )
        except _GONE as error:
            raise DatabaseUnavailable(f"cannot connect to PostgreSQL: {error or type(error).__name__}") from error
        return cls(pool, deadlines)

    async def close(self) -> None:
        """Close every connection; those that do not answer within 2 s are cut."""
        try:
            async with asyncio.timeout(2):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection for one piece of work.

        Raises DatabaseUnavailable when a deadline passes or the server is away.
        """
        connection = None
        try:
            connection = await self._acquire()
            yield connection
        except asyncio.CancelledError:
            if connection is not None:
                with contextlib.suppress(asyncpg.InterfaceError):
                    connection.terminate()  # asking a server that stands still to cancel would be one more wait
            raise
        except _GONE as error:
            if connection is not None and isinstance(error, _BROKEN):
                with contextlib.suppress(asyncpg.InterfaceError):  # one that the server cut has left the pool already
                    connection.terminate()
            raise DatabaseUnavailable(type(error).__name__) from error
        finally:
            if connection is not None:
                with contextlib.suppress(*_GONE):
                    await self._pool.release(connection, timeout=self._deadlines.acquire)

    @contextlib.asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """One deadline around an operation that asks several times. Raises DatabaseUnavailable when it passes."""
        try:
            async with asyncio.timeout(self._deadlines.operation):
                yield
        except TimeoutError as error:
            raise DatabaseUnavailable("the operation took too long") from error

    async def _acquire(self) -> asyncpg.pool.PoolConnectionProxy[asyncpg.Record]:
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._deadlines.acquire)
        finally:
            self._waiting -= 1

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection with a transaction open on it: committed at the end, rolled back on any exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    def observe(self) -> None:
        """Bring the pool gauges up to date (called at each scrape)."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        catalogue.database_connections.labels("in_use").set(size - idle)
        catalogue.database_connections.labels("idle").set(idle)
        catalogue.database_waiting.set(self._waiting)

    async def assert_durable(self) -> None:
        """Refuse a server that may forget what it acknowledged (``fsync``, ``synchronous_commit``).

        Raises UnsafeDatabase.
        """
        async with self.connection() as connection:
            for name, bad in (
                ("fsync", {"off"}),
                ("synchronous_commit", {"off"}),
                ("full_page_writes", {"off"}),
            ):
                value = await connection.fetchval("SELECT current_setting($1)", name)
                if value in bad:
                    raise UnsafeDatabase(f"PostgreSQL runs with {name} = {value}; motcua needs it on")
            version = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
            if version < 150000:
                raise UnsafeDatabase(f"PostgreSQL {version // 10000} is too old; motcua needs 15 or newer")


async def _prepare_connection(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
    )


async def _leave_as_it_is(_: Connection) -> None:
    # The library's own reset is a query at each release, dearer than most of ours. Nothing here changes a session: no
    # session lock, no LISTEN, no SET outside a transaction.
    return
