"""The sweep that finds dossiers whose time has run out, so that nobody has to ask before hearing an apology.

Only dossiers that are ours (``origin`` is NULL): for those that another system pushes, that system apologises, and
history that was imported is not our promise until one of our actions takes the dossier over. What came in more than
400 days ago is left alone too: an apology for it would be a surprise, not a service.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import structlog

from kit.database import Database, DatabaseUnavailable
from kit.tasks import cancelled
from tracking.codes import Code
from tracking.notices.queue import Happened, Trigger, announce_all, queries

log = structlog.get_logger()
BATCH = 200
EVERY = 60.0


async def sweep(database: Database, batch: int = BATCH) -> int:
    """Deal with at most ``batch`` dossiers that have become late: apology owed, event, messages, in one transaction.

    The answer is how many; 0 also when another worker is at it. Raises DatabaseUnavailable.
    """
    async with database.transaction() as connection:
        if not await queries.late_turn.value(connection):
            return 0
        rows = await queries.late_found.rows(connection, most=batch)
        late = (Trigger.LATE,)
        await announce_all(
            connection,
            [Happened(row["id"], row["at"], Code(row["code"]), row["receiving_office"], late) for row in rows],
        )
    return len(rows)


@contextlib.asynccontextmanager
async def sweeping(database: Database) -> AsyncIterator[None]:
    """Sweep about every minute for as long as the context lasts."""
    task = asyncio.create_task(_keep_sweeping(database))
    try:
        yield
    finally:
        await cancelled(task)


async def _keep_sweeping(database: Database) -> None:
    while True:
        await asyncio.sleep(EVERY * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        try:
            while await sweep(database) == BATCH:
                pass
        except DatabaseUnavailable as error:
            log.warning("late_sweep_put_off", reason=str(error))
        except Exception:  # must not end: what it could not do it tries again
            log.exception("late_sweep_failed")
