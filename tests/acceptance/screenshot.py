"""Makes docs/screenshot.png from the real pages: ``python -m tests.acceptance.screenshot``."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page

from tests.acceptance.visits import chromium, open_counter, sign_in, take_ticket
from tests.faults.running import OFFICE, RunningService

PICTURE = Path(__file__).parents[2] / "docs/screenshot.png"
LARGEST = 120_000
FRAME = """<!doctype html>
<body style="margin: 0; padding: 24px; display: flex; gap: 24px; background: #dfe5e5; width: max-content">
{pictures}
"""
CARD = '<img src="data:image/png;base64,{}" style="height: 720px; border-radius: 12px; box-shadow: 0 2px 12px #0004">'


async def make(folder: Path) -> None:
    """Serve the demo in ``folder``, take tickets and call one, and photograph a waiting citizen and the clerk."""
    service = RunningService(folder, workers=1)
    service.start()
    try:
        async with chromium() as browser:
            await _photograph(browser, f"http://localhost:{service.port}", (service.data / "demo-password").read_text())
    finally:
        service.stop()
    size = PICTURE.stat().st_size
    assert size <= LARGEST, f"{PICTURE} has {size} bytes, more than {LARGEST}"


async def _photograph(browser: Browser, site: str, password: str) -> None:
    clerk = await browser.new_page(base_url=site, viewport={"width": 780, "height": 720})
    await clerk.goto("/desk")
    await sign_in(clerk, password.strip())
    for counter in ("Quầy 1", "Quầy 2", "Quầy 3", "Quầy 4"):
        await open_counter(clerk, counter)
        if counter != "Quầy 4":
            await clerk.get_by_role("link", name="Chọn quầy khác").click()
    for service in ("Chứng thực", "Đất đai", "Chứng thực", "Hộ tịch", "Hộ tịch", "Hộ tịch", "Hộ tịch"):
        phone = await browser.new_page(base_url=site, viewport={"width": 360, "height": 720})
        await phone.goto(f"/o/{OFFICE}")
        await take_ticket(phone, service)
    await clerk.keyboard.press("Enter")
    await clerk.locator(".current").wait_for()
    await phone.get_by_text("Còn 3 người trước quý vị").wait_for()
    frame = await browser.new_page()
    await frame.set_content(FRAME.format(pictures="".join([await _card(phone), await _card(clerk)])))
    await frame.locator("body").screenshot(path=PICTURE)


async def _card(page: Page) -> str:
    return CARD.format(base64.b64encode(await page.screenshot()).decode())


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory(prefix="motcua-screenshot-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own account has to get through
        asyncio.run(make(folder))


if __name__ == "__main__":
    main()
