"""What is measured: the real service and its peers, each one process on the server core; everything else beside them.

The caller's process is bound to the other core first, and what it starts (PostgreSQL, Redis, gunicorn's parent)
inherits that; only the processes that answer are moved to the server core.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from http.client import HTTPConnection
from importlib import resources
from pathlib import Path

import aiohttp
import psutil
import redis

from kit.database import Database
from service import settings
from service.commands.database import PATIENT
from service.commands.imports import load_offices
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.redis import EmbeddedRedis
from service.prepare import migrate_database
from service.webchild import WebServer
from tracking import codes
from tracking.exchange.files import read_rows
from tracking.exchange.imports import Outcome, merge
from tracking.exchange.state import DossierRow

OFFICE, SERVICES = "demo-24h", ("ho-tich", "chung-thuc", "dat-dai")
DOSSIERS, TICKETS = 10_000, 200
START_SECONDS = 15.0
READERS = 8


class StageError(Exception):
    """Something could not be set up; the text is one line."""


@dataclass(frozen=True)
class Cores:
    """The core of the process that answers, and that of all others."""

    server: int
    others: int


@dataclass(frozen=True)
class Server:
    """A process that answers on ``port``; ``admin_port`` is the service's, 0 for a peer."""

    port: int
    pid: int
    admin_port: int = 0


class Stage:
    """Real servers with ``DOSSIERS`` dossiers, and what is started on them. ``with`` stops everything."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._stack = contextlib.ExitStack()
        self.codes: list[str] = []
        self.redis_url = self._database_url = ""

    def __enter__(self) -> Stage:
        os.sched_setaffinity(0, {self._cores.others})
        try:
            self._start_servers()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start_servers(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="motcua-bench-"))
        self._folder.chmod(0o755)  # PostgreSQL's own account has to pass through
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        postgres, cache = EmbeddedPostgres(self._folder / "postgres"), EmbeddedRedis(self._folder / "redis")
        self._stack.callback(postgres.stop)
        self._stack.callback(cache.stop)
        self._database_url, self.redis_url = postgres.start(), cache.start()
        migrate_database(self._database_url)
        self.codes = asyncio.run(_fill(self._database_url))

    def service(self, name: str, *, local_age: float) -> Server:
        """The service with one worker that trusts its memory for ``local_age`` seconds."""
        port, admin_port = free_port(), free_port()
        folder = self._folder / name
        folder.mkdir()
        given = settings.load(
            port=port, admin_port=admin_port, workers=1, data_dir=folder, cache_local_age=local_age, log_level="warning"
        ).model_copy(update={"database_url": self._database_url, "redis_url": self.redis_url})
        web = WebServer(folder, "service.app:create_app")
        self._stack.callback(web.stop)
        web.start(given, "/api/v1/offices")
        (worker,) = psutil.Process(int((folder / "web.pid").read_text())).children()
        return self._pinned(Server(port, worker.pid, admin_port))

    def peer(self, name: str) -> Server:
        """The peer in ``peers/name.py``."""
        port = free_port()
        command = [sys.executable, "-m", f"tests.benchmarks.peers.{name}", str(port), self.redis_url]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self._stack.callback(_stop, process)
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise StageError(f"the peer {name} does not answer on port {port}")
            time.sleep(0.05)
        return self._pinned(Server(port, process.pid))

    def _pinned(self, server: Server) -> Server:
        for thread in psutil.Process(server.pid).threads():
            os.sched_setaffinity(thread.id, {self._cores.server})
        return server

    def fill_redis(self, server: Server) -> None:
        """Read every dossier once through the service, and lay its plain JSON down in Redis for the peers."""
        paths = [f"/api/v1/dossiers/{code}" for code in self.codes]
        with redis.Redis.from_url(self.redis_url) as client, client.pipeline(transaction=False) as pipeline:
            for code, body in zip(self.codes, asyncio.run(_get_many(server.port, paths)), strict=True):
                if json.loads(body)["code"] != code:
                    raise StageError(f"the answer for {code} is another dossier's")
                pipeline.set(f"peer:{code}", body)
            pipeline.execute()

    def issue_tickets(self, server: Server) -> list[str]:
        """Tokens of ``TICKETS`` waiting tickets of one office."""
        tokens = []
        with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
            for _, service in zip(range(TICKETS), itertools.cycle(SERVICES), strict=False):
                body = json.dumps({"service": service})
                headers = {"Content-Type": "application/json"}
                connection.request("POST", f"/api/v1/offices/{OFFICE}/tickets", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 201:
                    raise StageError(f"a ticket was answered with {answer.status}: {text[:200]!r}")
                tokens.append(str(json.loads(text)["token"]))
        return tokens


async def _fill(url: str) -> list[str]:
    """Load the demo offices, open their counters, and make DOSSIERS dossiers like the demo's; returns the codes."""
    database = await Database.connect(url, size=2, deadlines=PATIENT)
    try:
        folder = resources.files("service.demo")
        with resources.as_file(folder / "offices.toml") as offices, resources.as_file(folder / "dossiers.csv") as demo:
            await load_offices(database, offices)
            rows = list(_dossiers(demo))
        async with database.transaction() as connection:
            await merge(connection, list(enumerate(rows, start=1)), Outcome())
            await connection.execute(
                "UPDATE counter SET services = skills, opened_at = now() WHERE office_id = $1", OFFICE
            )
            await connection.execute("ANALYZE")
    finally:
        await database.close()
    return [row.code for row in rows]


def _dossiers(demo: Path) -> Iterator[DossierRow]:
    patterns = itertools.cycle([row for _, row in read_rows(demo) if isinstance(row, DossierRow)])
    for number, row in zip(range(DOSSIERS), patterns, strict=False):
        day = date(2026, 1, 1) + timedelta(days=number // 100)
        yield row.model_copy(update={"code": codes.issue("H26.18", day, number % 100 + 1).text})


async def _get_many(port: int, paths: list[str]) -> list[bytes]:
    """The bodies of many GETs, READERS at a time. Anything but 200 is a StageError."""

    async def get(path: str) -> bytes:
        async with session.get(path) as answer:
            if answer.status != 200:
                raise StageError(f"GET {path} was answered with {answer.status}")
            return await answer.read()

    connector = aiohttp.TCPConnector(limit=READERS)
    timeout = aiohttp.ClientTimeout(total=START_SECONDS * 8)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, timeout=timeout) as session:
        return await asyncio.gather(*(get(path) for path in paths))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)
