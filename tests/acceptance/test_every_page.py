"""What holds for every page: accessible in both languages and colour schemes, small, narrow enough for a phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Page, Response, StorageState, expect

from kit.sessions import COOKIE
from tests.acceptance.conftest import OpenPage
from tests.acceptance.samples import Samples
from tests.acceptance.visits import DESKTOP, PHONE
from tests.faults.running import OFFICE, RunningService

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LARGEST_PAGE = 30_000
"""Bytes of one page with its style sheets and script."""
PLAIN_PAGES = (
    "/",
    "/find?code=abc",
    "/d/H26.18-250701-0001",
    "/d/H26.18-250701-0003",
    "/d/H26.18-250701-9999",
    "/o",
    f"/o/{OFFICE}",
    "/o/tay-ho",
    "/o/tay-ho-district",
    f"/o/{OFFICE}/sign",
    "/procedures",
    "/procedures/tay-ho",
    "/procedures/tay-ho?q=dat+dai",
    "/procedures/tay-ho?q=nothing",
    "/procedures/tay-ho-district",
    "/desk",
    "/no-such-page",
)
CITIZENS_PAGES = (
    *(f"/d/{stage}" for stage in ("accepted", "supplement", "payment", "stopped", "refused", "late", "returned")),
    "/g/group",
    "/r",
    "/r?code=accepted",
    *(f"/r/{stage}" for stage in ("accepted", "supplement", "payment", "stopped", "late", "completed", "rated")),
    "/r/returned",
    "/r/returned/rating",
    "/r/rated/rating",
    "/r/accepted/rating",
    "/r/accepted/feedback",
    "/r/accepted/contact",
    "/procedures/demo-24h",
)
"""With the name of a stage in place of its dossier's code or token."""
STAFF_PAGES = {
    "supervisor": (
        "/desk",
        "/office",
        "/office/dossiers?list=late",
        "/office/dossiers?list=open",
        "/office/reports",
        "/office/reports?period=2026-Q3&reading=both",
        "/office/reports?period=2026&by=procedure",
        "/office/apologies",
        "/office/messages",
        "/office/feedback",
        "/office/letters",
        "/office/letters?said=not-configured&code=late",
        "/office/letters/late/apology",
        "/office/dossiers?list=no-such",
    ),
    "clerk": (
        "/desk",
        "/desk/calls",
        "/office/letters",
        "/office/letters?said=sent&code=returned",
        "/office/letters/returned/birth",
        "/office/letters/returned/marriage",
    ),
}
"""The same, by who is signed in; the last of each is an error."""
Look = Callable[[Page], Awaitable[None]]


@pytest.fixture
def look() -> Look:
    """Checks a page as it is now: what axe-core finds in either colour scheme, and how wide it is."""

    async def look(page: Page) -> None:
        await page.evaluate(AXE)
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = await page.evaluate("axe.run({resultTypes: ['violations']}).then(result => result.violations)")
            assert not found, (page.url, scheme, [(rule["id"], rule["nodes"][0]["html"]) for rule in found])
        for size in (PHONE, DESKTOP):
            await page.set_viewport_size(size)
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{page.url} scrolls sideways by {wide} px at {size['width']} px"

    return look


def in_language(language: str, address: str) -> str:
    return address if language == "vi" else f"{address}{'&' if '?' in address else '?'}lang=en"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def samples(service: RunningService) -> Samples:
    """A dossier at every stage."""
    samples = Samples(service)
    await samples.make()
    return samples


def named(samples: Samples, address: str) -> str:
    """``address`` with codes and tokens in place of stages."""
    path, _, query = address.partition("?")
    names = samples.tokens if path.startswith("/r/") else samples.codes
    query = query.replace("code=", "code=\0")
    for stage in sorted(names, key=len, reverse=True):
        query = query.replace(f"\0{stage}", names[stage])
    return "/".join(names.get(part, part) for part in path.split("/")) + (f"?{query}" if query else "")


def session(token: str) -> StorageState:
    """What a browser has kept that is signed in with ``token``."""
    return {
        "cookies": [
            {"name": COOKIE, "value": token, "domain": "localhost", "path": "/", "expires": -1, "httpOnly": True,
             "secure": True, "sameSite": "Strict"}
        ],
        "origins": [],
    }  # fmt: skip


