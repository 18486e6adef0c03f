"""Real servers for the tests: one PostgreSQL and one Redis a run, a fresh database and an empty Redis a test."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from kit import migrations
from kit.database import Database, Deadlines
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.redis import EmbeddedRedis

REPOSITORY = Path(__file__).parent.parent
GIB = 2**30


def _work_in_memory() -> None:
    # Every test that writes has a database of its own: on a disk, copying and syncing those is much of the suite's
    # time, and a stall of that disk looks like a fault of the product.
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 6 * GIB:
        tempfile.tempdir = os.environ["TMPDIR"] = str(memory)


if psutil.virtual_memory().available > 8 * GIB:
    _work_in_memory()
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Servers:
    """Addresses of the run's servers; ``template`` is a migrated database that others are copied from."""

    postgres_url: str
    redis_url: str
    template: str

    def database_url(self, name: str) -> str:
        """The address of another database on the same server."""
        return self.postgres_url.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can enter too (pytest's folders are closed to it under root)."""
    folder = Path(tempfile.mkdtemp(prefix="motcua-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(server_folder: Path) -> Iterator[Servers]:
    """PostgreSQL and Redis, started by the product's own code."""
    postgres, cache = EmbeddedPostgres(server_folder / "postgres"), EmbeddedRedis(server_folder / "redis")
    try:
        url, redis_url = postgres.start(), cache.start()
        found = Servers(url, redis_url, "template_motcua")
        asyncio.run(_make_template(found))
        yield found
    finally:
        cache.stop()
        postgres.stop()


async def _make_template(servers: Servers) -> None:
    admin = await asyncpg.connect(_as_postgres(servers.postgres_url))
    await admin.execute(f"CREATE DATABASE {servers.template} OWNER motcua")
    await admin.close()
    await migrations.migrate(servers.database_url(servers.template), migrations.load("service"))


def _as_postgres(url: str) -> str:
    return url.replace("//motcua@", "//postgres@")


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A fresh, migrated, empty database."""
    name = f"test_{next(_numbers)}"
    asyncio.run(_admin(servers, f"CREATE DATABASE {name} OWNER motcua TEMPLATE {servers.template}"))
    yield servers.database_url(name)
    asyncio.run(_admin(servers, f"DROP DATABASE {name} WITH (FORCE)"))


async def _admin(servers: Servers, statement: str) -> None:
    admin = await asyncpg.connect(_as_postgres(servers.postgres_url))
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The run's Redis, emptied."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh database."""
    pool = await Database.connect(database_url, size=5, deadlines=Deadlines(acquire=2, command=5))
    yield pool
    await pool.close()
