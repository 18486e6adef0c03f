"""`run` serves, keeps its servers alive, stops everything it started, and starts cleanly after any death."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from service.embedded.processes import mark_of

APP = """\
import os
import asyncpg
from aiohttp import web
from redis.asyncio import Redis

async def state(request):
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    rows = await connection.fetchval("SELECT count(*) FROM starts")
    await connection.close()
    redis = Redis.from_url(os.environ["REDIS_URL"])
    await redis.ping()
    await redis.aclose()
    return web.json_response({"starts": rows, "pid": os.getpid()})

async def create_app():
    if os.environ.get("TRY") == "broken app":
        raise RuntimeError("broken")
    app = web.Application()
    app.router.add_get("/state", state)
    return web.AppRunner(app)
"""
MAIN = """\
import asyncio, os, sys
import asyncpg
from service.settings import SettingsError, load
from service.supervisor import PrepareError, run

async def count(dsn):
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz DEFAULT now())")
    await connection.execute("INSERT INTO starts DEFAULT VALUES")
    number = await connection.fetchval("SELECT count(*) FROM starts")
    await connection.close()
    return number

def prepare(settings):
    if os.environ.get("TRY") == "broken prepare":
        raise PrepareError("migration 7: no")
    if os.environ.get("TRY") == "slow prepare":
        print("preparing", flush=True)
        asyncio.run(asyncio.sleep(60))
    return [f"starts {asyncio.run(count(settings.database_url))}"]

