"""A result that goes by post: the clerk keeps the parcel's number, and the applicant sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import Site
from tests.integration.test_desk_dossiers import act, get, post, registered, rows

Headers = dict[str, str]
TO = {"recipient": "Trần Thị Xa", "post_address": "2 Đường Hai", "post_phone": "0912345678"}
KEPT = "SELECT tracking_number, sent_at FROM result_post WHERE code = $1"
AUDIT = "SELECT staff_id, office_id, subject, request_id FROM audit WHERE action = 'post-sent' ORDER BY at"


@pytest.fixture
async def clerk(site: Site) -> Headers:
    return await site.sign_in("clerk")


async def completed(site: Site, clerk: Headers, **more: Any) -> str:
    code = await registered(site, clerk, **more)
    for action in ("transfer", "complete"):
        assert (await act(site, clerk, code, action))[0] == 303
    return code


async def test_what_the_clerk_enters_is_what_the_applicant_sees(site: Site, clerk: Headers) -> None:
    code = await completed(site, clerk, **TO)
    here = f"/desk/dossiers/{code}"
    page = (await get(site, clerk, here))[2]
    assert all(said in page for said in TO.values()) and f'action="{here}/post"' in page
    assert '<details class="do" open><summary>Đã gửi qua bưu điện' in page
    token = (await rows(site, "SELECT token FROM receipt WHERE code = $1", code))[0]["token"]
    assert "qua bưu điện" not in (await site.ask("GET", f"/r/{token}"))[2]

    assert (await post(site, clerk, f"{here}/post", {"tracking_number": " ea 123456789 vn"}))[:2] == (
        303,
        f"{here}?done=post",
    )
    (kept,) = await rows(site, KEPT, code)
    assert kept["tracking_number"] == "EA123456789VN" and kept["sent_at"] is not None
    seen = (await site.ask("GET", f"/r/{token}"))[2]
    assert "EA123456789VN" in seen and "Kết quả đã gửi qua bưu điện" in seen
    assert (await site.ask("GET", f"/api/v1/receipts/{token}"))[2]["post"] == {"tracking_number": "EA123456789VN"}
    page = (await get(site, clerk, f"{here}?done=post"))[2]
    assert "Đã ghi nhận mã bưu gửi" in page and "Sửa mã bưu gửi" in page and 'value="EA123456789VN"' in page

    assert (await post(site, clerk, f"{here}/post", {"tracking_number": "EA123456789VN"}))[0] == 303
    assert await rows(site, KEPT, code) == [kept]
    assert len(await rows(site, AUDIT)) == 1
    assert (await post(site, clerk, f"{here}/post", {"tracking_number": "EB987654321VN"}))[0] == 303
    assert await rows(site, KEPT, code) == [{**kept, "tracking_number": "EB987654321VN"}]
    audit = await rows(site, AUDIT)
    assert len(audit) == 2 and all(row["staff_id"] and row["request_id"] for row in audit)
    assert {(row["office_id"], row["subject"]) for row in audit} == {("demo-24h", f"dossier:{code}")}
    seen = (await site.ask("GET", f"/r/{token}?lang=en"))[2]
    assert "EB987654321VN" in seen and "EA123456789VN" not in seen


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("", "Cần điền mục này."),
        ("EA12", "Mã bưu gửi gồm 5 đến 30 chữ cái và chữ số"),
        ("A" * 31, "Mã bưu gửi gồm"),
        ("EA-123456", "Mã bưu gửi gồm"),
        ("ĐA123456", "Mã bưu gửi gồm"),
        ("EA١٢٣٤٥٦", "Mã bưu gửi gồm"),
        ("<b>EA123", "Mã bưu gửi gồm"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_number_is_named_and_stays(shared_site: Site, number: str, sentence: str) -> None:
    clerk = await shared_site.sign_in("clerk")
    code = await completed(shared_site, clerk, **TO)
    status, _, page = await post(shared_site, clerk, f"/desk/dossiers/{code}/post", {"tracking_number": number})
    assert status == 400
    assert f'<p id="wrong-tracking_number" class="wrong">{sentence}' in page
    assert 'aria-invalid="true" autofocus' in page and "<b>EA" not in page
    assert f'value="{number.replace("<b>", "&lt;b&gt;")}"' in page
    assert await rows(shared_site, KEPT, code) == [{"tracking_number": None, "sent_at": None}]


async def test_only_a_result_that_is_there_and_goes_by_post(site: Site, clerk: Headers) -> None:
    number = {"tracking_number": "EA123456789VN"}
    fetched, early = await completed(site, clerk), await registered(site, clerk, **TO)
    status, _, page = await post(site, clerk, f"/desk/dossiers/{fetched}/post", number)
    assert status == 409 and "không đăng ký nhận kết quả của hồ sơ này qua bưu điện" in page
    status, _, page = await post(site, clerk, f"/desk/dossiers/{early}/post", number)
    assert status == 409 and "Không làm được bước này khi hồ sơ ở trạng thái" in page
    page = (await get(site, clerk, f"/desk/dossiers/{early}"))[2]
    assert "2 Đường Hai" in page and "/post" not in page
    stranger = await site.sign_in("stranger")
    assert (await post(site, stranger, f"/desk/dossiers/{early}/post", number))[0] == 403
    assert (await post(site, clerk, "/desk/dossiers/H26.99-260101-9999/post", number))[0] == 404
    assert await rows(site, KEPT, early) == [{"tracking_number": None, "sent_at": None}]
    assert await rows(site, AUDIT) == []
