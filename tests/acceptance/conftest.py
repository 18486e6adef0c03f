"""The real service and a real Chromium: people at their pages."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.acceptance.visits import Visits, chromium, sign_in
from tests.faults.running import OFFICE, RunningService
from tests.faults.wire import Reply, Wire

OpenPage = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives the browser, and on one loop, for the browser is one for all."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    """``motcua serve --demo`` with two workers, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="motcua-acceptance-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own account has to get through
        running = RunningService(folder, workers=2)
        running.start()
        yield running
        running.stop()
        assert running.unexpected() == []


@pytest.fixture(scope="session")
def site(service: RunningService) -> str:
    """What every address begins with."""
    return f"http://localhost:{service.port}"


@pytest.fixture(scope="session")
def password(service: RunningService) -> str:
    """The demo clerk's, out of the line that the service prints."""
    printed = (service.data.parent / "out").read_text()
    found = re.search(r"^demo clerk: sign in at /desk as clerk with password (\S+)$", printed, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each page has a profile of its own."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, site: str) -> AsyncIterator[OpenPage]:
    """Opens pages as ``await open_page("/o", **context options)``. Whatever a page did wrong fails the test."""
    visits, contexts = Visits(site), list[BrowserContext]()

    async def open_page(path: str, **options: Any) -> Page:
        context = await browser.new_context(base_url=site, **options)
        contexts.append(context)
        page = await context.new_page()
        visits.watch(page)
        await page.goto(path)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert visits.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(open_page: OpenPage, empty_hall: None, password: str) -> Page:
    """A clerk's page, signed in, at the choice of a counter; nobody waits."""
    page = await open_page("/desk")
    await sign_in(page, password)
    return page


@pytest_asyncio.fixture(loop_scope="session")
async def empty_hall(service: RunningService) -> AsyncIterator[None]:
    """Nobody waits, and the counters are closed, before a test and after it."""
    token = await service.sign_in()
    async with Wire(service.port) as wire:
        await _empty(wire, token)
    yield
    async with Wire(service.port) as wire:
        await _empty(wire, token)


async def _empty(wire: Wire, token: str) -> None:
    async def post(path: str) -> Reply:
        reply = await wire.ask("POST", f"/api/v1/{path}", bearer=token)
        assert reply.status in (200, 204), reply.body
        return reply

    for number in (1, 2, 3, 4):
        desk = await wire.ask("GET", f"/desk?counter={OFFICE}-{number}", bearer=token)
        for ticket, move in re.findall(r"/desk/tickets/([^/]+)/(start|finish)", desk.body.decode()):
            await post(f"tickets/{ticket}/{move.replace('start', 'no-show')}")
    await post(f"counters/{OFFICE}-4/open")
    while (called := await post(f"counters/{OFFICE}-4/call-next")).status == 200:
        await post(f"tickets/{called.json['token']}/no-show")
    for number in (1, 2, 3, 4):
        await post(f"counters/{OFFICE}-{number}/close")