@pytest.mark.parametrize("address", PLAIN_PAGES)
async def test_plain_pages(open_page: OpenPage, look: Look, address: str) -> None:
    for language in ("vi", "en"):
        page = await open_page(in_language(language, address))
        assert await page.locator("html").get_attribute("lang") == language
        await look(page)


@pytest.mark.parametrize("address", CITIZENS_PAGES)
async def test_pages_of_dossiers(open_page: OpenPage, look: Look, samples: Samples, address: str) -> None:
    for language in ("vi", "en"):
        page = await open_page(in_language(language, named(samples, address)))
        await expect(page.locator("h1")).to_have_count(1)
        await _open_all(page)
        await look(page)


@pytest.mark.parametrize(
    ("role", "address"), [(role, address) for role, pages in STAFF_PAGES.items() for address in pages]
)
async def test_pages_of_staff(open_page: OpenPage, look: Look, samples: Samples, role: str, address: str) -> None:
    kept = session(getattr(samples, role))
    for language in ("vi", "en"):
        page = await open_page(in_language(language, named(samples, address)), storage_state=kept)
        await expect(page.locator("h1")).to_have_count(1)
        await expect(page.locator("#password")).to_have_count(0)
        if address == STAFF_PAGES[role][-1]:
            await expect(page.locator("main a")).to_have_attribute("href", in_language(language, "/desk"))
        await _open_all(page)
        await look(page)


async def _open_all(page: Page) -> None:
    for summary in await page.locator("summary").all():
        await summary.click()


async def test_opened_parts(open_page: OpenPage, look: Look, empty_hall: None) -> None:
    for language in ("vi", "en"):
        page = await open_page(in_language(language, f"/o/{OFFICE}"))
        await page.locator("button.choice").first.click()
        await expect(page.locator("#ticket")).to_be_visible()
        await _open_all(page)
        await look(page)


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_pages_of_a_visit(
    open_page: OpenPage, look: Look, empty_hall: None, password: str, language: str
) -> None:
    clerk = await open_page(in_language(language, "/desk"))
    for given in ("wrong", password):
        await clerk.locator("#name").fill("clerk")
        await clerk.locator("#password").fill(given)
        await clerk.keyboard.press("Enter")
        await expect(clerk.locator("[role=alert]" if given == "wrong" else ".choices")).to_be_visible()
        await look(clerk)
    await clerk.get_by_role("link", name="Quầy 4").click()
    citizens = [await open_page(in_language(language, f"/o/{OFFICE}")) for _ in range(2)]
    for citizen in citizens:
        await citizen.locator("button.choice").first.click()
    served, missed = citizens
    for action, citizen, state in (
        ("open", served, "waiting"),
        ("call-next", served, "called"),
        ("start", served, "serving"),
        ("finish", served, "served"),
        ("call-next", missed, "called"),
        ("no-show", missed, "no_show"),
    ):
        await look(clerk)
        await clerk.locator(f"form[action*='/{action}'] button").click()
        await expect(citizen.locator(f"section[data-when='{state}']")).to_be_visible()
        await look(citizen)
        await citizen.reload()
        await expect(citizen.locator(f"section[data-when='{state}']")).to_be_visible()
        await look(citizen)


async def test_pages_are_small_and_part_of_one_origin(open_page: OpenPage, samples: Samples, empty_hall: None) -> None:
    page = await open_page(f"/o/{OFFICE}?lang=en")
    await page.locator("button.choice").first.click()
    await expect(page.locator("#ticket")).to_be_visible()
    ticket = page.url
    for address in (*PLAIN_PAGES, ticket, *(named(samples, address) for address in CITIZENS_PAGES)):
        await _is_small(await open_page("/robots.txt"), address)
    for role, addresses in STAFF_PAGES.items():
        page = await open_page("/robots.txt", storage_state=session(getattr(samples, role)))
        for address in addresses:
            await _is_small(page, named(samples, address))


async def _is_small(page: Page, address: str) -> None:
    sizes = await _loaded(page, address)
    assert sum(sizes.values()) < LARGEST_PAGE, sizes
    assert any(".css" in url for url in sizes)


async def _loaded(page: Page, address: str) -> dict[str, int]:
    loaded: list[Response] = []

    def note(response: Response) -> None:
        if response.request.resource_type in ("document", "stylesheet", "script"):
            loaded.append(response)

    page.on("response", note)
    await page.goto(address, wait_until="load")
    page.remove_listener("response", note)
    return {part.url: len(await part.body()) for part in loaded}
