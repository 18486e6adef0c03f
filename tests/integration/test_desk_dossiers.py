"""The clerk's pages: intake, the work list, one dossier and its forms; what goes wrong, and what then stays."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import pytest

from tests.integration.conftest import OFFICE, SHOWN, Site
from tracking.desk.action_form import INPUTS
from tracking.workflow import NEEDS, Action

Headers = dict[str, str]
MARRIAGE = "1.000894"
CERTIFICATE = "1.004873"
GROUP = "khai-sinh"
WHO = {"name": "Nguyễn Thị Ẩn Danh", "phone": "0901234567"}


@pytest.fixture
async def clerk(site: Site) -> Headers:
    return await site.sign_in("clerk")


async def get(site: Site, staff: Headers, path: str) -> tuple[int, str, str]:
    status, headers, page = await site.ask("GET", path, headers=staff)
    return status, headers.get("Location", ""), str(page)


async def post(site: Site, staff: Headers, path: str, fields: Any) -> tuple[int, str, str]:
    status, headers, page = await site.ask("POST", path, data=fields, headers=staff)
    return status, headers.get("Location", ""), str(page)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the action's form."""
    found = re.search(rf'<form method="post" action="[^"]*/{action}(?:\?lang=en)?".*?</form>', page, re.DOTALL)
    assert found is not None, action
    return {name: hidden(found[0], name) for name in ("key", "version")}


async def intake(site: Site, staff: Headers, **more: Any) -> tuple[int, str, str]:
    fields = {"procedure": MARRIAGE, "complete": "on", "channel": "counter", "language": "vi", **WHO, **more}
    return await post(site, staff, "/desk/dossiers/new", {name: value for name, value in fields.items() if value})


async def registered(site: Site, staff: Headers, **more: Any) -> str:
    status, location, page = await intake(site, staff, **more)
    assert status == 303, page
    found = re.fullmatch(r"/desk/dossiers/([^?]+)\?done=register", location)
    assert found is not None, location
    return found[1]


async def act(site: Site, staff: Headers, code: str, action: str, **fields: Any) -> tuple[int, str, str]:
    page = (await get(site, staff, f"/desk/dossiers/{code}"))[2]
    return await post(site, staff, f"/desk/dossiers/{code}/{action}", {**form_of(page, action), **fields})


async def rows(site: Site, query: str, *given: object) -> list[dict[str, Any]]:
    async with site.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *given)]


async def dossiers(site: Site) -> int:
    return int((await rows(site, "SELECT count(*) AS n FROM applicant"))[0]["n"])


# intake


async def test_the_choice_finds_without_accents_and_opens_what_is_alone(site: Site, clerk: Headers) -> None:
    status, _, page = await get(site, clerk, "/desk/dossiers/new")
    assert (status, page.count('class="choice"')) == (200, page.count("<li><a"))
    assert "Đăng ký kết hôn" in page and f"?group={GROUP}" in page
    status, location, _ = await get(site, clerk, "/desk/dossiers/new?q=ket+hon&lang=en")
    assert (status, location) == (303, f"/desk/dossiers/new?procedure={MARRIAGE}&lang=en")
    _, _, page = await get(site, clerk, "/desk/dossiers/new?q=khai+sinh")
    assert page.index("?procedure=1.001193") < page.index(f"?group={GROUP}")
    first = re.search(r'<a class="choice" href="([^"]*)" autofocus', page)
    assert first is not None and first[1] == "/desk/dossiers/new?procedure=1.001193"
    _, _, page = await get(site, clerk, "/desk/dossiers/new?q=khong+co+gi")
    assert "Không có thủ tục nào khớp" in page
    _, _, page = await get(site, clerk, "/desk/dossiers/new?procedure=9.999999")
    assert "Nơi này không nhận thủ tục đó" in page


