"""A dossier from the desk to the rating: the clerk's browser, the citizen's phone, a real mail server and gateway."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pypdfium2
import pytest_asyncio
import zxingcpp
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.acceptance.test_every_page import Look, look
from tests.acceptance.visits import DESKTOP, PHONE, Visits, sign_in
from tests.faults.running import RunningService
from tests.integration.outside import Http, MailBox

__all__ = ["look"]

NAME, EMAIL, CALLED = "Lê Thị Mẹ Bé", "me.be@dan.example", "0912000111"
PATIENCE = 15.0


class Outside:
    """The mail server and the gateway, and the service that knows them."""

    def __init__(self, service: RunningService, mailbox: MailBox, gateway: Http) -> None:
        self.service, self.mailbox, self.gateway = service, mailbox, gateway

    @property
    def password(self) -> str:
        """The demo clerk's."""
        printed = (self.service.data.parent / "out").read_text()
        found = re.search(r"^demo clerk: .* password (\S+)$", printed, re.MULTILINE)
        assert found is not None
        return found[1]

    async def mail(self, about: str) -> str:
        """The newest mail to the applicant whose text speaks of ``about``."""
        return await _soon(lambda: next((text for text in map(_text, self.mailbox.got) if about in text), None))

    async def sms(self, about: str) -> str:
        """The same of SMS; accents are folded away in them."""
        return await _soon(lambda: next((one["text"] for one in self.gateway.bodies if about in one["text"]), None))


def _text(mail: object) -> str:
    return str(mail.get_content())  # type: ignore[attr-defined]  # an EmailMessage


async def _soon(find: Callable[[], str | None]) -> str:
    async with asyncio.timeout(PATIENCE):
        while (found := find()) is None:
            await asyncio.sleep(0.1)
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def outside() -> AsyncIterator[Outside]:
    mailbox, gateway = MailBox(), Http()
    with tempfile.TemporaryDirectory(prefix="motcua-life-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with mailbox.running(), gateway.running():
            service = RunningService(
                folder,
                workers=1,
                MOTCUA_SMTP_URL=f"smtp://127.0.0.1:{mailbox.port}?tls=none",
                MOTCUA_MAIL_FROM="motcua@office.example",
                MOTCUA_SMS_URL=f"{gateway.base}/send",
                MOTCUA_SMS_TOKEN="gateway-secret-token",
            )
            service.settings["MOTCUA_PUBLIC_URL"] = f"http://localhost:{service.port}"
            await asyncio.to_thread(service.start)
            try:
                yield Outside(service, mailbox, gateway)
                assert service.unexpected() == []
            finally:
                await asyncio.to_thread(service.stop)


async def page_of(browser: Browser, outside: Outside, width: ViewportSize) -> tuple[Page, Visits]:
    site = f"http://localhost:{outside.service.port}"
    visits = Visits(site)
    context = await browser.new_context(base_url=site, viewport=width)
    page = await context.new_page()
    visits.watch(page)
    return page, visits


async def act(clerk: Page, action: str, **fields: str) -> None:
    """Press the button of an action on the dossier's page, with what it asks for."""
    form = clerk.locator(f"form[action*='/{action}']")
    folded = clerk.locator("details:not([open])", has=form)
    if await folded.count():
        await folded.locator("summary").click()
    for name, value in fields.items():
        field = form.locator(f"[name={name}]")
        await (field.check() if value == "on" else field.fill(value))
    async with clerk.expect_navigation():
        await form.locator("button").click()
    await expect(clerk.get_by_role("status")).to_be_visible()


async def handed_in(clerk: Page) -> str:
    """Register a birth; the answer is the code."""
    await clerk.goto("/desk/dossiers/new?q=dang+ky+khai+sinh")
    if not await clerk.locator("#name").count():
        await clerk.locator(".offers a").first.click()
    for field, value in (("name", NAME), ("email", EMAIL), ("phone", CALLED)):
        await clerk.locator(f"#{field}").fill(value)
    await clerk.locator("#complete").check()
    await clerk.locator("button.next").click()
    await expect(clerk.get_by_role("status")).to_have_text("Đã đăng ký hồ sơ.")
    return (await clerk.locator("h1").inner_text()).strip()


async def scanned(clerk: Page) -> tuple[str, str]:
    """What a scanner reads from the receipt as it is printed: the code from the bars, the address from the QR."""
    sheets = pypdfium2.PdfDocument(await clerk.pdf(prefer_css_page_size=True, print_background=True))
    assert len(sheets) == 1
    picture = sheets[0].render(scale=300 / 72, grayscale=True)
    dots = memoryview(picture.buffer).cast("B").cast("B", (picture.height, picture.stride))
    found = {one.format.name: one.text for one in zxingcpp.read_barcodes(dots)}
    sheets.close()
    return found["Code128"], found["QRCode"]


async def test_from_the_desk_to_the_rating(browser: Browser, outside: Outside, look: Look) -> None:
    clerk, clerk_faults = await page_of(browser, outside, DESKTOP)
    citizen, citizen_faults = await page_of(browser, outside, PHONE)

    await clerk.goto("/desk")
    await sign_in(clerk, outside.password)
    code = await handed_in(clerk)
    dossier = clerk.url.partition("?")[0]
    assert f"http://localhost:{outside.service.port}/r/" in await outside.mail(code)
    assert code in await outside.sms(code)

    await clerk.get_by_role("link", name="In: Giấy tiếp nhận").click()
    await look(clerk)
    bars, address = await scanned(clerk)
    assert bars == code
    await citizen.goto(address)
    await expect(citizen.locator("main")).to_contain_text("Được tiếp nhận")
    await expect(citizen.locator("main")).not_to_contain_text(NAME)
    await look(citizen)

    await clerk.goto(dossier)
    await act(clerk, "transfer")
    await act(clerk, "request-supplement", reason="Tờ khai chưa ký", missing="Tờ khai có chữ ký", guidance="Ký rồi nộp")
    assert "Tờ khai có chữ ký" in await outside.mail("Tờ khai có chữ ký")
    await citizen.reload()
    await expect(citizen.locator("main")).to_contain_text("Tờ khai có chữ ký")
    await look(citizen)
    await act(clerk, "receive-supplement")
    await act(clerk, "complete")
    await outside.sms("ket qua")
    await citizen.reload()
    await expect(citizen.locator("main")).to_contain_text("Đã xử lý xong")
    owed = clerk.locator("form[action*='/receive-payment']")
    if await owed.count():
        await act(clerk, "receive-payment")
    held = clerk.locator("form[action*='/return'] [name=originals_returned]")
    await act(clerk, "return", **({"originals_returned": "on"} if await held.count() else {}))
    await look(clerk)

    invited_to = re.search(r"https?://\S+/r/\S+", await outside.mail("1 đến 5"))
    assert invited_to is not None
    await citizen.goto(invited_to[0])
    await citizen.get_by_role("link", name="Đánh giá").click()
    await look(citizen)
    await citizen.locator("[name=score][value='5']").check()
    await citizen.locator("[name=comment]").fill("Nhanh và tử tế")
    await citizen.locator("main button").click()
    await expect(citizen.get_by_text("Cảm ơn quý vị đã đánh giá.")).to_be_visible()
    await look(citizen)
    await citizen.goto(f"/d/{code}")
    await expect(citizen.locator("main")).to_contain_text("Đã trả kết quả")
    assert clerk_faults.faults == citizen_faults.faults == []
