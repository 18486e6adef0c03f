"""The service, or one worker of it, ends under load: nobody who was let in is left without an answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter

import pytest

from tests.faults.load import in_words, open_loop, percentile
from tests.faults.running import OFFICE, RunningService
from tests.faults.wire import Reply, Wire, wire_to_each

pytestmark = pytest.mark.faults
READS_PER_SECOND = 100
ALLOWED = 10.0
"""Seconds from SIGTERM to the exit."""


async def test_a_killed_worker_is_replaced(service: RunningService) -> None:
    before = {process.pid for process in service.worker_processes()}
    wires = await wire_to_each(service.port, service.workers)
    names = set(wires)
    for wire in wires.values():
        await wire.drop()
    done = asyncio.Event()
    reader = asyncio.create_task(
        open_loop(service.port, lambda: "/api/v1/dossiers/H26.18-250716-0009", rate=READS_PER_SECOND, until=done)
    )
    await asyncio.sleep(2)
    victim = service.worker_processes()[0]
    victim.kill()
    await asyncio.sleep(5)
    done.set()
    samples = await reader
    after = {process.pid for process in service.worker_processes()}
    print(in_words("kill -9 of one worker of four", samples))
    bad = [sample for sample in samples if sample.reply is None or sample.reply.status != 200]
    print(f"  failed: {Counter(sample.error for sample in bad)}")
    assert victim.pid not in after and len(after) == service.workers and len(before & after) == service.workers - 1
    fresh = await wire_to_each(service.port, service.workers)
    for wire in fresh.values():
        await wire.drop()
    assert len(set(fresh) - names) == 1
    assert len(bad) / len(samples) <= 0.005


async def half_sent(port: int, began: asyncio.Event) -> Reply:
    """A citizen on a slow line: half the request before SIGTERM, the other half a good second after."""
    body = json.dumps({"service": "ho-tich"}).encode()
    head = (
        f"POST /api/v1/offices/{OFFICE}/tickets HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    async with Wire(port) as wire:
        began.set()
        return await wire.send(head + body[:5], body[5:], pause=2.0)


@pytest.mark.parametrize("redis_frozen", [False, True], ids=["all well", "Redis frozen"])
async def test_sigterm_under_load(service: RunningService, redis_frozen: bool) -> None:
    done, began = asyncio.Event(), asyncio.Event()
    reader = asyncio.create_task(
        open_loop(
            service.port,
            lambda: "/api/v1/dossiers/H26.18-250716-0009",
            rate=READS_PER_SECOND,
            until=done,
            fresh=True,
        )
    )
    if redis_frozen:
        service.redis_process().suspend()
    await asyncio.sleep(1)
    slow = asyncio.create_task(half_sent(service.port, began))
    await began.wait()
    await asyncio.sleep(1)
    asked = time.monotonic()
    took = await asyncio.to_thread(service.stop)
    done.set()
    samples = await reader
    (reply,) = await asyncio.gather(slow, return_exceptions=True)
    await asyncio.to_thread(service.start)

    answered = [sample for sample in samples if sample.reply is not None]
    refused = [sample for sample in samples if sample.error == "Refused"]
    broken = [sample for sample in samples if sample.reply is None and sample.error != "Refused"]
    print(
        f"SIGTERM: exit after {took:.2f} s; {len(answered)} answered, p99 "
        f"{percentile([sample.delay for sample in answered], 0.99) * 1000:.0f} ms, last one sent "
        f"{max(sample.sent for sample in answered) - asked:.2f} s after it; {len(refused)} refused, "
        f"{len(broken)} broken; half a request before it, the rest after it: {reply!r:.40}"
    )
    wrong = [f"sent {sample.sent - asked:.3f} s after SIGTERM: {sample.error}" for sample in broken]
    wrong += [f"{sample.reply.status}" for sample in answered if sample.reply and sample.reply.status not in (200, 503)]
    wrong += [f"exit after {took:.2f} s"] * (took > ALLOWED)
    wrong += [f"a request that was under way: {reply!r}"] * (not isinstance(reply, Reply) or reply.status != 201)
    assert wrong == []
