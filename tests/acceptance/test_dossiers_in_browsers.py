"""A dossier of an imported file, found the way people and scanners look for it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from tests.acceptance.conftest import OpenPage
from tests.acceptance.visits import PHONE
from tests.faults.running import RunningService

CODE = "H26.99-261120-0042"
FILE = f"""\
code,procedure,receiving_office,competent_agency,channel,status,received_at,due_at,appointment_on
{CODE},1.001193,demo-24h,H26.99,counter,5,2026-11-20T09:00:00+07:00,2026-11-25T17:00:00+07:00,2026-11-25
"""


async def test_an_imported_dossier_is_found_by_its_scanned_code(
    service: RunningService, open_page: OpenPage, tmp_path: Path
) -> None:
    file = tmp_path / "dossiers.csv"
    file.write_text(FILE)
    assert service.command("import", "dossiers", str(file)).startswith("1 rows: 1 added")
    page = await open_page("/", viewport=PHONE)
    # A scanner is a keyboard: nobody clicks into the field first. The first label is smudged.
    await expect(page.get_by_label("Mã hồ sơ")).to_be_focused()
    await page.keyboard.type("*H26.99-2611*")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Đây chưa phải là mã hồ sơ")
    await expect(page.get_by_label("Mã hồ sơ")).to_be_focused()
    await page.keyboard.type(f"*{CODE}*")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/d/{CODE}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(CODE)
    await expect(page.locator(".status")).to_have_text("Yêu cầu bổ sung giấy tờ")
    await expect(page.get_by_text("Quý vị cần bổ sung giấy tờ")).to_be_visible()
    await expect(page.get_by_text("25/11/2026")).to_be_visible()


async def test_the_open_page_follows_the_dossier(service: RunningService, open_page: OpenPage, tmp_path: Path) -> None:
    code, file = "H26.99-261120-0043", tmp_path / "dossiers.csv"
    file.write_text(FILE.replace(CODE, code))
    service.command("import", "dossiers", str(file))
    page = await open_page(f"/d/{code}?lang=en")
    await expect(page.locator(".status")).to_have_text("Further papers required")
    await page.clock.install()
    await page.reload()
    file.write_text(FILE.replace(CODE, code).replace("counter,5", "counter,4"))
    assert "1 changed" in service.command("import", "dossiers", str(file))
    await expect(page.locator(".status")).to_have_text("Further papers required")
    await page.clock.run_for(61_000)
    await expect(page.locator(".status")).to_have_text("Being processed")
    await expect(page).to_have_title(re.compile("^Being processed"))


async def test_an_unknown_code_says_what_to_do(open_page: OpenPage) -> None:
    page = await open_page("/?lang=en")
    await expect(page.get_by_label("Dossier code")).to_be_focused()
    await page.keyboard.type("H26.99-261120-9999")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Dossier not found")
    await page.get_by_role("link", name="Back to the look-up page").click()
    await expect(page.get_by_label("Dossier code")).to_be_focused()