async def test_the_form_opens_with_what_is_known(site: Site, clerk: Headers) -> None:
    _, _, page = await get(site, clerk, f"/desk/dossiers/new?procedure={MARRIAGE}")
    assert page.count('name="paper"') == 3
    assert page.count('name="original" value="0" checked') == 1
    assert 'name="original" value="2" checked' not in page
    assert not re.search(r'name="(?:paper|complete)"[^>]* checked', page), "a clerk ticks what was handed in"
    assert re.search(r'<option value="H26.99" selected>', page)
    assert "miễn phí" in page and "fee_paid" not in page
    assert len(hidden(page, "key")) >= 20


async def test_a_simple_dossier(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk, channels="sms", original="1")
    status, _, page = await get(site, clerk, f"/desk/dossiers/{code}?done=register")
    assert status == 200
    assert "Đã đăng ký hồ sơ." in page and "Được tiếp nhận" in page and WHO["name"] in page
    assert re.search(rf'href="/desk/dossiers/{code}/paper/receipt" autofocus', page)
    assert page.count("đang giữ bản chính") == 1
    assert (await get(site, clerk, f"/desk/dossiers/{code}/paper/receipt"))[0] == 200
    kept = await rows(site, "SELECT name, phone, email, channels FROM applicant WHERE code = $1", code)
    assert kept == [{**WHO, "email": None, "channels": ["sms"]}]
    papers = await rows(site, "SELECT original FROM dossier_paper WHERE code = $1 ORDER BY position", code)
    assert [paper["original"] for paper in papers] == [False, True, False]


async def test_everything_that_can_be_said_at_intake(site: Site, clerk: Headers) -> None:
    fields = [
        ("procedure", "2.000635"), ("complete", "on"), ("name", "Trần Văn Kín"), ("id_number", "c 1234567"),
        ("email", "kin@example.org"), ("phone", "+84 901 234 567"), ("address", "1 Đường Một"), ("channels", "email"),
        ("channels", "sms"), ("channels", "phone"), ("fee_paid", "on"), ("channel", "post"), ("language", "en"),
        ("agency", "H26.99"), ("more_papers", "Giấy ủy quyền\r\n\r\n Ảnh 4x6 "), ("post_address", "2 Đường Hai"),
    ]  # fmt: skip
    status, location, page = await post(site, clerk, "/desk/dossiers/new?lang=en", fields)
    assert status == 303 and location.endswith("?done=register&lang=en"), page
    code = location.split("/")[3].partition("?")[0]
    who = (await rows(site, "SELECT * FROM applicant WHERE code = $1", code))[0]
    assert (who["id_number"], who["channels"], who["language"]) == ("C1234567", ["email", "sms", "phone"], "en")
    post_to = (await rows(site, "SELECT recipient, address, phone FROM result_post WHERE code = $1", code))[0]
    assert post_to == {"recipient": "Trần Văn Kín", "address": "2 Đường Hai", "phone": None}
    names = [row["name"] for row in await rows(site, "SELECT name FROM dossier_paper WHERE code = $1", code)]
    assert names[-2:] == ["Giấy ủy quyền", "Ảnh 4x6"]
    paid = await rows(site, "SELECT amount, paid_at IS NOT NULL AS paid FROM payment WHERE code = $1", code)
    assert paid == [{"amount": 8000, "paid": True}]
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}?lang=en")
    assert "8,000 VND" in page and "2 Đường Hai" in page


