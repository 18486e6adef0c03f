"""A clerk takes dossiers in without the mouse: few actions, and pages that are good at every width."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.acceptance.conftest import OpenPage
from tests.acceptance.test_every_page import LARGEST_PAGE, Look, in_language, look
from tests.acceptance.visits import open_counter, take_ticket

__all__ = ["look"]

MOST_ACTIONS = 8
MARRIAGE = "1.000894"
OFFICE = "demo-24h"


class Keys:
    """A clerk's keyboard. One action is a field filled in (with the Tab that leads there), or one key or chord."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.actions = 0

    async def press(self, chord: str, *, tab: bool = False) -> None:
        """One key or chord, where the focus is or one Tab further."""
        if tab:
            await self._page.keyboard.press("Tab")
        await self._page.keyboard.press(chord)
        self.actions += 1

    async def shortcut(self, letter: str) -> None:
        """Alt and the letter of an ``accesskey``, with the unmodified text that a real keyboard sends beside it."""
        session = await self._page.context.new_cdp_session(self._page)
        for kind in ("keyDown", "keyUp"):
            key = {"key": letter, "code": f"Key{letter.upper()}", "windowsVirtualKeyCode": ord(letter.upper())}
            await session.send(
                "Input.dispatchKeyEvent", {"type": kind, "modifiers": 1, "unmodifiedText": letter, **key}
            )
        await session.detach()
        self.actions += 1

    async def fill(self, text: str, *, tab: bool = False) -> None:
        """One field."""
        if tab:
            await self._page.keyboard.press("Tab")
        await self._page.keyboard.type(text)
        self.actions += 1


async def tab_to(page: Page, selector: str) -> None:
    """Tab until the element has the focus: what is on the way is not what the test is about."""
    for _ in range(40):
        if await page.locator(selector).first.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


@pytest_asyncio.fixture(loop_scope="session")
async def serving(clerk: Page, open_page: OpenPage) -> AsyncIterator[Page]:
    """A clerk's page with a ticket being served."""
    await open_counter(clerk, "Quầy 1")
    await take_ticket(await open_page(f"/o/{OFFICE}"))
    for button in ("Gọi số tiếp theo", "Bắt đầu"):
        await expect(clerk.get_by_role("button", name=button)).to_be_focused()
        await clerk.keyboard.press("Enter")
    await expect(clerk.get_by_role("button", name="Hoàn thành")).to_be_focused()
    yield clerk


async def test_a_simple_dossier_takes_eight_actions_without_the_mouse(serving: Page) -> None:
    page, keys = serving, Keys(serving)
    await keys.shortcut("n")
    await expect(page.get_by_label("Thủ tục")).to_be_focused()
    await keys.fill("ket hon")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Đăng ký kết hôn")).to_be_visible()
    await expect(page.get_by_label("Họ và tên người nộp")).to_be_focused()
    await keys.fill("Nguyễn Thị Ẩn Danh")
    await keys.fill("0901234567", tab=True)
    await keys.press("Space", tab=True)
    await expect(page.get_by_label("Đủ cả 3 giấy tờ")).to_be_checked()
    await expect(page.locator("input[name=paper]:checked")).to_have_count(3)
    await keys.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Đã đăng ký hồ sơ.")
    await expect(page.get_by_role("link", name="In: Giấy tiếp nhận và hẹn trả")).to_be_focused()
    code = await page.locator("h1").inner_text()
    await keys.press("Enter")
    await expect(page).to_have_url(re.compile(f"/desk/dossiers/{re.escape(code)}/paper/receipt$"))
    await expect(page.locator(".sheet h1")).to_have_text("Giấy tiếp nhận hồ sơ và hẹn trả kết quả", ignore_case=True)
    await expect(page.locator(".sheet")).to_contain_text("Nguyễn Thị Ẩn Danh")
    assert keys.actions <= MOST_ACTIONS


