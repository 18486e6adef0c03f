"""The parent process of `motcua serve`: starts what the service needs, keeps it alive, stops it."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from service.datafolder import DataFolderError, claimed
from service.embedded import ServerStartError
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.redis import EmbeddedRedis
from service.embedded.server import EmbeddedServer
from service.settings import Settings, SettingsError
from service.webchild import WebServer, check_port, shown_host

TICK = 0.5
FIRST_DELAY, LONGEST_DELAY, HEALTHY_AFTER = 0.5, 30.0, 60.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SPARE_CONNECTIONS = 20
"""Beside each worker's pool and listener: for migrations, dumps and people."""


class PrepareError(Exception):
    """Migrating or importing failed; the text is one line that says what and where."""


def run(
    settings: Settings,
    prepare: Callable[[Settings], list[str]],
    app: str = "service.app:create_app",
    ready_path: str = "/api/v1/offices",
) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP (returns 0) or until the web server dies (returns 1).

    ``prepare`` gets the settings with the servers' addresses and returns lines to print after the ready line.
    What cannot start is one line on stderr and returns 2. Nothing that was started is ever left running.
    Call it from the main thread: it takes over the process's signals.
    """
    _raise_on_signals()
    try:
        settings = settings.model_copy(update={"data_dir": settings.data_dir.resolve()})
        with claimed(settings.data_dir):
            return _Service(settings, app).run(prepare, ready_path)
    except KeyboardInterrupt:
        return 0
    except (DataFolderError, PrepareError, ServerStartError, SettingsError) as error:
        sys.stderr.write(f"motcua: {error}\n")
        return 2


class _Service:
    def __init__(self, settings: Settings, app: str) -> None:
        self._settings = settings
        connections = settings.workers * (settings.database_pool_size + 1) + SPARE_CONNECTIONS
        # Also those that are not to be started are known here: an earlier run may have left them behind.
        self._postgres = _Kept(EmbeddedPostgres(settings.data_dir / "postgres", connections))
        self._redis = _Kept(EmbeddedRedis(settings.data_dir / "redis"))
        self._web = WebServer(settings.data_dir, app)

    def run(self, prepare: Callable[[Settings], list[str]], ready_path: str) -> int:
        try:
            self._stop()
            check_port(self._settings)
            settings = self._start_servers()
            lines = prepare(settings)
            self._web.start(settings, ready_path)
            ready = f"ready http://{shown_host(settings.host)}:{settings.port}"
            sys.stdout.write("\n".join([ready, *lines]) + "\n")
            sys.stdout.flush()
            return self._watch()
        finally:
            _ignore_signals()
            self._stop()

    def _start_servers(self) -> Settings:
        urls = {}
        if self._settings.database_url is None:
            urls["database_url"] = self._postgres.start()
        if self._settings.redis_url is None:
            urls["redis_url"] = self._redis.start()
        return self._settings.model_copy(update=urls)

    def _watch(self) -> int:
        while self._web.alive():
            self._redis.tend()
            self._postgres.tend()
            time.sleep(TICK)
        _log("web server died")
        return 1

    def _stop(self) -> None:
        # Backwards: nobody loses a server that it still uses.
        self._web.stop()
        self._redis.stop()
        self._postgres.stop()


class _Kept:
    """An embedded server that is started again when it dies, more and more slowly while it keeps dying."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._wanted = False
        self._delay = FIRST_DELAY
        self._next_try = 0.0

    def start(self) -> str:
        address = self._server.start()
        self._wanted = True
        return address

    def stop(self) -> None:
        self._wanted = False
        self._server.stop()

    def tend(self) -> None:
        now = time.monotonic()
        if not self._wanted:
            return
        if self._server.alive():
            if now > self._next_try + HEALTHY_AFTER:
                self._delay = FIRST_DELAY
        elif now >= self._next_try:
            self._revive()
            self._next_try = time.monotonic() + self._delay
            self._delay = min(2 * self._delay, LONGEST_DELAY)

    def _revive(self) -> None:
        _log("server died", server=self._server.name, pid=self._server.pid)
        try:
            self._server.start()
        except ServerStartError as error:
            _log("server not restarted", server=self._server.name, reason=str(error))
        else:
            _log("server restarted", server=self._server.name, pid=self._server.pid)


def _log(event: str, **facts: object) -> None:
    sys.stderr.write(json.dumps({"event": event, "level": "error", **facts}, ensure_ascii=False) + "\n")
    sys.stderr.flush()


def _raise_on_signals() -> None:
    def first(_number: int, _frame: FrameType | None) -> None:
        # The second Ctrl+C of an impatient hand must not interrupt the clean-up that the first one began.
        _ignore_signals()
        raise KeyboardInterrupt

    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays in force
            signal.signal(number, first)


def _ignore_signals() -> None:
    # A function and not SIG_IGN: children would inherit that.
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: None)