async def test_a_form_sent_twice_registers_once(site: Site, clerk: Headers) -> None:
    _, _, page = await get(site, clerk, f"/desk/dossiers/new?procedure={MARRIAGE}")
    key = hidden(page, "key")
    answers = await asyncio.gather(*(intake(site, clerk, key=key) for _ in range(3)))
    assert {status for status, _, _ in answers} == {303}
    assert len({location for _, location, _ in answers}) == 1
    assert await dossiers(site) == 1
    status, _, page = await intake(site, clerk, key=key, name="Người khác")
    assert status == 422 and "Người khác" in page and hidden(page, "key") != key
    assert await dossiers(site) == 1


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"name": ""}, "name", "Cần điền mục này."),
        ({"name": "x" * 301}, "name", "Dài quá"),
        ({"phone": "abc"}, "phone", "Số điện thoại chưa đúng"),
        ({"email": "an.example.org"}, "email", "Địa chỉ thư điện tử chưa đúng"),
        ({"id_number": "1-2"}, "id_number", "Chỉ gồm chữ cái và chữ số"),
        ({"phone": "", "channels": "phone"}, "phone", "Cần số điện thoại để gọi."),
        ({"other_agency": "H99.99"}, "other_agency", "Không có cơ quan nào với mã này."),
        ({"recipient": "Ai đó"}, "post_address", "Cần địa chỉ nhận kết quả."),
        ({"post_address": "2 Đường Hai", "post_phone": "x"}, "post_phone", "Số điện thoại chưa đúng"),
        ({"more_papers": "x" * 301}, "more_papers", "Dài quá"),
    ],
)
async def test_a_wrong_field_is_named_and_what_was_typed_stays(
    shared_site: Site, wrong: dict[str, str], field: str, sentence: str
) -> None:
    clerk = await shared_site.sign_in("clerk")
    before = await dossiers(shared_site)
    status, _, page = await intake(shared_site, clerk, **{"address": "1 Đường <Một>", **wrong})
    assert status == 400
    told = re.search(rf'<p id="wrong-{field}" class="wrong">([^<]*)</p>', page)
    assert told is not None and sentence in told[1]
    assert re.search(rf'id="{field}"[^>]*aria-describedby="wrong-{field}[" ]', page)
    assert 'role="alert"' in page and page.count(" autofocus") == 1
    assert "1 Đường &lt;Một&gt;" in page
    for value in wrong.values():
        assert not value or value in page
    assert re.search(r'name="complete"[^>]* checked', page)
    assert await dossiers(shared_site) == before


@pytest.mark.asyncio(loop_scope="module")
async def test_hidden_fields_that_were_changed_are_refused(shared_site: Site) -> None:
    clerk = await shared_site.sign_in("clerk")
    for changed in ({"ticket": "nonsense"}, {"channel": "dove"}, {"language": "fr"}, {"channels": "dove"}):
        status, _, page = await intake(shared_site, clerk, **changed)
        assert status == 400 and "hãy sửa các mục" in page, changed
    for notice in ("12345", "x", "9" * 5000):
        assert (await intake(shared_site, clerk, notice=notice))[0] in (400, 404)
    assert (await intake(shared_site, clerk, procedure="9.9"))[0] == 400
    assert (await post(shared_site, clerk, "/desk/dossiers/new", {}))[0] == 400
    assert await dossiers(shared_site) == 0


async def test_missing_papers_become_one_complete_notice(site: Site, clerk: Headers) -> None:
    status, _, page = await intake(site, clerk, complete="", paper="2")
    assert status == 400 and "Hồ sơ còn thiếu giấy tờ" in page
    assert 'id="wrong-reason"' in page and 'id="wrong-guidance"' in page
    assert re.search(r'name="paper" value="2" checked', page) and WHO["name"] in page
    fields = {"complete": "", "paper": "2", "reason": "Chưa đủ", "guidance": "Xin tại phường"}
    key = hidden(page, "key")
    answers = [await intake(site, clerk, key=key, **fields) for _ in range(2)]
    assert [answer[:2] for answer in answers] == [(303, "/desk/dossiers?notice=1")] * 2
    _, _, page = await get(site, clerk, "/desk/dossiers?notice=1")
    assert re.search(r'autofocus href="/desk/notices/1/paper"', page)
    paper = (await get(site, clerk, "/desk/notices/1/paper"))[2]
    assert "Tờ khai đăng ký kết hôn" in paper and "Xin tại phường" in paper
    assert await dossiers(site) == 0

    _, _, page = await get(site, clerk, "/desk/dossiers/new?notice=1")
    assert WHO["name"] in page and hidden(page, "notice") == "1" and hidden(page, "procedure") == MARRIAGE
    assert "Giấy xác nhận tình trạng hôn nhân của hai bên" in page
    status, _, page = await intake(site, clerk, notice="1", **fields)
    assert status == 409 and "Chỉ được hướng dẫn bổ sung 1 lần" in page and "Xin tại phường" in page
    del fields["complete"]
    english = {"procedure": MARRIAGE, "notice": "1", **WHO, **fields}
    _, _, page = await post(site, clerk, "/desk/dossiers/new?lang=en", english)
    assert "sent away for missing papers at most once" in page
    code = await registered(site, clerk, notice="1")
    assert code in (await get(site, clerk, "/desk/dossiers/new?notice=1"))[2]
    for unknown in ("2", "x", "9" * 30):
        assert (await get(site, clerk, f"/desk/dossiers/new?notice={unknown}"))[0] == 404
    stranger = await site.sign_in("stranger")
    assert (await get(site, stranger, "/desk/dossiers/new?notice=1"))[0] == 404