async def test_missing_papers_and_wrong_fields_without_the_mouse(serving: Page) -> None:
    page = serving
    await Keys(page).shortcut("n")
    await expect(page.get_by_label("Thủ tục")).to_be_focused()
    await page.keyboard.type("khai sinh")
    await page.keyboard.press("Enter")
    first = page.locator(".offers a").first
    await expect(first).to_be_focused()
    await page.keyboard.press("Enter")
    await tab_to(page, "#name")
    await page.keyboard.type("Trần Văn Kín")
    await page.keyboard.press("Tab")
    await page.keyboard.type("abc")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Số điện thoại", exact=True)).to_be_focused()
    await expect(page.get_by_label("Số điện thoại", exact=True)).to_have_accessible_description(
        "Số điện thoại chưa đúng, ví dụ 0901 234 567."
    )
    await page.keyboard.press("Control+a")
    await page.keyboard.type("0901234567")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Lý do")).to_be_focused()
    await page.keyboard.type("Chưa đủ giấy tờ")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Bổ sung rồi nộp lại")
    await tab_to(page, "#name")
    await expect(page.locator("#name")).to_have_value("Trần Văn Kín")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="In phiếu hướng dẫn")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".sheet")).to_contain_text("Bổ sung rồi nộp lại")


async def test_ticking_all_and_each_say_the_same(serving: Page) -> None:
    page = serving
    await page.goto(f"/desk/dossiers/new?procedure={MARRIAGE}")
    every, papers = page.locator("#complete"), page.locator("input[name=paper]")
    await every.check()
    await expect(page.locator("input[name=paper]:checked")).to_have_count(3)
    await papers.nth(1).uncheck()
    await expect(every).not_to_be_checked()
    await papers.nth(1).check()
    await expect(every).to_be_checked()


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_pages_are_good_at_every_width(serving: Page, look: Look, language: str) -> None:
    page = serving

    async def see(address: str = "") -> None:
        if address:
            await page.goto(in_language(language, address))
        await page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true; })")
        assert await page.locator("html").get_attribute("lang") == language
        await look(page)

    await see("/desk/dossiers")
    await see("/desk/dossiers?q=abc")
    await see("/desk/dossiers/new")
    await see("/desk/dossiers/new?q=khai+sinh")
    await see("/desk/dossiers/new?group=khai-sinh")
    await page.goto(in_language(language, "/desk/dossiers/new?procedure=2.000635"))
    await page.locator("#email").fill("wrong")
    await page.locator("button.next").click()
    await expect(page.locator("#wrong-name")).to_be_visible()
    await see()
    await page.locator("#email").fill("an@example.org")
    await page.locator("#name").fill("Nguyễn Thị Ẩn Danh")
    await page.locator("button.next").click()
    await expect(page.locator("#wrong-guidance")).to_be_visible()
    await see()
    await page.locator("#complete").check()
    await page.locator("button.next").click()
    await expect(page.locator(".done")).to_be_visible()
    await see()
    await act(page, "transfer")
    await act(page, "request-payment", amount="1.150.000", purpose="Thuế")
    await expect(page.locator(".transfer")).to_be_visible()
    await see()
    await act(page, "receive-payment", amount="5")
    await expect(page.locator("[role=alert]")).to_be_visible()
    await see()
    await act(page, "receive-payment")
    await act(page, "complete")
    await see()
    await see("/desk/dossiers?list=ready")


async def act(page: Page, action: str, **fields: str) -> None:
    form = page.locator(f"form[action*='/{action}']")
    folded = page.locator("details:not([open])", has=form)
    if await folded.count():
        await folded.locator("summary").click()
    for name, value in fields.items():
        await form.locator(f"[name={name}]").fill(value)
    if action == "receive-payment" and not fields:
        await form.locator("[name=amount]").fill("1158000")
    async with page.expect_navigation():
        await form.locator("button").click()


async def register(page: Page) -> str:
    await page.goto(f"/desk/dossiers/new?procedure={MARRIAGE}")
    await page.locator("#name").fill("Nguyễn Thị Ẩn Danh")
    await page.locator("#complete").check()
    await page.locator("button.next").click()
    await expect(page.get_by_role("status")).to_be_visible()
    return await page.locator("h1").inner_text()


async def test_the_pages_are_small(serving: Page) -> None:
    page = serving
    code = await register(page)
    addresses = ("/desk/dossiers", "/desk/dossiers/new", "/desk/dossiers/new?group=khai-sinh", f"/desk/dossiers/{code}")
    for address in addresses:
        await page.goto(address, wait_until="load")
        sizes: list[int] = await page.evaluate(
            "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
            ".filter(part => !part.name.endsWith('.svg')).map(part => part.decodedBodySize)"
        )
        assert sum(sizes) < LARGEST_PAGE, (address, sizes)
