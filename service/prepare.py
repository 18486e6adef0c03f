"""What happens between "the servers are up" and "the workers start": checks, migrations, the demo."""

from __future__ import annotations

import asyncio
import os
import secrets
from importlib import resources
from pathlib import Path

from kit import migrations, sql
from kit.database import Database, DatabaseUnavailable, UnsafeDatabase
from kit.migrations import MigrationError
from kit.sessions import Passwords, Role, put_staff
from office.catalogue import CatalogueError
from service.commands.database import PATIENT
from service.commands.imports import load_offices
from service.settings import Settings
from service.supervisor import PrepareError
from tracking.exchange.files import ImportFileError
from tracking.exchange.imports import import_file

_sql = sql.load("service")
DEMO_OFFICE = "demo-24h"
DEMO_STAFF = {"clerk": Role.CLERK, "supervisor": Role.SUPERVISOR}


def prepare(settings: Settings) -> list[str]:
    """Check that the database keeps what it acknowledges, migrate it, load the demo; the answer is lines for the
    operator.

    Raises PrepareError with one line.
    """
    assert settings.database_url is not None
    migrate_database(settings.database_url)
    try:
        return asyncio.run(_check_and_fill(settings, settings.database_url))
    except (UnsafeDatabase, DatabaseUnavailable, CatalogueError, ImportFileError, OSError) as error:
        raise PrepareError(str(error)) from error


def migrate_database(url: str) -> list[str]:
    """Run the missing migrations; the answer is their names. Raises PrepareError."""
    try:
        return asyncio.run(migrations.migrate(url, migrations.load("service")))
    except MigrationError as error:
        raise PrepareError(str(error)) from error


async def _check_and_fill(settings: Settings, url: str) -> list[str]:
    database = await Database.connect(url, size=2, deadlines=PATIENT)
    try:
        await database.assert_durable()
        async with database.connection() as connection:
            await _sql.partitions_ahead.value(connection)  # here it may take its time
        return await _load_demo(database, settings.data_dir) if settings.demo else []
    finally:
        await database.close()


async def _load_demo(database: Database, data_dir: Path) -> list[str]:
    folder = resources.files("service.demo")
    with resources.as_file(folder.joinpath("offices.toml")) as offices:
        await load_offices(database, offices)
    with resources.as_file(folder.joinpath("dossiers.csv")) as dossiers:
        async with database.connection() as connection:
            await import_file(connection, dossiers, skip_bad=True)  # but for those taken over since
    password = _demo_password(data_dir)
    async with database.connection() as connection:
        hashed = Passwords().hash(password)
        for name, role in DEMO_STAFF.items():
            await put_staff(connection, name=name, role=role, office=DEMO_OFFICE, password_hash=hashed)
    return [f"demo {name}: sign in at /desk as {name} with password {password}" for name in DEMO_STAFF]


def _demo_password(data_dir: Path) -> str:
    # Random per installation and kept beside its data, so that a demo left open is not open to everybody.
    path = data_dir / "demo-password"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        password = "-".join(secrets.token_hex(2) for _ in range(3))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(password + "\n")
        return password