async def test_a_group_is_taken_in_like_a_procedure(site: Site, clerk: Headers) -> None:
    _, _, page = await get(site, clerk, f"/desk/dossiers/new?group={GROUP}")
    names = re.findall(r'name="paper" value="\d+"> ([^<]*)</label>', page)
    assert len(names) == len(set(names)) > 4 and hidden(page, "group") == GROUP
    code = await registered(site, clerk, procedure="", group=GROUP)
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}")
    assert page.count("chờ kết quả của hồ sơ trước") == 2 and "hồ sơ này" in page
    group = re.search(r'href="/g/([^"]*)"', page)
    assert group is not None
    status, location, _ = await get(site, clerk, f"/desk/dossiers?q={group[1]}")
    assert (status, location) == (303, f"/desk/dossiers/{code}")
    assert (await get(site, clerk, f"/desk/dossiers/{group[1]}"))[:2] == (303, f"/desk/dossiers/{code}")
    waiting = re.findall(r'<a class="code" href="/desk/dossiers/([^"]*)"', page)
    status, _, page = await act(site, clerk, waiting[0], "accept")
    assert status == 409 and f"khi hồ sơ {code} được giải quyết" in page


async def test_a_visit_and_its_dossiers_stand_together(site: Site, clerk: Headers) -> None:
    token, number = (ticket := await site.ticket())["token"], ticket["number"]
    counter = f"{OFFICE}-1"
    for path in (f"/desk/{counter}/open", f"/desk/{counter}/call-next"):
        assert (await post(site, clerk, path, {"service": "ho-tich"}))[0] == 303
    assert (await post(site, clerk, f"/desk/tickets/{token}/start", {"counter": counter}))[0] == 303
    _, _, page = await get(site, clerk, f"/desk?counter={counter}")
    link = re.search(r'href="(/desk/dossiers/new\?[^"]*)"', page)
    assert link is not None and "accesskey" in page
    _, _, page = await get(site, clerk, unescape(link[1]))
    assert number in page
    _, location, _ = await get(site, clerk, unescape(link[1]) + "&q=ket+hon")
    _, _, page = await get(site, clerk, location)
    assert (hidden(page, "ticket"), hidden(page, "number")) == (token, number)
    code = await registered(site, clerk, ticket=token, number=number)
    _, _, page = await get(site, clerk, f"/desk/dossiers?ticket={token}&number={number}")
    assert code in page and f"Hồ sơ của lượt {number}" in page
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}")
    for next_page in ("/desk/dossiers", "/desk/dossiers/new"):
        assert f'href="{next_page}?ticket={token}"' in page
    _, _, page = await get(site, clerk, "/desk/dossiers?ticket=nonsense&number=%3Cb%3E")
    assert "Hồ sơ của nơi tiếp nhận" in page


# the work list


async def test_a_code_is_found_as_typed_pasted_or_scanned(site: Site, clerk: Headers) -> None:
    for typed in (SHOWN, f" *{SHOWN.lower()}* ", f"http://localhost/d/{SHOWN}", SHOWN.replace("-", "–")):
        status, headers, _ = await site.ask("GET", "/desk/dossiers", params={"q": typed}, headers=clerk)
        assert (status, headers["Location"]) == (303, f"/desk/dossiers/{SHOWN}"), typed
    status, _, page = await get(site, clerk, "/desk/dossiers?q=%3Cabc")
    assert status == 400 and "Đây chưa phải là mã hồ sơ" in page and 'value="&lt;abc"' in page
    status, _, page = await get(site, clerk, "/desk/dossiers?q=H26.99-260921-9999")
    assert status == 404 and "Không có hồ sơ nào mang mã này" in page


