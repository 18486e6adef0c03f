"""The admin port of one worker: metrics and health, never on the public address."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from kit.appkeys import CACHE, DATABASE
from kit.database import DatabaseUnavailable
from metrics import catalogue
from service.settings import Settings

log = structlog.get_logger()


class Health:
    """What this worker says of itself; ``stopping`` turns readiness off while it drains."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self.stopping = False

    async def live(self, _: web.Request) -> web.Response:
        """GET /livez: this process answers; nothing else is asked."""
        return web.json_response({"live": True})

    async def ready(self, _: web.Request) -> web.Response:
        """GET /readyz: whether reads and writes would work now. 503 when reads would not, or the worker is stopping."""
        writes = await self._writes()
        redis = self._app[CACHE].remote.available
        reads = writes or redis
        good = reads and not self.stopping
        report = {"ready": good, "reads": reads, "writes": writes, "redis": redis, "stopping": self.stopping}
        return web.json_response(report, status=200 if good else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """GET /metrics: OpenMetrics text."""
        self._app[DATABASE].observe()
        body: bytes = generate_latest(catalogue.registry)  # type: ignore[no-untyped-call]  # the library has no types
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _writes(self) -> bool:
        try:
            async with self._app[DATABASE].connection() as connection:
                return bool(await connection.fetchval("SELECT NOT pg_is_in_recovery()"))
        except DatabaseUnavailable:
            return False


@contextlib.asynccontextmanager
async def admin_site(health: Health, settings: Settings) -> AsyncIterator[int]:
    """Serve the admin addresses on the first free admin port; the value is that port."""
    app = web.Application()
    app.router.add_get("/livez", health.live)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        yield await _listen(runner, settings)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> int:
    # One port a worker, so that each is scraped as an instance of its own. A worker that replaces a dead one finds the
    # dead one's port free; one more than there are workers bridges the moment in which both are there.
    last = None
    for port in range(settings.admin_port, settings.admin_port + settings.workers + 1):
        try:
            await web.TCPSite(runner, settings.admin_host, port).start()
        except OSError as error:
            last = error
        else:
            return port
    log.error("no_admin_port", first=settings.admin_port, reason=str(last))
    return 0
