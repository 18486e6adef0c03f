"""What a newcomer would write: FastAPI with one Redis GET of redis-py, on uvicorn. Arguments: port, Redis address.

In its favour: ready JSON bytes go out as a plain ``Response``, unparsed; no access log; uvloop and httptools where
installed.
"""

import sys

import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/api/v1/dossiers/{code}")
async def show_dossier(code: str) -> Response:
    """The stored JSON."""
    return Response(await app.state.client.get(f"peer:{code}"), media_type="application/json")


if __name__ == "__main__":
    app.state.client = redis.Redis.from_url(sys.argv[2])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
