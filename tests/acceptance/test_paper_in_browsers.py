"""The printed forms as Chromium prints them: sheets of the right size, codes that a scanner reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pypdfium2
import pytest
import pytest_asyncio
import zxingcpp
from playwright.async_api import Browser, Page

from kit.database import Database
from tests.acceptance.test_every_page import AXE
from tests.acceptance.visits import DESKTOP, PHONE, Visits
from tests.faults.running import RunningService
from tests.paper_cases import (
    BACK,
    BANK,
    BARE,
    BEFORE_TAKEN,
    CLERK,
    CLERK_BEFORE,
    DECLINED,
    EXTENDED,
    LATE,
    PASSWORD,
    REFUSED,
    STOPPED,
    TAKEN,
    TOKEN,
    WAITING,
    fill,
)  # fmt: skip

A4, A4_ACROSS, A5 = (210, 297), (297, 210), (148, 210)
DOTS = 300
"""An inch, as an office's printer has them."""
FORMS = {
    f"/desk/dossiers/{TAKEN}/paper/receipt": A5,
    f"/desk/dossiers/{BARE}/paper/receipt": A5,
    f"/desk/dossiers/{WAITING}/paper/supplement-request": A4,
    f"/desk/dossiers/{DECLINED}/paper/refusal": A4,
    f"/desk/dossiers/{REFUSED}/paper/refusal": A4,
    f"/desk/dossiers/{EXTENDED}/paper/extension": A4,
    f"/desk/dossiers/{LATE}/paper/apology": A4,
    f"/desk/dossiers/{STOPPED}/paper/stop-notice": A4,
    f"/desk/dossiers/{BACK}/paper/control-slip": A4,
    "/desk/register?from=2026-09-01&to=2026-09-30": A4_ACROSS,
    "/desk/notices/{notice}/paper": A4,
}


@dataclass(frozen=True)
class Desk:
    """A clerk's browser, and the number of the intake notice."""

    page: Page
    notice: int
    faults: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def notice(service: RunningService) -> int:
    """The sample dossiers; the number of their notice."""
    database = await Database.connect(service.database_url, size=1)
    try:
        async with database.transaction() as connection:
            return await fill(connection)
    finally:
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, site: str, notice: int) -> AsyncIterator[Desk]:
    async with await browser.new_context(base_url=site) as context:
        page, visits = await context.new_page(), Visits(site)
        visits.watch(page)
        await sign_in(page, CLERK)
        yield Desk(page, notice, visits.faults)
        assert visits.faults == []


async def sign_in(page: Page, name: str) -> None:
    await page.goto("/desk")
    status = await page.evaluate(
        """async body => (await fetch("/api/v1/session", {
               method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).status""",
        {"name": name, "password": PASSWORD},
    )
    assert status == 200


@dataclass(frozen=True)
class Printed:
    """A PDF: the sizes of its sheets in mm, its text, and what a scanner reads on the first."""

    sheets: list[tuple[int, int]]
    text: str
    codes: set[tuple[str, str]]


async def printed(page: Page) -> Printed:
    return await asyncio.to_thread(scanned, await page.pdf(prefer_css_page_size=True))


def scanned(pdf: bytes) -> Printed:
    document = pypdfium2.PdfDocument(pdf)
    sizes = [sheet.get_size() for sheet in document]
    picture = document[0].render(scale=DOTS / 72, grayscale=True)
    dots = memoryview(picture.buffer).cast("B").cast("B", (picture.height, picture.stride))
    found = {(code.format.name, code.text) for code in zxingcpp.read_barcodes(dots)}
    text = "\n".join(sheet.get_textpage().get_text_bounded() for sheet in document)
    document.close()
    return Printed([(round(width / 72 * 25.4), round(height / 72 * 25.4)) for width, height in sizes], text, found)


