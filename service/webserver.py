"""gunicorn's configuration: one worker process per core on one port, restarted when it dies or hangs.

gunicorn reads the module's names; each is one of its settings. Values come from the service's own settings.
"""

from __future__ import annotations

import os
import signal

from service.settings import load

_settings = load()

bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
reuse_port = True  # each worker listens by itself: the kernel spreads connections evenly
workers = _settings.workers
worker_class = "aiohttp.worker.GunicornUVLoopWebWorker"
preload_app = False

timeout = 30  # a worker whose loop stands still for so long is replaced
graceful_timeout = 8  # what is left of the ten seconds that a stop may take
keepalive = 75

pidfile = str(_settings.data_dir / "web.pid")
# A worker's heartbeat is a file that it touches: never on a disk that may be slow.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108 - nameless files only
control_socket_disable = True

accesslog = None
errorlog = "-"
loglevel = "warning"


def post_fork(_server: object, _worker: object) -> None:
    """Let a worker that is just starting end when told to; it was forked with handlers that swallow that."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