assert not {"aiohttp", "gunicorn", "redis"} & set(sys.modules)
sys.exit(run(load(), prepare, app="tinyapp:create_app", ready_path="/state"))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """One data folder, one port, and every supervisor process that a test starts on them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.port, self._folder = folder / "var", free_port(), folder
        (folder / "tinyapp.py").write_text(APP)
        (folder / "main.py").write_text(MAIN)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, **changes: str) -> subprocess.Popen[str]:
        given = {
            name: value for name, value in os.environ.items() if not name.startswith(("MOTCUA_", "DATABASE_", "REDIS_"))
        }
        given |= {"MOTCUA_DATA_DIR": str(self.data), "MOTCUA_PORT": str(self.port), "MOTCUA_WORKERS": "2"}
        given |= {"PYTHONPATH": str(self._folder), **changes}
        process = subprocess.Popen(
            [sys.executable, str(self._folder / "main.py")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=given, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def ready(self, process: subprocess.Popen[str]) -> int:
        """Read the ready line and the line after it; returns how often this data folder was started."""
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line == f"ready http://localhost:{self.port}\n", line + process.stderr.read()
        word, number = process.stdout.readline().split()
        assert word == "starts"
        return int(number)

    def get(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/state", timeout=5) as answer:
            return str(answer.read().decode())

    def answers_again(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self.get()
            except OSError:
                assert time.monotonic() < deadline, "no answer after the restart"
                time.sleep(0.1)
            else:
                return

    def left(self) -> list[tuple[int, str]]:
        """Every living process that mentions the data folder, or bears one of its marks."""
        traces = {str(self.data), *(mark_of(self.data / name) for name in ("web", "postgres", "redis"))}
        found = psutil.process_iter(["pid", "cmdline"])
        lines = [(process.pid, " ".join(process.info["cmdline"] or ())) for process in found]
        return [(pid, line) for pid, line in lines if any(trace in line for trace in traces)]

    def pid(self, kind: str, program: str) -> int:
        mark = mark_of(self.data / kind)
        there = [pid for pid, line in self.left() if mark in line and Path(line.split()[0]).name.startswith(program)]
        return min(there, key=lambda pid: psutil.Process(pid).create_time())  # numbers begin again at their end


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: pytest closes its folders to other users, and as root PostgreSQL runs as one.
    with tempfile.TemporaryDirectory(prefix="motcua-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    site = Site(folder)
    yield site
    for process in site.started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)
    assert not site.left()


def fails(process: subprocess.Popen[str]) -> str:
    """The one line that a start that must fail says; nothing on stdout, exit code 2."""
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, ""), err
    assert err.count("\n") == 1 and err.startswith("motcua: "), err
    return err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_everything_and_the_next_start_finds_its_data(site: Site, number: signal.Signals) -> None:
    for expected in (1, 2):
        process = site.start()
        assert site.ready(process) == expected
        assert f'"starts": {expected}' in site.get()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")
        assert not site.left()


def test_impatient_second_interrupt_changes_nothing(site: Site) -> None:
    process = site.start()
    site.ready(process)
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert process.wait(timeout=20) == 0
    assert not site.left()
    assert "shut down" in (site.data / "postgres" / "server.log").read_text().splitlines()[-1]


def test_start_after_sigkill_of_the_parent(site: Site) -> None:
    process = site.start()
    assert site.ready(process) == 1
    process.kill()
    process.wait()
    orphans = {pid for pid, _ in site.left()}
    assert len(orphans) > 5  # gunicorn, workers, PostgreSQL's processes, Redis: all still there, port taken
    assert site.ready(site.start()) == 2
    assert '"starts": 2' in site.get()
    assert not orphans & {pid for pid, _ in site.left()}


def test_start_after_sigkill_of_everything(site: Site) -> None:
    process = site.start()
    assert site.ready(process) == 1
    process.kill()
    for pid, _ in site.left():
        psutil.Process(pid).kill()
    process.wait()
    assert site.ready(site.start()) == 2


@pytest.mark.parametrize(("kind", "program"), [("redis", "redis-server"), ("postgres", "postgres")])
def test_killed_server_is_started_again_on_the_same_socket(site: Site, kind: str, program: str) -> None:
    process = site.start()
    site.ready(process)
    before = site.pid(kind, program)
    os.kill(before, signal.SIGKILL)
    site.answers_again()
    assert site.pid(kind, program) != before
    process.terminate()
    _, err = process.communicate(timeout=20)
    said = [line for line in err.splitlines() if line.startswith('{"event": "server')]
    assert [line.split('"')[3] for line in said] == ["server died", "server restarted"]
    assert process.returncode == 0


def test_killed_web_server_ends_the_service(site: Site) -> None:
    process = site.start()
    site.ready(process)
    os.kill(site.pid("web", "python"), signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "web server died" in err
    assert not site.left()


def test_killed_worker_is_replaced(site: Site) -> None:
    process = site.start()
    site.ready(process)
    worker = psutil.Process(site.pid("web", "python")).children()[0]
    worker.kill()
    site.answers_again()
    assert process.poll() is None


def test_second_start_on_the_same_folder(site: Site) -> None:
    first = site.start()
    site.ready(first)
    line = fails(site.start(MOTCUA_PORT=str(free_port())))
    assert str(site.data) in line
    assert f"process {first.pid}" in line
    assert '"starts": 1' in site.get()


def test_taken_port(site: Site) -> None:
    with socket.create_server(("127.0.0.1", site.port), reuse_port=True):
        assert f"port {site.port}" in fails(site.start())
    assert not (site.data / "postgres").exists()
    assert not site.left()


def test_unknown_host(site: Site) -> None:
    assert "no-such-host.invalid" in fails(site.start(MOTCUA_HOST="no-such-host.invalid"))


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/motcua"])
def test_unusable_data_folder(site: Site, folder: Path, place: str) -> None:
    (folder / "file").write_text("not a folder")
    site.data = folder / place
    assert "MOTCUA_DATA_DIR" in fails(site.start())


def test_server_that_does_not_start(site: Site) -> None:
    (site.data / "postgres" / "data").mkdir(parents=True)
    (site.data / "postgres" / "data" / "PG_VERSION").write_text("11\n")
    assert "PostgreSQL" in fails(site.start())
    assert not site.left()


def test_failed_preparation(site: Site) -> None:
    assert fails(site.start(TRY="broken prepare")) == "motcua: migration 7: no\n"
    assert not site.left()


def test_broken_app_ends_with_our_line_last(site: Site) -> None:
    process = site.start(TRY="broken app")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1] == "motcua: the web server did not start (exit code 3)"
    assert not site.left()


def test_signal_during_the_start_stops_what_was_started(site: Site) -> None:
    process = site.start(TRY="slow prepare")
    assert process.stdout is not None
    assert process.stdout.readline() == "preparing\n"
    assert site.left()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert not site.left()