@pytest.mark.parametrize("address", FORMS)
async def test_every_form_is_one_sheet_of_its_size(desk: Desk, address: str) -> None:
    await desk.page.goto(address.format(notice=desk.notice))
    paper = await printed(desk.page)
    assert paper.sheets == [FORMS[address]]
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in paper.text.replace("\r\n", " ")
    assert "Mẫu số" in paper.text
    for left_out in ("In giấy này", "English", "Đến nội dung chính", "Giấy tờ của hồ sơ"):
        assert left_out not in paper.text


async def test_a_scanner_reads_the_codes_of_the_receipt(desk: Desk, site: str) -> None:
    await desk.page.goto(f"/desk/dossiers/{TAKEN}/paper/receipt")
    transfer = (
        "00020101021238570010A000000727012700069704360113" + BANK["bank_account"] + "0208QRIBFTTA5303704"
        "5406158000" + "5802VN" + "62220818" + TAKEN + "6304"
    )
    codes = (await printed(desk.page)).codes
    assert ("Code128", TAKEN) in codes
    assert ("QRCode", f"{site}/r/{TOKEN}") in codes
    (paid,) = (text for _, text in codes if text.startswith("000201"))
    assert paid[:-4] == transfer
    assert len(codes) == 3


async def test_without_a_receipt_or_with_the_forms_of_2018_there_is_no_qr(desk: Desk) -> None:
    await desk.page.goto(f"/desk/dossiers/{BARE}/paper/receipt")
    assert "Hồ sơ chưa có mã tra cứu" in await desk.page.locator("main").inner_text()
    assert (await printed(desk.page)).codes == {("Code128", BARE)}
    await sign_in(desk.page, CLERK_BEFORE)
    await desk.page.goto(f"/desk/dossiers/{BEFORE_TAKEN}/paper/receipt")
    assert "Hồ sơ chưa có mã tra cứu" not in await desk.page.locator("main").inner_text()
    paper = await printed(desk.page)
    assert (paper.codes, paper.sheets) == ({("Code128", BEFORE_TAKEN)}, [A5])


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("address", FORMS)
async def test_the_forms_are_accessible_pages_too(desk: Desk, address: str, language: str) -> None:
    address = address.format(notice=desk.notice)
    await desk.page.goto(address + ("" if language == "vi" else f"{'&' if '?' in address else '?'}lang=en"))
    await desk.page.evaluate(AXE)
    for scheme in ("light", "dark"):
        await desk.page.emulate_media(color_scheme=scheme)
        found = await desk.page.evaluate("axe.run({resultTypes: ['violations']}).then(result => result.violations)")
        assert not found, [(rule["id"], rule["nodes"][0]["html"]) for rule in found]
    for size in (PHONE, DESKTOP):
        await desk.page.set_viewport_size(size)
        wide = await desk.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"scrolls sideways by {wide} px at {size['width']} px"


async def test_the_button_prints(desk: Desk) -> None:
    await desk.page.add_init_script("window.print = () => { window.printed = true; };")
    await desk.page.goto(f"/desk/dossiers/{TAKEN}/paper/receipt")
    await desk.page.get_by_role("button", name="In giấy này").click()
    assert await desk.page.evaluate("window.printed") is True


async def test_a_long_register_goes_over_several_sheets_with_its_heading_on_each(
    service: RunningService, desk: Desk
) -> None:
    connection = await asyncpg.connect(service.database_url)
    await connection.execute(
        """INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                                received_at)
           SELECT 2025, 'H26.77-251006-' || to_char(n, 'FM0000'), '9.900001', 'giay-to', 'H26.77', 'counter', 4,
                  '2025-10-06 09:00+07' FROM generate_series(1, 120) AS n"""
    )
    await connection.close()
    await desk.page.goto("/desk/register?from=2025-10-01&to=2025-10-31")
    paper = await printed(desk.page)
    assert len(paper.sheets) > 2
    assert set(paper.sheets) == {A4_ACROSS}
    assert paper.text.count("Mã hồ sơ") == len(paper.sheets)
