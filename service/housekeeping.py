"""What every database needs now and then: partitions for the months to come, and an end for what has expired."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from kit import sql
from kit.database import Database, DatabaseUnavailable

log = structlog.get_logger()
EVERY_SECONDS = 3600
_sql = sql.load("service")


async def tidy(database: Database) -> bool:
    """Do what is due; False if another worker is at it."""
    async with database.transaction() as connection:
        if not await _sql.housekeeping_turn.value(connection):
            return False
        await _sql.sessions_expired.run(connection)
        await _sql.keys_expired.run(connection)
    async with database.transaction() as connection:  # of its own: a partition that takes long holds up nothing else
        await _sql.partitions_ahead.value(connection)
    return True


@contextlib.asynccontextmanager
async def housekeeping(database: Database) -> AsyncIterator[None]:
    """Tidy at once and every hour, for as long as the context lasts."""
    task = asyncio.create_task(_keep_tidying(database))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep_tidying(database: Database) -> None:
    while True:
        try:
            await tidy(database)
        except DatabaseUnavailable as error:
            log.warning("housekeeping_put_off", reason=str(error))
        except Exception:  # must not end: what it could not do it tries again
            log.exception("housekeeping_failed")
        await asyncio.sleep(EVERY_SECONDS)
