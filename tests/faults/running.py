"""The real service as a child process of a test: started, its processes known, stopped, nothing left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from kit.sessions import COOKIE
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.processes import mark_of
from tests.faults.wire import ask_once

MOTCUA = (str(Path(sys.executable).with_name("motcua")), "serve", "--demo")
OFFICE = "demo-24h"


class RunningService:
    """``motcua serve --demo`` with its own data folder and free ports, and ``settings`` in its environment. Start it
    with :meth:`start`.
    """

    def __init__(self, folder: Path, workers: int = 4, command: Sequence[str] = MOTCUA, **settings: str) -> None:
        self.data = folder / "var"
        self.workers = workers
        self.port, self.admin_port = free_ports(1), free_ports(workers + 1)
        self._command, self.settings = command, settings
        self._out, self._err = folder / "out", folder / "err"
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """What the service and the commands beside it are started with."""
        ours = ("MOTCUA_", "DATABASE_URL", "REDIS_URL")
        return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
            "MOTCUA_DATA_DIR": str(self.data),
            "MOTCUA_PORT": str(self.port),
            "MOTCUA_ADMIN_PORT": str(self.admin_port),
            "MOTCUA_WORKERS": str(self.workers),
            **self.settings,
        }

    def start(self) -> None:
        """Start it and wait for the ready line."""
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                self._command, stdout=out, stderr=err, env=self.environment(), start_new_session=True
            )
        deadline = time.monotonic() + 60
        while not self._out.read_text().startswith("ready "):
            assert self._process.poll() is None, self._err.read_text()
            assert time.monotonic() < deadline, self._err.read_text()
            time.sleep(0.05)

    def stop(self) -> float:
        """End it with SIGTERM; the answer is how many seconds it took. What it leaves running fails the test."""
        assert self._process is not None
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout=40)
        finally:
            self._kill_what_is_left()
        took = time.monotonic() - began
        assert code == 0, self._err.read_text()[-3000:]
        return took

    def _kill_what_is_left(self) -> None:
        left = [*self._bearing("web"), *self._bearing("postgres"), *self._bearing("redis")]
        for process in left:
            process.kill()
        assert not left, f"left behind: {left}"

    def command(self, *words: str) -> str:
        """Run ``motcua …`` beside the service; the answer is what it printed."""
        done = subprocess.run(
            [MOTCUA[0], *words], env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def log(self) -> str:
        """What the service and its workers have said so far."""
        return self._err.read_text()

    def unexpected(self) -> list[str]:
        """What the workers logged as errors that nobody had thought of: the type, and the last place in the code."""
        lines = [line for line in self.log.splitlines() if '"unexpected_error"' in line]
        return [_in_short(json.loads(line)) for line in lines]

    @property
    def database_url(self) -> str:
        """The address of the service's own PostgreSQL."""
        address = EmbeddedPostgres(self.data / "postgres").running_address()
        assert address is not None
        return address

    @property
    def redis_url(self) -> str:
        """The address of the service's own Redis."""
        return f"unix://{quote(str(self.data / 'redis' / 'redis.sock'))}"

    def redis_process(self) -> psutil.Process:
        """The Redis server."""
        (process,) = self._bearing("redis")
        return process

    def postmaster(self) -> psutil.Process:
        """PostgreSQL's first process; its children are the others."""
        (process,) = (each for each in self._bearing("postgres") if each.name() == "postgres" and not _is_child(each))
        return process

    def worker_processes(self) -> list[psutil.Process]:
        """The web workers."""
        web = self._bearing("web")
        pids = {process.pid for process in web}
        return [process for process in web if process.ppid() in pids]

    def _bearing(self, kind: str) -> list[psutil.Process]:
        mark = mark_of(self.data / kind)
        return [
            process
            for process in psutil.process_iter(["cmdline", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
            and any(mark in word for word in process.info["cmdline"] or ())
        ]

    async def sign_in(self, name: str = "clerk", password: str | None = None) -> str:
        """A session of a clerk, to be sent as bearer: the cookie itself wants TLS."""
        if password is None:
            found = re.search(r"with password (\S+)", self._out.read_text())
            assert found is not None
            password = found[1]
        reply = await ask_once(self.port, "POST", "/api/v1/session", {"name": name, "password": password})
        assert reply.status == 200, reply.body
        return reply.headers["set-cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]

    def metrics(self) -> list[dict[str, float]]:
        """Every worker's samples by name with labels, as its admin port shows them."""
        pages = []
        for port in range(self.admin_port, self.admin_port + self.workers + 1):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    pages.append(_samples(answer.read().decode().splitlines()))
            except OSError:
                continue
        return pages


def freeze(process: psutil.Process) -> list[psutil.Process]:
    """Stop a process and its children where they stand; the answer is who, for :func:`thaw`."""
    process.suspend()
    everyone = [process, *process.children(recursive=True)]
    for each in everyone[1:]:
        each.suspend()
    return everyone


def thaw(processes: Iterable[psutil.Process]) -> None:
    """Let them go on."""
    for each in processes:
        each.resume()


def free_ports(count: int) -> int:
    """The first of ``count`` neighbouring ports that nobody listens on."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
        if all(_is_free(each) for each in range(port, port + count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _is_child(process: psutil.Process) -> bool:
    return bool(process.cmdline()[0].startswith("postgres: "))


def _in_short(record: dict[str, Any]) -> str:
    raised = record["exception"][0]
    place = raised["frames"][-1]
    return f"{record['route']}: {raised['exc_type']} ({place['filename']}:{place['lineno']})"


def _samples(lines: Iterable[str]) -> dict[str, float]:
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}