async def test_the_lists_follow_what_is_done(site: Site, clerk: Headers) -> None:
    async def listed(which: str) -> tuple[int, bool]:
        _, _, page = await get(site, clerk, f"/desk/dossiers?list={which}")
        count = re.search(rf'list={which}"[^>]*><b>(\d+)</b>', page)
        assert count is not None
        return int(count[1]), code in page

    code = await registered(site, clerk)
    for which, action, fields in (
        ("hand-over", "transfer", {}),
        ("in-work", "request-supplement", {"reason": "Thiếu", "missing": "Giấy A\nGiấy B"}),
        ("supplement", "receive-supplement", {}),
        ("in-work", "complete", {}),
        ("ready", "return", {"originals_returned": "on"}),
    ):
        count, there = await listed(which)
        assert count >= 1 and there, which
        status, location, page = await act(site, clerk, code, action, **fields)
        assert (status, location) == (303, f"/desk/dossiers/{code}?done={action}"), page
    assert await listed("ready") == (0, False)
    online = await registered(site, clerk, channel="online")
    code = online
    assert await listed("new") == (1, True)
    assert (await act(site, clerk, online, "accept"))[0] == 303
    assert await listed("new") == (0, False)
    code = SHOWN
    assert await listed("late") == (2, True)


async def test_a_long_list_has_pages(site: Site, clerk: Headers) -> None:
    async with site.database.connection() as connection:
        await connection.execute(
            """INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel,
                                    status, received_at, due_at)
               SELECT 2026, 'H26.99-261001-' || to_char(n, 'FM0000'), $1, $2, 'H26.99', 'counter', 2, now(),
                      now() + n * interval '1 hour' FROM generate_series(1, 60) AS n""",
            MARRIAGE, OFFICE,
        )  # fmt: skip
    found = []
    for number in (1, 2, 3):
        _, _, page = await get(site, clerk, f"/desk/dossiers?page={number}")
        assert len(page) < 20_000
        found += re.findall(r'<a class="code" href="/desk/dossiers/([^"]*)"', page)
        assert ("Trang trước" in page, "Trang sau" in page) == (number > 1, number < 3)
    assert found == [f"H26.99-261001-{n:04d}" for n in range(1, 61)]
    for wrong in ("page=0", "page=x", "page=99999999999", "list=all"):
        assert (await get(site, clerk, f"/desk/dossiers?{wrong}"))[0] == 400


# one dossier


def test_every_action_has_the_inputs_it_needs() -> None:
    for action in Action:
        assert set(NEEDS.get(action, ())) <= set(INPUTS.get(action, ())), action


async def test_what_the_page_asks_for_is_asked_again(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk)
    await act(site, clerk, code, "transfer")
    for action, fields, wrong in (
        ("request-supplement", {"reason": "Thiếu", "missing": " \n "}, "missing"),
        ("request-supplement", {"missing": "Giấy A"}, "reason"),
        ("request-supplement", {"reason": "x" * 2001, "missing": "Giấy A"}, "reason"),
        ("extend", {"reason": "Đông việc", "appointment_on": "30/02/2027"}, "appointment_on"),
        ("request-payment", {"amount": "một trăm", "purpose": "Thuế"}, "amount"),
        ("request-payment", {"amount": "150.000"}, "purpose"),
        ("request-payment", {"amount": "9" * 5000, "purpose": "Thuế"}, "amount"),
        ("stop", {}, "reason"),
    ):
        status, _, page = await act(site, clerk, code, action, **fields)
        assert status == 400, (action, fields)
        assert f'id="wrong-{action}-{wrong}"' in page
        assert re.search(rf'id="{action}-{wrong}"[^>]*aria-describedby="wrong-{action}-{wrong}"', page)
        assert re.search(r'<details class="do" open><summary>', page)
        assert "Thiếu</textarea>" in page or fields.get("reason") != "Thiếu"
    assert (await rows(site, "SELECT version FROM dossier WHERE code = $1", code))[0]["version"] == 2


