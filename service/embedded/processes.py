"""Finding and ending the processes of one server, also those that an earlier, killed service left behind."""

from __future__ import annotations

import hashlib
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from service.embedded import ServerStartError

TICK = 0.02


def mark_of(folder: Path) -> str:
    """A short text that stands for one folder; every process started for it bears it in its command line."""
    return "motcua-" + hashlib.sha256(bytes(folder.resolve())).hexdigest()[:16]


@dataclass(frozen=True)
class Family:
    """All processes of one server: those of a known program whose command line bears the server's mark.

    A process id read from a file may by now belong to somebody else; a command line cannot.
    """

    programs: tuple[str, ...]
    """Beginnings of the program names that count."""
    mark: str
    child_title: str = "\0"
    """How the command line of a process begins that obeys a member and must not be signalled on its own."""

    def members(self) -> list[psutil.Process]:
        """Every living process of this family, whoever started it."""
        return [
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if (process.info["name"] or "").startswith(self.programs)
            and any(self.mark in word for word in process.info["cmdline"] or ())
        ]

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send each step's signal and give it its seconds, until nobody is left.

        Children that obey another member are spared all signals but SIGKILL.
        """
        for number, seconds in steps:
            members = self.members()
            if not members:
                return
            for process in self._signalled(members, number):
                _send(process, number)
            _wait_until_gone(members, seconds)

    def _signalled(self, members: list[psutil.Process], number: signal.Signals) -> list[psutil.Process]:
        if number == signal.SIGKILL:
            return members
        return [each for each in members if not each.info["cmdline"][0].startswith(self.child_title)]


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise ServerStartError(f"{process.name()} (process {process.pid}) of another user is in the way") from None


def _wait_until_gone(processes: list[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_living, processes)) and time.monotonic() < deadline:
        time.sleep(TICK)


def _living(process: psutil.Process) -> bool:
    # A zombie has ended; only its parent, who may not be us, can remove it from the table.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
