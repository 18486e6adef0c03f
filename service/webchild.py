"""The web server as a child of `motcua serve`: gunicorn, its workers, and how one knows that they answer."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from service.embedded import ServerStartError
from service.embedded.processes import Family, mark_of
from service.settings import SECRETS, Settings

READY_TIMEOUT = 30.0
STOP_TIMEOUT = 10
NOT_HANDED_ON = ("GUNICORN_CMD_ARGS", "NOTIFY_SOCKET", *SECRETS, *(f"{name}_FILE" for name in SECRETS))


class WebServer:
    """gunicorn with its workers serving ``app`` (``module:factory``), in a session of its own."""

    def __init__(self, data_dir: Path, app: str) -> None:
        self._data_dir = data_dir
        self._app = app
        self._family = Family(("python", "gunicorn"), mark_of(data_dir / "web"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: Settings, path: str) -> None:
        """Start gunicorn with ``settings`` in its environment and wait until one answers GET ``path``."""
        # gunicorn refuses when the process id in an old file belongs to anybody by now.
        (self._data_dir / "web.pid").unlink(missing_ok=True)
        command = [sys.executable, "-m", "gunicorn", "--config", "python:service.webserver"]
        self._process = subprocess.Popen(
            [*command, "--name", self._family.mark, self._app],
            stdin=subprocess.DEVNULL,
            cwd=self._data_dir,  # gunicorn puts its folder first on the import path: one without modules
            env=environment(settings),
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_TIMEOUT
        while not _answers(settings, path):
            if (code := self._process.poll()) is not None:
                raise ServerStartError(f"the web server did not start (exit code {code})")
            if time.monotonic() > deadline:
                raise ServerStartError(f"the web server did not answer within {READY_TIMEOUT:.0f} s")
            time.sleep(0.05)

    def alive(self) -> bool:
        """Whether gunicorn itself still runs; its workers are its own care."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End gunicorn and every worker, for STOP_TIMEOUT politely, and those of a killed service."""
        # Once a second, because a worker that is just starting may not hear it the first time.
        asked = [(signal.SIGTERM, 1.0)] * STOP_TIMEOUT
        self._family.stop(*asked, (signal.SIGKILL, 5))
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            self._process = None


def check_port(settings: Settings) -> None:
    """Raise ServerStartError when the public address is taken or not ours to listen on."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEPORT: the workers share the port with each other, never with another service.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
            probe.listen(1)
        except OSError as error:
            place = f"{settings.host} port {settings.port}"
            raise ServerStartError(f"cannot listen on {place}: {error.strerror}") from None


def environment(settings: Settings) -> dict[str, str]:
    """Our environment with every setting spelled out, so that the workers see what the command line said."""
    given = {key: value for key, value in os.environ.items() if key not in NOT_HANDED_ON}
    for name, value in settings:
        if value is not None:
            key = name.upper() if name.upper() in SECRETS else f"MOTCUA_{name.upper()}"
            given[key] = str(value)
    return given


def shown_host(host: str) -> str:
    """The host as a person on this machine types it: ``localhost`` for loopback and wildcard addresses."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_loopback or address.is_unspecified:
        return "localhost"
    return f"[{host}]" if address.version == 6 else host


def _answers(settings: Settings, path: str) -> bool:
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
    host = wildcards.get(settings.host, settings.host)
    with contextlib.closing(http.client.HTTPConnection(host, settings.port, timeout=1)) as connection:
        try:
            connection.request("GET", path)
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        return True