async def test_a_broken_rule_is_told_in_the_language_of_the_page(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk)
    await act(site, clerk, code, "transfer")
    page = (await get(site, clerk, f"/desk/dossiers/{code}"))[2]
    fields = {**form_of(page, "extend"), "appointment_on": "2020-01-01", "reason": "Đông việc"}
    _, _, page = await post(site, clerk, f"/desk/dossiers/{code}/extend", fields)
    assert "Ngày hẹn mới phải sau" in page and "Đông việc</textarea>" in page and 'value="2020-01-01"' in page
    status, _, page = await post(site, clerk, f"/desk/dossiers/{code}/extend?lang=en", fields)
    assert status == 409 and "The new date must be later than" in page and 'role="alert"' in page


async def test_a_stale_page_and_a_second_press(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk)
    page = (await get(site, clerk, f"/desk/dossiers/{code}"))[2]
    supplement = {**form_of(page, "request-supplement"), "reason": "Thiếu giấy", "missing": "Giấy A"}
    transfer = form_of(page, "transfer")
    for _ in range(2):
        status, location, _ = await post(site, clerk, f"/desk/dossiers/{code}/transfer", transfer)
        assert (status, location) == (303, f"/desk/dossiers/{code}?done=transfer")
    status, _, page = await post(site, clerk, f"/desk/dossiers/{code}/request-supplement", supplement)
    assert status == 412 and "vừa được người khác cập nhật" in page and "Thiếu giấy</textarea>" in page
    assert form_of(page, "request-supplement")["version"] == "2"
    late = {"key": transfer["key"][::-1], "version": "2"}
    status, _, page = await post(site, clerk, f"/desk/dossiers/{code}/accept", late)
    assert status == 409 and "Không làm được bước này khi hồ sơ ở trạng thái: Đang xử lý." in page
    changed = supplement | {"version": "2"}
    assert (await post(site, clerk, f"/desk/dossiers/{code}/request-supplement", changed))[0] == 303
    status, _, page = await post(
        site, clerk, f"/desk/dossiers/{code}/request-supplement", changed | {"missing": "Giấy B"}
    )
    assert status == 422 and "Giấy B" in page
    assert (await rows(site, "SELECT version FROM dossier WHERE code = $1", code))[0]["version"] == 3


async def test_money_and_originals_before_the_result_is_given_out(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk, original="0")
    await act(site, clerk, code, "transfer")
    assert (await act(site, clerk, code, "request-payment", amount="1.150.000 đ", purpose="Thuế"))[0] == 303
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}")
    assert "Cần nộp: 1.150.000 đồng" in page and 'value="1.150.000"' in page
    assert 'class="transfer"><svg' in page and "0000000099" in page
    assert (await act(site, clerk, code, "receive-payment", amount="5", method="cash"))[0] == 409
    paid = {"amount": "1.150.000", "method": "transfer", "reference": "FT-1"}
    assert (await act(site, clerk, code, "receive-payment", **paid))[0] == 303
    settled = await rows(site, "SELECT reference, method FROM payment WHERE code = $1", code)
    assert settled == [{"reference": "FT-1", "method": "transfer"}]
    assert (await act(site, clerk, code, "request-payment", amount="1150000", purpose="Phí"))[0] == 303
    status, _, page = await act(site, clerk, code, "receive-payment", **paid)
    assert status == 409 and "Mã giao dịch này đã được ghi nhận trước đó." in page
    assert (await act(site, clerk, code, "receive-payment", **(paid | {"method": "cash"})))[0] == 303
    assert (await act(site, clerk, code, "complete"))[0] == 303
    status, _, page = await act(site, clerk, code, "return")
    assert status == 409 and "phải trả cùng kết quả" in page
    assert (await act(site, clerk, code, "return", originals_returned="on"))[0] == 303
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}?done=return")
    assert "đã trả bản chính" in page and "Không còn việc gì phải làm" in page and "mời đánh giá" in page
    assert "Đã có kết quả · Tin nhắn SMS" not in page  # nobody asked for messages
    assert re.search(rf'href="/office/letters/{code}/marriage">[^<]*</a> · <b>chưa gửi</b>', page)
    assert (await get(site, clerk, f"/office/letters/{code}/marriage"))[0] == 200


