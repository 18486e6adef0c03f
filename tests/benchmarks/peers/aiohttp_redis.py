"""What aiohttp costs with one plain Redis GET of redis-py. Arguments: port, Redis address."""

import sys

import redis.asyncio as redis
import uvloop
from aiohttp import web

CLIENT = web.AppKey("client", redis.Redis)


async def show_dossier(request: web.Request) -> web.Response:
    """GET /api/v1/dossiers/{code}: the stored JSON."""
    body = await request.app[CLIENT].get(f"peer:{request.match_info['code']}")
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    app = web.Application()
    app[CLIENT] = redis.Redis.from_url(sys.argv[2])
    app.router.add_get("/api/v1/dossiers/{code}", show_dossier)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=uvloop.new_event_loop())
