"""A closed-loop HTTP/1.1 load generator: each connection sends its next request when the last answer is there, whole.

Closed loop on purpose: it finds what one pinned server can do, not how long people wait. It runs in a process of its
own away from the server's core (:func:`draw`), and says how busy it was: a generator at 100 % measures itself.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import cast

import psutil
import uvloop

SPARE_SECONDS = 30
SEQUENCE = 200_000
"""Requests are drawn at random once and then repeated in that order."""


@dataclass(frozen=True)
class Job:
    """What to draw from the server with process id ``pid``: one of ``paths`` at random, again and again.

    ``warm_up`` and ``seconds`` are in seconds; only the latter are measured.
    """

    port: int
    pid: int
    paths: list[str]
    seconds: float = 3.0
    warm_up: float = 0.5
    connections: int = 64
    core: int = 1


@dataclass(frozen=True)
class Yield:
    """What came: ``answers`` whole 200s in ``seconds``; the server's and the generator's CPU seconds within them.

    ``asked`` counts every request sent, those of the warm-up too; ``errors`` what was no whole 200.
    """

    answers: int
    seconds: float
    server_cpu: float
    generator_cpu: float
    asked: int
    errors: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def cost(self) -> float:
        """The server's CPU microseconds for one answer."""
        return self.server_cpu / self.answers * 1e6

    @property
    def server_share(self) -> float:
        """How busy the server was, 0 to 1."""
        return self.server_cpu / self.seconds

    @property
    def generator_share(self) -> float:
        """How busy the generator was, 0 to 1."""
        return self.generator_cpu / self.seconds


def draw(job: Job) -> Yield:
    """Run ``job`` in a process of its own. Raises subprocess.SubprocessError."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(asdict(job)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=job.warm_up + job.seconds + SPARE_SECONDS,
    )
    return Yield(**json.loads(done.stdout))


class Tally:
    """What all connections share: the requests to send and the counts."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.running = True
        self.asked = 0
        self.answers = 0
        self.errors = 0


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request under way."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._part = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._ask()

    def _ask(self) -> None:
        self._tally.asked += 1
        self._transport.write(next(self._tally.requests))

    def data_received(self, data: bytes) -> None:
        """Once the answer is whole, count it and send the next request."""
        if self._part:
            data = self._part + data
        whole = answer_length(data)
        if whole is None or len(data) < whole:
            self._part = data
            return
        self._part = b""
        tally = self._tally
        if len(data) == whole and data.startswith(b"HTTP/1.1 200 "):
            tally.answers += 1
        else:
            tally.errors += 1
        if tally.running:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up while it is asked is wrong."""
        self._tally.errors += self._tally.running


def answer_length(data: bytes) -> int | None:
    """How many bytes the answer at the beginning of ``data`` has; None while its head is not whole.

    Every answer must have a Content-Length (ValueError).
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[: end + 2].lower()
    at = head.index(b"\r\ncontent-length:") + 17
    return end + 4 + int(head[at : head.index(b"\r\n", at)])


def request(path: str, port: int) -> bytes:
    """A plain GET as a small client sends it."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: motcua-bench\r\nAccept: application/json\r\n\r\n"
    ).encode("ascii")


async def run(job: Job) -> Yield:
    """Run ``job`` here."""
    requests = [request(path, job.port) for path in job.paths]
    tally = Tally(itertools.cycle(random.Random(job.port).choices(requests, k=SEQUENCE)))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        for _ in range(job.connections):
            await loop.create_connection(lambda: Connection(tally), "127.0.0.1", job.port)
    await asyncio.sleep(job.warm_up)
    server = psutil.Process(job.pid)
    before = time.perf_counter(), tally.answers, sum(server.cpu_times()[:2]), time.process_time()
    await asyncio.sleep(job.seconds)
    after = time.perf_counter(), tally.answers, sum(server.cpu_times()[:2]), time.process_time()
    tally.running = False
    seconds, answers, server_cpu, own_cpu = (late - early for early, late in zip(before, after, strict=True))
    return Yield(int(answers), seconds, server_cpu, own_cpu, tally.asked, tally.errors)


def main() -> None:
    """Read a job from standard input, write its yield to standard output."""
    job = Job(**json.load(sys.stdin))
    os.sched_setaffinity(0, {job.core})
    gc.disable()
    json.dump(asdict(uvloop.run(run(job))), sys.stdout)


if __name__ == "__main__":
    main()
