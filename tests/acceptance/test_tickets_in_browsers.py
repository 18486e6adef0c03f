"""A citizen and a clerk, each in a browser: from the sign at the door to "you have been served"."""

from __future__ import annotations

import re

import segno
from playwright.async_api import Page, expect

from tests.acceptance.conftest import OpenPage
from tests.acceptance.visits import DESKTOP, PHONE, open_counter, take_ticket
from tests.faults.running import OFFICE

NOTE_THE_CLICK = """
addEventListener("click", () => sessionStorage.setItem("clicked", Date.now()), {capture: true});
"""
NOTE_THE_CALL = """
() => {
  const called = document.querySelector(".called");
  new MutationObserver(() => { if (!called.hidden) { window.calledAt ??= Date.now(); } })
    .observe(called, {attributes: true});
}
"""


async def scanned(sign: Page) -> str:
    """The address in the sign's QR code: the printed one, and the code is the one of that address."""
    address = (await sign.locator(".code").inner_text()).strip()
    shown = await sign.locator(".qr svg").evaluate("svg => [svg.getAttribute('viewBox'), svg.innerHTML]")
    code = segno.make(address, error="m")
    side = code.symbol_size(border=4)[0]  # without the quiet zone of four modules no phone reads it
    assert shown[0] == f"0 0 {side} {side}"
    drawn = re.search(r' d="([^"]+)"', code.svg_inline(border=4))
    assert drawn is not None
    assert drawn[1] in shown[1]
    return address


async def test_from_the_sign_at_the_door_to_served(open_page: OpenPage, clerk: Page, site: str) -> None:
    address = await scanned(await open_page(f"/o/{OFFICE}/sign", viewport=DESKTOP))
    assert address == f"{site}/o/{OFFICE}"
    citizen = await open_page(address, viewport=PHONE)
    number = await take_ticket(citizen)
    await expect(citizen.locator("#ticket").get_by_text("Quý vị là người tiếp theo.")).to_be_visible()
    await expect(citizen.locator("#ticket").get_by_text("Chưa có quầy mở cho việc này")).to_be_visible()

    await open_counter(clerk, "Quầy 1")
    await expect(citizen.locator("#ticket").get_by_text(re.compile(r"Đợi khoảng \d+–\d+ phút"))).to_be_visible()

    await citizen.evaluate(NOTE_THE_CALL)
    await clerk.evaluate(NOTE_THE_CLICK)
    await clerk.get_by_role("button", name="Gọi số tiếp theo").click()
    await citizen.wait_for_function("window.calledAt")
    await expect(citizen.locator(".called")).to_contain_text("Đến lượt quý vị! Mời đến Quầy 1")
    await expect(citizen).to_have_title(re.compile(f"^🔔 {number} "))
    seconds = (
        await citizen.evaluate("window.calledAt") - int(await clerk.evaluate("sessionStorage.getItem('clicked')"))
    ) / 1000
    print(f"the call was on the citizen's page {seconds:.3f} s after the clerk's click")
    assert 0 <= seconds <= 1

    await expect(clerk.locator(".current .number")).to_have_text(number)
    await expect(clerk.get_by_role("button", name="Bắt đầu")).to_be_focused()
    await clerk.keyboard.press("Enter")
    await expect(citizen.locator("#ticket").get_by_text("Đang phục vụ quý vị tại Quầy 1")).to_be_visible()
    await expect(clerk.get_by_role("button", name="Hoàn thành")).to_be_focused()
    await clerk.keyboard.press("Enter")
    await expect(citizen.locator("#ticket").get_by_text("Đã phục vụ xong. Xin cảm ơn quý vị.")).to_be_visible()
    await expect(citizen.get_by_role("link", name="Lấy số mới")).to_be_visible()
    await expect(citizen.get_by_text("Tôi không đợi nữa")).to_be_hidden()
    await expect(clerk.get_by_role("button", name="Gọi số tiếp theo")).to_be_focused()


