"""A kiosk in a real browser: a tall screen and a wide one, fingers, a keyboard, a scanner, a network that goes away."""

from __future__ import annotations

import re
from importlib import resources
from typing import Literal

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.acceptance.conftest import OpenPage
from tests.faults.running import OFFICE

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
TALL: ViewportSize = {"width": 1080, "height": 1920}
WIDE: ViewportSize = {"width": 1280, "height": 800}
KIOSK = f"/kiosk/{OFFICE}"
SMALLEST_TOUCH = 72
"""Pixels, each way."""
COUNT_PRINTS = "window.prints = 0; window.print = () => { window.prints += 1; };"

pytestmark = pytest.mark.usefixtures("empty_hall")


async def open_kiosk(open_page: OpenPage, size: ViewportSize = TALL) -> Page:
    page = await open_page("/o", viewport=size, has_touch=True)
    await page.add_init_script(COUNT_PRINTS)
    await page.goto(KIOSK)
    return page


async def look(page: Page) -> None:
    """What every page of a kiosk keeps: accessible, no sideways scroll, nothing too small for a finger."""
    await page.evaluate(AXE)
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = await page.evaluate("axe.run({resultTypes: ['violations']}).then(result => result.violations)")
        assert not found, (scheme, [(rule["id"], rule["nodes"][0]["html"]) for rule in found])
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for target in await page.locator("a:visible, button:visible, input:visible").all():
        box = await target.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= SMALLEST_TOUCH, (await target.inner_text(), box)


async def waiting(page: Page) -> int:
    answer = await page.request.get(f"/api/v1/offices/{OFFICE}/queues")
    return int(sum(queue["waiting"] for queue in (await answer.json())["queues"]))


@pytest.mark.parametrize("size", [TALL, WIDE], ids=["tall", "wide"])
async def test_two_touches_are_a_ticket(open_page: OpenPage, size: ViewportSize) -> None:
    page = await open_kiosk(open_page, size)
    await look(page)
    await page.get_by_role("link", name="Hộ tịch").tap()
    await expect(page.get_by_role("heading", name="Quý vị có thuộc diện ưu tiên không?")).to_be_visible()
    await look(page)
    await page.get_by_role("button", name="Không").dblclick(no_wait_after=True)
    await expect(page.locator("h1.number")).to_contain_text(re.compile(r"A\d{3}"))
    await look(page)
    assert await waiting(page) == 1
    assert await page.evaluate("window.prints") == 1  # no printer is set for the demo office: the browser prints
    await page.emulate_media(media="print")
    await expect(page.locator("h1.number")).to_be_visible()
    await expect(page.get_by_role("link", name="Bắt đầu lại")).to_be_hidden()
    await page.emulate_media(media="screen")
    await page.get_by_role("link", name="Bắt đầu lại").tap()
    await expect(page.get_by_role("link", name="Hộ tịch")).to_contain_text("1 người đang đợi")


async def test_by_keyboard_and_in_english(open_page: OpenPage) -> None:
    page = await open_kiosk(open_page, WIDE)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="English")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Civil status")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("button[value=normal]")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1.number")).to_contain_text(re.compile(r"A\d{3}"))
    assert await waiting(page) == 1
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_a_lost_network_is_said_and_the_ticket_comes_when_it_is_back(open_page: OpenPage) -> None:
    page = await open_kiosk(open_page)
    lost = page.get_by_text("Mất kết nối.")
    await page.get_by_role("link", name="Hộ tịch").tap()
    await expect(page.get_by_role("button", name="Không")).to_be_visible()
    await expect(lost).to_be_hidden()
    await page.context.set_offline(True)
    await expect(lost).to_be_visible()
    for _ in range(3):
        await page.get_by_role("button", name="Không").tap()
    await expect(page.locator("h1.number")).to_have_count(0)
    await page.context.set_offline(False)
    await expect(page.locator("h1.number")).to_contain_text(re.compile(r"A\d{3}"))
    await expect(lost).to_be_hidden()
    assert await waiting(page) == 1


async def test_what_a_scanner_types_finds_the_dossier_and_is_gone_after_a_while(open_page: OpenPage) -> None:
    page = await open_page("/o", viewport=TALL)
    await page.clock.install()
    await page.goto(KIOSK)
    await page.keyboard.type("*H26.18-250701-0001*")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="H26.18-250701-0001")).to_be_visible()
    await look(page)
    await page.clock.fast_forward(15_000)
    await expect(page.get_by_role("heading", name="H26.18-250701-0001")).to_be_visible()
    await page.clock.fast_forward(6_000)
    await expect(page.get_by_role("link", name="Hộ tịch")).to_be_visible()
    await expect(page.get_by_text("H26.18-250701-0001")).to_have_count(0)


async def test_without_scripts(open_page: OpenPage) -> None:
    page = await open_page(KIOSK, viewport=TALL, java_script_enabled=False)
    await page.get_by_role("link", name="Hộ tịch").click()
    await page.get_by_role("button", name="Từ 75 tuổi").click()
    await expect(page.locator("h1.number")).to_contain_text(re.compile(r"A\d{3}"))
    assert await waiting(page) == 1
    await page.get_by_role("link", name="Bắt đầu lại").click()
    await expect(page.get_by_role("link", name="Hộ tịch")).to_contain_text("1 người đang đợi")
