"""aiohttp's runner with the status lane in front of its server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from aiohttp import web

from kit.lane import LAST_WORDS, Lane, LaneProtocol

MOST_PATIENCE = 4.0
"""Seconds that requests being answered may take then."""


class LaneRunner(web.AppRunner):
    """aiohttp's runner with the lane in front of its server, and an end in which nobody is cut off in mid-sentence.

    ``in_flight`` tells how many requests are being worked on.
    """

    def __init__(self, app: web.Application, lane: Lane, in_flight: Callable[[], int], **options: object) -> None:
        super().__init__(app, **options)  # type: ignore[arg-type]  # aiohttp's own options, handed on
        self._lane = lane
        self._in_flight = in_flight

    @property
    def server(self) -> web.Server | None:
        """What a site listens with: makes lane protocols, and is aiohttp's server in everything else."""
        server = super().server
        return cast(web.Server, _Front(server, self._lane)) if server is not None else None

    async def cleanup(self) -> None:
        """Listen no more, let what has begun to arrive arrive and be answered, then stop."""
        for site in list(self.sites):
            await site.stop()
        if self.server is not None:
            await self.app.shutdown()
            # aiohttp forgets the rest of a request whose beginning has come when it is told to stop.
            await asyncio.sleep(LAST_WORDS + 0.05)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MOST_PATIENCE):
                    while self._in_flight() or self._lane.busy():  # noqa: ASYNC110 - once in a worker's life
                        await asyncio.sleep(0.02)
        await super().cleanup()


class _Front:
    def __init__(self, server: web.Server, lane: Lane) -> None:
        self._server = server
        self._lane = lane

    def __call__(self) -> LaneProtocol:
        return LaneProtocol(self._lane, self._server)

    def __getattr__(self, name: str) -> object:
        return getattr(self._server, name)
