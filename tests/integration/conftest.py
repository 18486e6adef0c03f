"""The whole application on a real port, for the integration tests: demo offices, one that never opens, real servers."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web

from kit.appkeys import DATABASE
from kit.database import Database, Deadlines
from kit.sessions import Passwords, Role, put_staff
from office import catalogue
from service.app import build, serving
from service.settings import load
from tracking.exchange.imports import import_file

if TYPE_CHECKING:
    from tests.conftest import Servers

TEMPLATE = "template_demo"
OFFICE = "demo-24h"
PASSWORD = "correct horse battery"
SHOWN, HIDDEN, MISSING = "H26.18-260921-0001", "H26.18-260921-0002", "H26.18-260921-0003"
_names = (f"site_{number}" for number in itertools.count(1))

OTHER_OFFICES = """
schema = 1
[[office]]
id = "closed-today"
short_key = "cls"
name = "Điểm hôm nay nghỉ"
name_en = "Closed today"
kind = "point"
agencies = ["H26.99"]
valid_from = 2025-07-01
[office.calendar]
observes_public_holidays = false
{closures}
[[office.service]]
id = "ho-tich"
name = "Hộ tịch"
name_en = "Civil status"
prefix = "A"
expected_minutes = 10
[[office.counter]]
id = "closed-today-1"
name = "Quầy 1"
services = ["ho-tich"]

[[office]]
id = "never-open"
short_key = "nev"
name = "Điểm không mở"
name_en = "Never open"
kind = "point"
agencies = ["H26.99"]
valid_from = 2025-07-01
[office.calendar]
hours = {{}}
[[office.service]]
id = "ho-tich"
name = "Hộ tịch"
name_en = "Civil status"
prefix = "A"
expected_minutes = 10
"""
DOSSIERS = f"""\
code,procedure,receiving_office,competent_agency,channel,status,received_at,due_at,appointment_on,public
{SHOWN},2.000815,{OFFICE},H26.99,counter,4,2026-09-21T08:00:00+07:00,2026-09-24T17:00:00+07:00,2026-09-24,true
{HIDDEN},2.000815,{OFFICE},H26.99,counter,4,2026-09-21T08:05:00+07:00,2026-09-24T17:00:00+07:00,2026-09-24,false
"""


@dataclass
class Site:
    """One running worker and a client that keeps no cookies."""

    app: web.Application
    client: aiohttp.ClientSession
    base: str
    port: int
    database: Database
    database_url: str

    async def ask(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers and JSON (or text) of one answer."""
        if body is not None:
            more["json"] = body
        async with self.client.request(method, self.base + path, allow_redirects=False, **more) as response:
            raw = await response.read()
            is_json = response.content_type.endswith("json") and raw
            return (
                response.status,
                response.headers,
                await response.json(content_type=None) if is_json else raw.decode(),
            )

    async def sign_in(self, name: str) -> dict[str, str]:
        """The header that a member of staff sends."""
        status, headers, _ = await self.ask("POST", "/api/v1/session", {"name": name, "password": PASSWORD})
        assert status == 200
        return {"Authorization": f"Bearer {headers['Set-Cookie'].split(';')[0].partition('=')[2]}"}

    async def ticket(self, service: str = "ho-tich", **more: Any) -> dict[str, Any]:
        """A fresh ticket."""
        status, _, ticket = await self.ask("POST", f"/api/v1/offices/{OFFICE}/tickets", {"service": service, **more})
        assert status == 201, ticket
        return dict(ticket)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def demo_template(servers: Servers, server_folder: Path) -> str:
    """A database with the demo offices, two more, two dossiers and one member of staff per role."""
    asyncio.run(_copy(servers, servers.template, TEMPLATE))
    asyncio.run(_fill(servers.database_url(TEMPLATE), server_folder))
    return TEMPLATE


async def _copy(servers: Servers, template: str, name: str) -> None:
    admin = await asyncpg.connect(servers.postgres_url.replace("//motcua@", "//postgres@"))
    try:
        await admin.execute(f"CREATE DATABASE {name} OWNER motcua TEMPLATE {template}")
    finally:
        await admin.close()


async def _fill(url: str, folder: Path) -> None:
    closed = folder / "closed.toml"
    days = ",".join(f'"{day}"' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    closures = f"closures = [{_days_around_today()}]\nworking_weekdays = [{days}]\n[office.calendar.hours]\n"
    closures += "\n".join(f"{day.strip(chr(34))} = ['00:00-24:00']" for day in days.split(","))
    closed.write_text(OTHER_OFFICES.format(closures=closures))
    (folder / "dossiers.csv").write_text(DOSSIERS)
    hashed = Passwords().hash(PASSWORD)
    database = await Database.connect(url, size=2, deadlines=Deadlines(acquire=5, command=30))
    try:
        async with database.transaction() as connection:
            with resources.as_file(resources.files("service.demo").joinpath("offices.toml")) as demo:
                await catalogue.write(connection, catalogue.read(demo))
            await catalogue.write(connection, catalogue.read(closed))
            for role in Role:
                await put_staff(connection, name=role.value, role=role, office=OFFICE, password_hash=hashed)
            await put_staff(connection, name="stranger", role=Role.CLERK, office="tay-ho", password_hash=hashed)
        async with database.connection() as connection:
            outcome = await import_file(connection, folder / "dossiers.csv", skip_bad=False)
            assert outcome.added == 2, outcome
    finally:
        await database.close()


def _days_around_today() -> str:
    today = datetime.now(UTC).date()
    return ", ".join(str(today + timedelta(days=step)) for step in range(-1, 3))


@pytest.fixture
def demo_database_url(servers: Servers, demo_template: str) -> Iterator[str]:
    """A fresh copy of it."""
    name = next(_names)
    asyncio.run(_copy(servers, demo_template, name))
    yield servers.database_url(name)
    asyncio.run(_drop(servers, name))


async def _drop(servers: Servers, name: str) -> None:
    admin = await asyncpg.connect(servers.postgres_url.replace("//motcua@", "//postgres@"))
    try:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


StartSite = Callable[[], Awaitable[Site]]


@asynccontextmanager
async def workers(database_url: str, redis_url: str, data_dir: Path) -> AsyncIterator[StartSite]:
    async with AsyncExitStack() as stack:

        async def start() -> Site:
            settings = load(
                DATABASE_URL=database_url,
                REDIS_URL=redis_url,
                data_dir=data_dir,
                admin_port=free_port(),
                workers=1,
                database_acquire_timeout=5,  # the machine may be busy with other tests
                database_command_timeout=10,
            )
            app = await build(settings)
            runner = serving(app)  # as create_app makes it, with the status lane in front
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
            return Site(app, client, f"http://127.0.0.1:{port}", port, app[DATABASE], database_url)

        yield start


@pytest.fixture
async def start_site(demo_database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[StartSite]:
    """Starts workers, all on the same servers and one host."""
    async with workers(demo_database_url, redis_url, tmp_path) as start:
        yield start


@pytest.fixture
async def site(start_site: StartSite) -> Site:
    """One worker."""
    return await start_site()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site(
    servers: Servers, demo_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One worker for a whole module: for tests that leave nothing behind that another would mind."""
    name = next(_names)
    await _copy(servers, demo_template, name)
    folder = tmp_path_factory.mktemp("shared")
    async with workers(servers.database_url(name), servers.redis_url, folder) as start:
        yield await start()
    await _drop(servers, name)
