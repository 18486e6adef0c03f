"""The framework's floor: aiohttp on uvloop, one handler that answers nothing. Arguments: port."""

import sys

import uvloop
from aiohttp import web


async def empty(_: web.Request) -> web.Response:
    """GET /: 200 without a body."""
    return web.Response()


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/", empty)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=uvloop.new_event_loop())