async def test_the_place_in_the_line_is_counted_down(open_page: OpenPage, clerk: Page) -> None:
    await open_counter(clerk, "Quầy 1")
    people = [await open_page(f"/o/{OFFICE}?lang=en") for _ in range(3)]
    for person in people:
        await take_ticket(person, "Civil status")
    last = people[-1]
    await expect(last.locator("#ticket").get_by_text("2 people are ahead of you")).to_be_visible()
    for expected in ("1 person is ahead of you", "You are next."):
        await clerk.keyboard.press("Enter")
        await expect(last.locator("#ticket").get_by_text(expected)).to_be_visible()
        await clerk.get_by_role("button", name="Vắng mặt").click()
        await expect(clerk.get_by_role("button", name="Gọi số tiếp theo")).to_be_focused()
    await expect(last.locator("#said")).to_have_text("You are next.")


async def test_without_javascript(open_page: OpenPage, clerk: Page) -> None:
    citizen = await open_page(f"/o/{OFFICE}", java_script_enabled=False)
    number = await take_ticket(citizen)
    await expect(citizen.locator("#ticket").get_by_text("Quý vị là người tiếp theo.")).to_be_visible()
    await open_counter(clerk, "Quầy 1")
    await clerk.keyboard.press("Enter")
    await expect(clerk.locator(".current .number")).to_have_text(number)
    # It reloads by itself every ten seconds; here by hand ...
    await citizen.reload()
    await expect(citizen.locator(".called")).to_contain_text("Quầy 1")
    await clerk.keyboard.press("Enter")
    # ... and here by itself.
    await expect(citizen.locator("#ticket").get_by_text("Đang phục vụ quý vị tại Quầy 1")).to_be_visible(timeout=15_000)


async def test_a_clerk_without_javascript(open_page: OpenPage, empty_hall: None, password: str) -> None:
    citizen = await open_page(f"/o/{OFFICE}")
    await take_ticket(citizen, "Đất đai")
    page = await open_page("/desk?lang=en", java_script_enabled=False)
    await page.get_by_label("Name").fill("clerk")
    await page.get_by_label("Password").fill(password)
    for name in ("Sign in", "Quầy 3", "Open the counter", "Call the next number 1 person waiting", "Start", "Finish"):
        await page.get_by_role("link" if name.startswith("Quầy") else "button", name=name).click()
    await expect(page.get_by_role("button", name="Call the next number Nobody is waiting")).to_be_visible()
    await expect(citizen.locator("#ticket").get_by_text("Đã phục vụ xong")).to_be_visible()


async def test_no_show(open_page: OpenPage, clerk: Page) -> None:
    citizen = await open_page(f"/o/{OFFICE}")
    await take_ticket(citizen)
    await open_counter(clerk, "Quầy 1")
    await clerk.keyboard.press("Enter")
    await clerk.get_by_role("button", name="Vắng mặt").click()
    await expect(citizen.locator("#ticket").get_by_text("đã được gọi nhưng không có người đến")).to_be_visible()
    await expect(clerk.get_by_role("button", name="Gọi số tiếp theo")).to_contain_text("Không có ai đang đợi")


async def test_recall(open_page: OpenPage, clerk: Page) -> None:
    citizen = await open_page(f"/o/{OFFICE}")
    number = await take_ticket(citizen)
    await open_counter(clerk, "Quầy 1")
    await clerk.keyboard.press("Enter")
    await clerk.get_by_role("button", name="Gọi lại").click()
    await expect(clerk.locator(".current .number")).to_have_text(number)
    await expect(clerk.get_by_role("button", name="Bắt đầu")).to_be_focused()
    await expect(clerk.locator(".todo:visible")).to_have_count(0)
    await expect(citizen.locator(".called")).to_be_visible()


async def test_a_double_click_is_one_ticket_and_going_back_another(open_page: OpenPage, empty_hall: None) -> None:
    citizen = await open_page(f"/o/{OFFICE}")
    sent: dict[str, str | float | bool] = {
        "key": await citizen.locator("[name=key]").input_value(),
        "service": "chung-thuc",
        "priority": "normal",
    }
    await citizen.get_by_role("button", name="Chứng thực").dblclick()
    await expect(citizen.locator("#ticket")).to_be_visible()
    first = citizen.url
    # A browser may hold the second click back; a bad line may not.
    assert (await citizen.request.post(f"/o/{OFFICE}", form=sent)).url == first
    other = await citizen.request.post(f"/o/{OFFICE}", form=sent | {"service": "dat-dai"})
    assert other.ok
    assert other.url != first
    await citizen.go_back()
    await citizen.reload()
    await expect(citizen.get_by_role("button", name="Chứng thực")).to_contain_text("1 người đang đợi")
    await take_ticket(citizen)
    assert citizen.url != first


