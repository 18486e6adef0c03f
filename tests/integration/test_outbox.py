"""How a committed change becomes public, whoever dies in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kit.appkeys import CACHE, PUBLISHER
from tickets.api import HALLS
from tracking.api import DOSSIERS

if TYPE_CHECKING:
    from tests.integration.conftest import Site, StartSite

OFFICE, SHOWN = "demo-24h", "H26.18-260921-0001"
DOSSIER = f"/api/v1/dossiers/{SHOWN}"
CHANGE = "UPDATE dossier SET {0}, version = version + 1 WHERE code = '{1}'"
ANNOUNCE = "INSERT INTO outbox (topic, name, ready_at) VALUES ('{0}', '{1}', clock_timestamp())"


async def execute(site: Site, *statements: str) -> None:
    async with site.database.transaction() as connection:
        for statement in statements:
            await connection.execute(statement)


async def pending(site: Site) -> int:
    async with site.database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> float:
    """Wait for something to become true; the answer is how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def dossier(site: Site) -> dict[str, Any]:
    status, _, answer = await site.ask("GET", DOSSIER)
    assert status == 200
    return dict(answer)


async def test_what_a_dead_writer_left_behind_is_public_within_a_second(start_site: StartSite) -> None:
    workers = [await start_site(), await start_site()]
    for worker in workers:
        assert (await dossier(worker))["status"] == 4
    await execute(workers[0], CHANGE.format("status = 9", SHOWN), ANNOUNCE.format("dossier", SHOWN))
    for worker in workers:

        async def changed(worker: Site = worker) -> bool:
            return bool((await dossier(worker))["status"] == 9)

        assert await until(changed) < 1.0

    async def empty() -> bool:
        return await pending(workers[0]) == 0

    await until(empty)


async def test_a_dossier_that_is_hidden_is_gone_within_a_second(start_site: StartSite) -> None:
    workers = [await start_site(), await start_site()]
    for worker in workers:
        await dossier(worker)
    await execute(workers[0], CHANGE.format("public = false", SHOWN), ANNOUNCE.format("dossier", SHOWN))
    await asyncio.sleep(1.0)
    for worker in workers:
        assert (await worker.ask("GET", DOSSIER))[0] == 404
    await execute(workers[0], CHANGE.format("public = true", SHOWN), ANNOUNCE.format("dossier", SHOWN))
    await asyncio.sleep(1.0)
    for worker in workers:
        assert (await worker.ask("GET", DOSSIER))[0] == 200


async def test_one_thing_that_cannot_be_read_does_not_stop_the_rest(site: Site) -> None:
    await dossier(site)
    await execute(site, ANNOUNCE.format("hall", "an-office-this-worker-has-not-heard-of"))
    # More than one batch of them: they must not stand in the way of the others.
    await execute(site, *[ANNOUNCE.format("a-topic-of-a-newer-version", f"x{n}") for n in range(60)])
    await asyncio.sleep(0.5)
    await execute(site, CHANGE.format("status = 9", SHOWN), ANNOUNCE.format("dossier", SHOWN))

    async def changed() -> bool:
        return bool((await dossier(site))["status"] == 9)

    assert await until(changed) < 2.0

    async def only_the_unreadable_is_left() -> bool:
        return await pending(site) == 60

    await until(only_the_unreadable_is_left)


async def test_a_hundred_publications_at_once_are_few(site: Site) -> None:
    publisher, halls = site.app[PUBLISHER], site.app[HALLS]
    first = await publisher.publish(halls.topic, OFFICE)
    found = await asyncio.gather(*(publisher.publish(halls.topic, OFFICE) for _ in range(100)))
    assert first is not None
    versions = {one.version for one in found if one}
    assert max(versions) <= first.version + 3
    assert min(versions) > first.version


async def test_a_publication_holds_what_was_committed_before_it_was_asked_for(site: Site) -> None:
    async def change(number: int) -> None:
        await execute(site, CHANGE.format(f"appointment_changes = {number}", SHOWN))
        async with site.database.connection() as connection:
            committed = await connection.fetchval("SELECT version FROM dossier WHERE code = $1", SHOWN)
        shown = await site.app[PUBLISHER].publish(site.app[DOSSIERS], SHOWN)
        assert shown is not None
        assert shown.version >= committed

    await asyncio.gather(*(change(number) for number in range(8)))
    kept = await site.app[CACHE].read(site.app[DOSSIERS], SHOWN)
    assert kept is not None
    assert kept.version == 9
