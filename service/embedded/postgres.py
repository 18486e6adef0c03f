"""Our own PostgreSQL: durable, on a Unix socket only, one database and one role named ``motcua``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psutil

from service.embedded import ServerStartError
from service.embedded.installation import postgres_programs, server_account, share_with_everyone
from service.embedded.processes import Family, mark_of
from service.embedded.server import (
    Account,
    EmbeddedServer,
    plain_environment,
    private_folder,
    socket_folder,
)

SOCKET = ".s.PGSQL.5432"
INITDB_TIMEOUT = 120
DATABASE = """\
SELECT 'CREATE ROLE motcua LOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'motcua') \\gexec
SELECT 'CREATE DATABASE motcua OWNER motcua'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'motcua') \\gexec
"""


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL that lives in ``folder``, for at most ``max_connections`` connections.

    Whoever can enter its folder (mode 0700) is let in without a password. PostgreSQL refuses to run as root:
    then it runs under an account of its own.
    """

    name = "PostgreSQL"
    start_timeout = 60  # recovery after a crash comes first
    stop_steps = ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))

    def __init__(self, folder: Path, max_connections: int = 100) -> None:
        super().__init__(folder, Family(("postgres", "initdb"), mark_of(folder), child_title="postgres: "))
        self._max_connections = max_connections
        self._data = self._folder / "data"
        self._socket_folder = self._folder / "socket"
        self._account: Account = {}

    def running_address(self) -> str | None:
        """The address of the server that some service runs in this folder right now; None if none runs."""
        if not self._family.members():
            return None
        self._socket_folder = socket_folder(self._folder / "socket", SOCKET, server_account())
        return self._address()

    def _address(self) -> str:
        return f"postgresql://motcua@{quote(str(self._socket_folder), safe='')}/motcua"

    def _start(self) -> str:
        programs = postgres_programs()
        self._account = server_account()
        private_folder(self._folder, self._account)
        if self._account:
            share_with_everyone(programs.parent, self._folder)
        self._socket_folder = socket_folder(self._folder / "socket", SOCKET, self._account)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(programs)
        self._forget_stale_locks()
        self._launch([str(programs / "postgres"), "-D", str(self._data), *self._options()], self._account)
        self._make_database(programs)
        return self._address()

    def _make_database(self, programs: Path) -> None:
        where = ["-h", str(self._socket_folder), "-U", "postgres", "-d", "postgres"]
        self._run([str(programs / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", *where], DATABASE, 30)

    def _options(self) -> list[str]:
        settings = {
            "cluster_name": self._family.mark,
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
            "max_connections": str(self._max_connections),
            "shared_buffers": "128MB",
            "fsync": "on",
            "synchronous_commit": "on",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # A failing statement, and the row it failed on, may hold a citizen's name: not for a log.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_checkpoints": "off",
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _initialise(self, programs: Path) -> None:
        """Make the data folder beside its place and move it there whole, so none stands there half-made."""
        for unfinished in self._folder.glob("new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        if self._data.exists() and any(self._data.iterdir()):
            raise ServerStartError(f"PostgreSQL: {self._data} is not empty and holds no database; move it away")
        new = private_folder(Path(tempfile.mkdtemp(prefix="new-", dir=self._folder)), self._account)
        self._run([str(programs / "initdb"), "-D", str(new), "--username=postgres", "--encoding=UTF8",
                   "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                   "--auth-local=trust", "--auth-host=reject", "-c", f"cluster_name={self._family.mark}"],
                  "", INITDB_TIMEOUT)  # fmt: skip
        new.rename(self._data)
        _sync(self._folder)

    def _run(self, command: list[str], text: str, timeout: float) -> None:
        """Run one of PostgreSQL's programs with ``text`` as input; an error becomes a ServerStartError."""
        name = Path(command[0]).name
        try:
            done = subprocess.run(
                command,
                input=text,
                text=True,
                capture_output=True,
                check=False,
                timeout=timeout,
                cwd=self._folder,
                env=plain_environment(),
                start_new_session=True,
                **self._account,
            )
        except subprocess.TimeoutExpired:
            raise ServerStartError(f"PostgreSQL: {name} took longer than {timeout:.0f} s") from None
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
            said = lines[0] if lines else f"exit code {done.returncode}"
            raise ServerStartError(f"PostgreSQL: {name}: {said}")

    def _forget_stale_locks(self) -> None:
        """Remove lock files no server of this folder holds: PostgreSQL trips over broken and reused ids."""
        lock = self._data / "postmaster.pid"
        try:
            holder = psutil.Process(int(lock.read_text().partition("\n")[0]))
            if str(self._data) in holder.cmdline():
                return  # somebody started it by hand: PostgreSQL refuses, and says why
        except (FileNotFoundError, ValueError, psutil.Error):
            pass
        lock.unlink(missing_ok=True)
        (self._socket_folder / SOCKET).unlink(missing_ok=True)
        (self._socket_folder / f"{SOCKET}.lock").unlink(missing_ok=True)

    def _ready(self) -> bool:
        # The eighth line of postmaster.pid is what pg_ctl --wait looks at.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, ValueError):
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