async def test_enter_takes_no_ticket_that_nobody_chose(open_page: OpenPage, empty_hall: None) -> None:
    citizen = await open_page(f"/o/{OFFICE}")
    await citizen.get_by_label("Quý vị thuộc diện ưu tiên?").focus()
    await citizen.keyboard.press("ArrowDown")
    await citizen.keyboard.press("Enter")
    await citizen.goto(f"/o/{OFFICE}")
    await expect(citizen.get_by_text("Không có ai đang đợi")).to_have_count(3)


async def test_who_has_priority_comes_first(open_page: OpenPage, clerk: Page) -> None:
    await take_ticket(await open_page(f"/o/{OFFICE}"))
    elder = await open_page(f"/o/{OFFICE}")
    await elder.get_by_label("Quý vị thuộc diện ưu tiên?").select_option("Từ 75 tuổi")
    number = await take_ticket(elder)
    await open_counter(clerk, "Quầy 1")
    await clerk.keyboard.press("Enter")
    await expect(clerk.locator(".current .number")).to_have_text(number)


async def test_leaving_the_line_asks_first(open_page: OpenPage, clerk: Page) -> None:
    await open_counter(clerk, "Quầy 1")
    citizen = await open_page(f"/o/{OFFICE}")
    await take_ticket(citizen)
    call = clerk.get_by_role("button", name="Gọi số tiếp theo")
    await expect(call).to_contain_text("1 người đang đợi")
    await expect(citizen.get_by_role("button", name="Rời hàng đợi")).to_be_hidden()
    await citizen.get_by_text("Tôi không đợi nữa").click()
    await citizen.get_by_role("button", name="Rời hàng đợi").click()
    await expect(citizen.locator("#ticket").get_by_text("Quý vị đã rời hàng đợi.")).to_be_visible()
    await expect(call).to_contain_text("Không có ai đang đợi")


async def test_the_clerks_focus_survives_what_happens_in_the_hall(open_page: OpenPage, clerk: Page) -> None:
    await open_counter(clerk, "Quầy 1")
    await take_ticket(await open_page(f"/o/{OFFICE}"))
    call = clerk.get_by_role("button", name="Gọi số tiếp theo")
    await expect(call).to_contain_text("1 người đang đợi")
    await expect(call).to_be_focused()
    await clerk.keyboard.press("Enter")
    await clerk.get_by_role("button", name="Vắng mặt").focus()
    await take_ticket(await open_page(f"/o/{OFFICE}"))
    await expect(clerk.get_by_role("row", name="Hộ tịch").get_by_role("cell").first).to_have_text("1")
    await expect(clerk.get_by_role("button", name="Vắng mặt")).to_be_focused()


async def test_two_clerks_at_one_counter(open_page: OpenPage, clerk: Page, site: str) -> None:
    await take_ticket(await open_page(f"/o/{OFFICE}"))
    await open_counter(clerk, "Quầy 1")
    await clerk.keyboard.press("Enter")
    start = clerk.get_by_role("button", name="Bắt đầu")
    await expect(start).to_be_visible()
    address, action = clerk.url, await clerk.locator("form.first").get_attribute("action")
    other = await open_page(address, storage_state=await clerk.context.storage_state())
    await other.get_by_role("button", name="Bắt đầu").click()
    await expect(other.get_by_role("button", name="Hoàn thành")).to_be_visible()
    await expect(clerk.get_by_role("button", name="Hoàn thành")).to_be_focused()  # this page has heard of it
    late = await clerk.request.post(f"{site}{action}", form={"counter": f"{OFFICE}-1"})  # and had it not:
    assert "vừa đổi trước khi bấm" in await late.text()


async def test_a_lost_connection_loses_no_number(open_page: OpenPage, clerk: Page) -> None:
    await open_counter(clerk, "Quầy 1")
    citizen = await open_page(f"/o/{OFFICE}")
    number = await take_ticket(citizen)
    lost = citizen.get_by_text("Mất kết nối. Số của quý vị vẫn được giữ.")
    await citizen.context.set_offline(True)
    await expect(lost).to_be_visible()
    await clerk.keyboard.press("Enter")
    await expect(clerk.locator(".current .number")).to_have_text(number)
    await citizen.context.set_offline(False)
    await expect(citizen.locator(".called")).to_be_visible()
    await expect(lost).to_be_hidden()
