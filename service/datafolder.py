"""The data folder: it must be writable, and one service at a time works in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

WAIT = 3.0
"""Seconds to wait for another service that is just ending."""


class DataFolderError(Exception):
    """The data folder cannot be used; the text is one line that names it and says why."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make ``folder`` if it is missing and hold it for this process; the kernel lets go of it however we end.

    Raises DataFolderError when it cannot be written to, or another service holds it for longer than WAIT.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise DataFolderError(f"MOTCUA_DATA_DIR: cannot write to {folder}: {error.strerror}") from None
    with lock:
        _take(lock, folder)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _take(lock: TextIO, folder: Path) -> None:
    deadline = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.seek(0)
                holder = lock.read(20).strip() or "unknown"
                raise DataFolderError(f"{folder} is in use by another motcua serve (process {holder})") from None
            time.sleep(0.1)
        else:
            return
