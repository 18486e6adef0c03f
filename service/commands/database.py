"""The database of a command: the one that is configured, or that of the embedded server in the data folder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import click

from kit import migrations
from kit.database import Database, DatabaseUnavailable, Deadlines
from service import settings as settings_module
from service.datafolder import DataFolderError, claimed
from service.embedded import ServerStartError
from service.embedded.postgres import EmbeddedPostgres
from service.settings import Settings, SettingsError

PATIENT = Deadlines(acquire=10, command=600, operation=600)
"""Commands may take long; a person or a job waits for them, not a citizen."""


class CommandError(click.ClickException):
    """One line on stderr, exit status 2."""

    exit_code = 2


def load_settings(**overrides: object) -> Settings:
    """The settings, or CommandError naming the wrong one."""
    try:
        return settings_module.load(**overrides)
    except SettingsError as error:
        raise CommandError(str(error)) from None


@contextlib.contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The address of the database: DATABASE_URL, or the embedded server, which is started for as long as needed."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.data_dir.resolve() / "postgres")
    running = server.running_address()
    if running is not None:
        yield running
        return
    try:
        with claimed(settings.data_dir):
            try:
                yield server.start()
            finally:
                server.stop()
    except (DataFolderError, ServerStartError) as error:
        raise CommandError(str(error)) from None


@contextlib.asynccontextmanager
async def open_database() -> AsyncIterator[Database]:
    """A small pool with patient deadlines."""
    with database_url(load_settings()) as url:
        try:
            database = await Database.connect(url, size=2, deadlines=PATIENT)
        except DatabaseUnavailable as error:
            raise CommandError(str(error)) from None
        try:
            await _must_be_current(database)
            yield database
        finally:
            await database.close()


async def _must_be_current(database: Database) -> None:
    latest = migrations.load("service")[-1]
    try:
        async with database.connection() as connection:
            there = await connection.fetchval("SELECT to_regclass('schema_migration') IS NOT NULL")
            number = await connection.fetchval("SELECT max(number) FROM schema_migration") if there else None
    except DatabaseUnavailable as error:
        raise CommandError(f"PostgreSQL did not answer: {error}") from None
    if number != latest.number:
        raise CommandError("the database does not have this program's schema; run `motcua migrate` first")