async def test_a_new_receipt_ends_the_old_one(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk, channels="sms")
    before = (await rows(site, "SELECT token FROM receipt WHERE code = $1", code))[0]["token"]
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}")
    assert "Đã tiếp nhận · Tin nhắn SMS" in page
    key = re.search(r'action="[^"]*/receipt"[^>]*>\s*<input type="hidden" name="key" value="([^"]*)"', page)
    assert key is not None
    for _ in range(2):
        status, location, _ = await post(site, clerk, f"/desk/dossiers/{code}/receipt", {"key": key[1]})
        assert (status, location) == (303, f"/desk/dossiers/{code}?done=receipt")
    receipts = await rows(site, "SELECT token, revoked_at FROM receipt WHERE code = $1", code)
    assert len(receipts) == 2 and {r["token"] for r in receipts if r["revoked_at"]} == {before}
    assert len(await rows(site, "SELECT FROM audit WHERE action = 'reissue-receipt'")) == 1
    missing = code[:-4] + "9999"
    assert (await post(site, clerk, f"/desk/dossiers/{missing}/receipt", {}))[0] == 404


async def test_another_offices_clerk_sees_and_does_nothing(site: Site, clerk: Headers) -> None:
    code, stranger = await registered(site, clerk), await site.sign_in("stranger")
    assert (await get(site, stranger, f"/desk/dossiers/{code}"))[0] == 403
    for path in ("transfer", "receipt"):
        status, _, page = await post(site, stranger, f"/desk/dossiers/{code}/{path}", {"version": "1"})
        assert status == 403 and WHO["name"] not in page
    status, _, page = await post(site, stranger, f"/desk/dossiers/{code}/withdraw", {})
    assert status == 403 and WHO["name"] not in page
    assert code not in (await get(site, stranger, "/desk/dossiers"))[2]
    assert (await rows(site, "SELECT version FROM dossier WHERE code = $1", code))[0]["version"] == 1


async def test_a_dossier_of_another_system_is_only_shown(site: Site, clerk: Headers) -> None:
    code = await registered(site, clerk)
    page = (await get(site, clerk, f"/desk/dossiers/{code}"))[2]
    fields = form_of(page, "transfer")
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET origin = 'dvc' WHERE code = $1", code)
    _, _, page = await get(site, clerk, f"/desk/dossiers/{code}")
    assert "do hệ thống khác quản lý" in page and "/transfer" not in page
    status, _, page = await post(site, clerk, f"/desk/dossiers/{code}/transfer", fields)
    assert status == 409 and "do hệ thống khác quản lý" in page


async def test_addresses_hold_nothing_personal_and_nobody_keeps_the_pages(site: Site, clerk: Headers) -> None:
    status, headers, _ = await site.ask(
        "POST", "/desk/dossiers/new", data={"procedure": MARRIAGE, "complete": "on", **WHO}, headers=clerk
    )
    assert status == 303 and "Nguy" not in headers["Location"] and "090" not in headers["Location"]
    status, headers, _ = await site.ask("GET", headers["Location"], headers=clerk)
    assert (status, headers["Cache-Control"]) == (200, "no-store")


async def test_whoever_is_not_signed_in_is_led_to_the_sign_in(site: Site) -> None:
    for path in ("/desk/dossiers", "/desk/dossiers/new", f"/desk/dossiers/{SHOWN}"):
        status, _, page = await get(site, {}, path)
        assert status == 401 and 'href="/desk"' in page and "Đăng nhập" in page
    assert (await get(site, await site.sign_in("planner"), "/desk/dossiers"))[0] == 403
    clerk = await site.sign_in("clerk")
    assert (await get(site, clerk, "/desk/dossiers/H26.99-260921-9999"))[0] == 404
    assert (await get(site, clerk, "/desk/dossiers/abc"))[0] == 400
