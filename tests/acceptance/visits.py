"""A real Chromium, what its pages may never do, and what people do on them again and again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import Final

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    async_playwright,
    expect,
)

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path is not None, "no Chromium on the PATH; `make test` installs one"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


class Visits:
    """Watches pages of ``site``; ``faults`` lists what they did wrong: errors in the console (a violated
    Content-Security-Policy is one), errors in scripts, requests to other hosts, parts that could not be loaded.
    """

    def __init__(self, site: str) -> None:
        self._site = site
        self.faults: list[str] = []

    def watch(self, page: Page) -> None:
        """Watch one more page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A page that answers 404, as it should, is such an error too; parts of pages are looked at in _response.
        expected = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._site}/", "data:")):
            self.faults.append(f"request to another origin: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.faults.append(f"{response.url}: status {response.status}")


async def sign_in(page: Page, password: str) -> None:
    """Sign the demo clerk in on ``/desk``, without a mouse."""
    await expect(page.get_by_label("Tên đăng nhập")).to_be_focused()
    await page.keyboard.type("clerk")
    await page.keyboard.press("Tab")
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Chọn quầy")).to_be_visible()


async def open_counter(page: Page, name: str) -> None:
    """Choose the counter ``name`` on the clerk's page and open it for all it can take."""
    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("button", name="Mở quầy")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Gọi số tiếp theo")).to_be_focused()


async def take_ticket(page: Page, service: str = "Hộ tịch") -> str:
    """Press ``service`` on an office's page; the answer is the number."""
    await page.get_by_role("button", name=service).click()
    await expect(page.locator("#ticket")).to_be_visible()
    return (await page.locator("h1").inner_text()).split()[-1]
