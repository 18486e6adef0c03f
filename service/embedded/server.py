"""What the embedded servers share: start in a folder, wait until ready, stop in time, recognise orphans."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, TypedDict

from service.embedded import ServerStartError
from service.embedded.processes import TICK, Family, mark_of

SOCKET_PATH_LIMIT = 100
"""Bytes; Linux takes 107 and macOS 103 for the path of a Unix socket."""
LOG_LIMIT = 16 * 1024 * 1024
"""Bytes; a longer log is set aside as ``.1`` at the next start."""


class EmbeddedServer(ABC):
    """One server process in a session of its own, so that Ctrl+C in the terminal does not reach it."""

    name: ClassVar[str]
    start_timeout: ClassVar[float]
    stop_steps: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, folder: Path, family: Family) -> None:
        self._folder = folder.resolve()
        self._family = family
        self._log = self._folder / "server.log"
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the started server, None before the start and after the stop."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Whether the process of the started server still exists."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Start the server, ending first what an earlier run left in this folder; returns its address.

        The address stays the same over restarts. Raises ServerStartError, and then nothing is left running.
        """
        self.stop()
        try:
            return self._start()
        except OSError as error:
            self.stop()
            raise ServerStartError(f"{self.name}: {error.filename or self._folder}: {error.strerror}") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process of this server, politely first; does nothing when there is none."""
        self._family.stop(*self.stop_steps)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # not even SIGKILL ends what hangs in the kernel
                self._process.wait(timeout=5)
            self._process = None

    @abstractmethod
    def _start(self) -> str:
        """Prepare, launch and wait; returns the address."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether the launched process takes connections."""

    def _launch(self, command: list[str], account: Account) -> None:
        """Run ``command`` as ``account``, its output into the log, and wait until it is ready."""
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=plain_environment(),
                start_new_session=True,
                **account,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.start_timeout
        while not self._ready():
            if not self.alive():
                raise ServerStartError(f"{self.name} did not start: {self._last_words()} (log: {self._log})")
            if time.monotonic() > deadline:
                raise ServerStartError(
                    f"{self.name} was not ready within {self.start_timeout:.0f} s (log: {self._log})"
                )
            time.sleep(TICK)

    def _last_words(self) -> str:
        """The line of this start's log that says most: the last fatal one, else the last."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = [line.strip() for line in log.read(1 << 20).decode("utf-8", "replace").splitlines() if line.strip()]
        fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        return (fatal or lines or ["it said nothing"])[-1]


def plain_environment() -> dict[str, str]:
    """Our environment without what would steer PostgreSQL's programs, and with plain English messages."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}


class Account(TypedDict, total=False):
    """Under whom a child runs, as arguments of subprocess; empty: under our own user."""

    user: int
    group: int
    extra_groups: list[int]


def private_folder(path: Path, owner: Account) -> Path:
    """Make ``path`` a folder of mode 0700 that belongs to ``owner``; returns it."""
    path.mkdir(parents=True, exist_ok=True)
    if owner:
        os.chown(path, owner["user"], owner["group"])
    if path.stat().st_mode & 0o777 != 0o700:
        path.chmod(0o700)
    return path


def socket_folder(folder: Path, file_name: str, owner: Account) -> Path:
    """A private folder for a Unix socket: ``folder``, or a short one in the temporary one if that is deep.

    PostgreSQL takes a list of folders, so a path with a comma, a quote or white space counts as too deep.
    """
    path = str(folder)
    if len(os.fsencode(folder / file_name)) <= SOCKET_PATH_LIMIT and not set(path) & set(",'\" \t\n"):
        return private_folder(folder, owner)
    owners = {os.geteuid(), owner.get("user")}
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - the owner is checked below
        short = base / mark_of(folder)
        if len(os.fsencode(short / file_name)) > SOCKET_PATH_LIMIT:
            continue
        try:
            short.mkdir(mode=0o700)
        except FileExistsError:
            if short.is_symlink() or short.lstat().st_uid not in owners:
                raise ServerStartError(f"{short}: this folder for sockets belongs to somebody else") from None
        return private_folder(short, owner)
    raise ServerStartError(f"{folder}: too deep for a Unix socket, and so is the temporary folder")
