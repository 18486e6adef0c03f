"""Bring a database to the current schema: numbered ``.sql`` files, each in its own transaction, once, in order.

One runner at a time (advisory lock); no statement waits longer than ``lock_timeout`` for others, so that a migration
beside running workers gives up instead of stopping them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import asyncpg

_ADVISORY_LOCK = 0x6D6F74637561  # "motcua"


class MigrationError(Exception):
    """The schema cannot be brought up to date; the text is one line that names the migration."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, file name and SQL."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of the SQL, so that a step that was changed after it ran is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(package: str) -> list[Migration]:
    """The migrations in ``package``'s ``migrations/NNNN_name.sql``, in order. A gap or a double is a ValueError."""
    folder = resources.files(package).joinpath("migrations")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    found = [Migration(int(name[:4]), name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{package}/migrations: numbers must run 0001, 0002, … without gaps: {names}")
    return found


async def migrate(url: str, migrations: Sequence[Migration]) -> list[str]:
    """Run what has not run yet; the answer is the names of the steps that ran.

    Raises MigrationError when a step fails, was changed after it ran, or the database is newer than the code.
    """
    try:
        connection = await asyncpg.connect(url, timeout=10, server_settings={"lock_timeout": "5000"})
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(f"cannot connect to PostgreSQL: {error}") from error
    try:
        # lock_timeout also bounds advisory locks; another runner's migration may rightly take longer.
        await connection.execute("SET lock_timeout = '60s'")
        await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        await connection.execute("SET lock_timeout = '5s'")
        return [step.name for step in await _missing(connection, migrations) if await _run(connection, step)]
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError("another migration is running, or a table stayed locked; try again") from error
    finally:
        await connection.close(timeout=5)


async def _missing(connection: asyncpg.Connection[asyncpg.Record], migrations: Sequence[Migration]) -> list[Migration]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration ("
        "number int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())"
    )
    ran = {row["number"]: row for row in await connection.fetch("SELECT number, name, sha256 FROM schema_migration")}
    if ran and max(ran) > len(migrations):
        raise MigrationError(f"the database is newer than this program: it has migration {ran[max(ran)]['name']}")
    for migration in migrations:
        if migration.number in ran and ran[migration.number]["sha256"] != migration.sha256:
            raise MigrationError(f"migration {migration.name} was changed after it ran on this database")
    return [migration for migration in migrations if migration.number not in ran]


async def _run(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
    except asyncpg.LockNotAvailableError:
        raise
    except asyncpg.PostgresError as error:
        raise MigrationError(f"migration {migration.name} failed: {error}") from error
    return True
