"""The printed forms as pages: who may see which, what stands on them, and what never does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from tests.paper_cases import (
    AGENCY_CLERK,
    APPLICANT,
    BACK,
    BARE,
    BEFORE,
    BEFORE_TAKEN,
    CLERK,
    CLERK_BEFORE,
    DECLINED,
    EXTENDED,
    HERE,
    LATE,
    PIN,
    REASON,
    REFUSED,
    STOPPED,
    TAKEN,
    TOKEN,
    WAITING,
    fill,
)

if TYPE_CHECKING:
    from tests.integration.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
Headers = dict[str, str]
ALONE = pytest.mark.asyncio(loop_scope="function")
"""Tests that change what others look at, with a site of their own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def notice(shared_site: Site) -> int:
    """The sample dossiers; the number of their notice."""
    async with shared_site.database.transaction() as connection:
        return await fill(connection)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(shared_site: Site, notice: int) -> Headers:
    """What the clerk of the office with the forms of 2025 sends."""
    return await shared_site.sign_in(CLERK)


async def paper(site: Site, headers: Headers, code: str, form: str, query: str = "") -> str:
    status, answered, text = await site.ask("GET", f"/desk/dossiers/{code}/paper/{form}{query}", headers=headers)
    assert status == 200, text
    assert answered["Cache-Control"] == "no-store"
    assert "style=" not in text
    return plain(text)


def plain(page: str) -> str:
    """The page's text with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def test_the_receipt_says_what_was_taken_in_and_promised(shared_site: Site, clerk: Headers) -> None:
    text = await paper(shared_site, clerk, TAKEN, "receipt")
    for said in (
        TAKEN,
        APPLICANT,
        PIN,
        "08 giờ 30 phút, ngày 21 tháng 9 năm 2026",
        "Ngày hẹn trả kết quả: ngày 24 tháng 9 năm 2026",
        "3 ngày làm việc",
        "Giấy khai sinh (bản chính)",
        "8.000 đồng (đã nộp ngày 21/09/2026)",
        "158.000 đồng (chưa nộp)",
        "STK 0011001932418",
        "Cơ quan có thẩm quyền giải quyết: Ủy ban nhân dân phường Tây Hồ",
        "Mẫu số 01",
    ):
        assert said in text, said
    assert "(theo mẫu) (bản chính)" not in text


@ALONE
async def test_a_printed_again_receipt_has_the_token_in_force(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill(connection)
    async with site.database.connection() as connection:
        await connection.execute("UPDATE receipt SET revoked_at = now() WHERE token = $1", TOKEN)
        await connection.execute(
            "INSERT INTO receipt (token, code_year, code, pin) VALUES ($1, 2026, $2, '111222')", "n" * 22, TAKEN
        )
    text = await paper(site, await site.sign_in(CLERK), TAKEN, "receipt")
    assert "111222" in text
    assert PIN not in text


async def test_without_a_token_the_receipt_says_so(shared_site: Site, clerk: Headers) -> None:
    text = await paper(shared_site, clerk, BARE, "receipt")
    assert "Hồ sơ chưa có mã tra cứu" in text
    assert "mã PIN" not in text.partition("Mẫu số")[2]


@ALONE
async def test_a_paid_dossier_and_an_account_that_cannot_be_show_no_vietqr(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill(connection)
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET amount_due = 0 WHERE code = $1", TAKEN)
    assert "VietQR" not in await paper(site, await site.sign_in(CLERK), TAKEN, "receipt")
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET amount_due = 5 WHERE code = $1", BEFORE_TAKEN)
        await connection.execute(
            """UPDATE office SET policy = policy || '{"bank_bin": "970436", "bank_account": "no account"}'
                WHERE id = 'giay-to-2018'"""
        )
    text = await paper(site, await site.sign_in(CLERK_BEFORE), BEFORE_TAKEN, "receipt")
    assert "VietQR" not in text
    assert "Phí, lệ phí phải nộp: 5 đồng" in text


@pytest.mark.parametrize(
    ("code", "form", "number", "said"),
    [
        (WAITING, "supplement-request", "02", ("Giấy xác nhận tình trạng hôn nhân", REASON, "Xin cấp lại")),
        (DECLINED, "refusal", "03", (REASON, "không tiếp nhận, giải quyết")),
        (REFUSED, "refusal", "03", (REASON, "không giải quyết hồ sơ này", "ngày 22 tháng 9 năm 2026")),
        (EXTENDED, "extension", "04", (REASON, "ngày 24 tháng 9 năm 2026", "ngày 29 tháng 9 năm 2026", "xin lỗi")),
        (LATE, "apology", "04", ("Hồ sơ cần xác minh thêm", "ngày 24 tháng 9 năm 2026", "xin lỗi")),
        (STOPPED, "stop-notice", "05", (REASON, "dừng giải quyết")),
        (BACK, "control-slip", "06", ("Trước hạn", "Trả kết quả", "17:00 24/09/2026", "08:35 21/09/2026", CLERK)),
    ],
)
async def test_what_the_other_forms_say(
    shared_site: Site, clerk: Headers, code: str, form: str, number: str, said: tuple[str, ...]
) -> None:
    text = await paper(shared_site, clerk, code, form)
    for part in (*said, f"Mẫu số {number}", APPLICANT, code):
        assert part in text, part


async def test_a_form_that_there_is_not_is_not_found_and_says_which_there_are(
    shared_site: Site, clerk: Headers
) -> None:
    for form in ("refusal", "register", "nonsense"):
        path = f"/desk/dossiers/{TAKEN}/paper/{form}?lang=en"
        status, _, text = await shared_site.ask("GET", path, headers=clerk)
        assert status == 404
        assert "No such paper" in text
        assert APPLICANT not in text
    status, _, _ = await shared_site.ask("GET", f"/desk/dossiers/{HERE}/paper/receipt", headers=clerk)
    assert status == 400
    status, _, _ = await shared_site.ask("GET", "/desk/dossiers/H26.77-260921-9999/paper/receipt", headers=clerk)
    assert status == 404


async def test_the_receiving_office_and_the_agency_see_it_and_nobody_else(shared_site: Site, clerk: Headers) -> None:
    path = f"/desk/dossiers/{TAKEN}/paper/receipt"
    assert (await shared_site.ask("GET", path, headers=clerk))[0] == 200
    assert (await shared_site.ask("GET", path, headers=await shared_site.sign_in(AGENCY_CLERK)))[0] == 200
    for name, expected in (("stranger", 403), ("clerk", 403), (CLERK_BEFORE, 403), ("planner", 403)):
        status, _, text = await shared_site.ask("GET", path, headers=await shared_site.sign_in(name))
        assert status == expected, name
        assert APPLICANT not in text
    assert (await shared_site.ask("GET", path))[0] == 401


async def test_the_form_set_is_that_of_the_day_of_the_paper(shared_site: Site, notice: int) -> None:
    before = await shared_site.sign_in(CLERK_BEFORE)
    text = await paper(shared_site, before, BEFORE_TAKEN, "receipt")
    assert "Cơ quan có thẩm quyền giải quyết" not in text
    assert "Ủy ban nhân dân phường Tây Hồ Bộ phận tiếp nhận và trả kết quả" in text  # the agency over its office
    assert "Mẫu số 05" in await paper(shared_site, before, BEFORE_TAKEN, "control-slip")
    assert "Mẫu số 06" in plain((await shared_site.ask("GET", "/desk/register", headers=before))[2])


@ALONE
async def test_a_later_form_set_leaves_the_papers_of_earlier_days_alone(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill(connection)
    async with site.database.connection() as connection:
        await connection.execute(
            """INSERT INTO office_policy (office_id, valid_from, rules) VALUES ($1, '2026-10-01', $2)""",
            BEFORE,
            {"form_set": "2025"},
        )
    before = await site.sign_in(CLERK_BEFORE)
    assert "Cơ quan có thẩm quyền" not in await paper(site, before, BEFORE_TAKEN, "receipt")
    assert "Mẫu số 06" in await paper(site, before, BEFORE_TAKEN, "control-slip")  # printed today


async def test_the_notice_is_the_supplement_requests_twin(shared_site: Site, clerk: Headers, notice: int) -> None:
    status, _, page = await shared_site.ask("GET", f"/desk/notices/{notice}/paper", headers=clerk)
    assert status == 200
    for said in (f"Số: {notice}", APPLICANT, REASON, "Giấy khai sinh (bản chính)", "Mẫu số 02", CLERK):
        assert said in plain(page), said
    assert (await shared_site.ask("GET", f"/desk/notices/{notice}/paper", headers=await shared_site.sign_in("clerk")))[
        0
    ] == 403
    assert (await shared_site.ask("GET", "/desk/notices/999999999999999999/paper", headers=clerk))[0] == 404
    assert (await shared_site.ask("GET", "/desk/notices/1x/paper", headers=clerk))[0] == 404


async def test_the_register_lists_the_offices_own_dossiers_of_the_period(shared_site: Site, clerk: Headers) -> None:
    async with shared_site.database.connection() as connection:
        await connection.execute(
            "INSERT INTO result_post (code_year, code, recipient, address) VALUES (2026, $1, 'a', 'b')", BACK
        )
    status, _, page = await shared_site.ask("GET", "/desk/register?from=2026-09-21&to=2026-09-21", headers=clerk)
    text = plain(page)
    assert status == 200
    assert re.findall(r"H26\.77-\d{6}-\d{4}", text) == [
        TAKEN, BARE, WAITING, DECLINED, REFUSED, EXTENDED, LATE, STOPPED, BACK
    ]  # fmt: skip
    assert "9 hồ sơ" in text
    assert "Đang xử lý (quá hạn)" in text
    assert text.count("Trả qua bưu chính") == 1
    for period in ("from=2026-09-20&to=2026-09-20", "from=2026-09-22&to=2027-09-21"):
        empty = plain((await shared_site.ask("GET", f"/desk/register?{period}", headers=clerk))[2])
        assert "Không có hồ sơ." in empty
        assert TAKEN not in empty


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ("from=2026-09-31", "from"),
        ("from=yesterday", "from"),
        ("to=1999-01-01", "to"),
        ("from=2026-09-02&to=2026-09-01", "to"),
        ("from=2025-01-01&to=2026-01-02", "to"),
    ],
)
async def test_a_period_that_cannot_be_is_named(shared_site: Site, clerk: Headers, period: str, field: str) -> None:
    status, _, page = await shared_site.ask("GET", f"/desk/register?{period}", headers=clerk)
    assert status == 400
    assert field in page


async def test_a_register_that_is_too_long_says_that_it_is_cut(shared_site: Site, clerk: Headers) -> None:
    async with shared_site.database.connection() as connection:
        await connection.execute(
            """INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel,
                                    status, received_at)
               SELECT 2025, 'H26.77-251006-' || to_char(n, 'FM0000'), '9.900001', 'giay-to', 'H26.77', 'counter', 4,
                      '2025-10-06 09:00+07' FROM generate_series(1, 5001) AS n"""
        )
    text = plain((await shared_site.ask("GET", "/desk/register?from=2025-10-01&to=2025-10-31", headers=clerk))[2])
    assert "Sổ chỉ in 5000 hồ sơ đầu tiên" in text
    assert "H26.77-251006-5000" in text
    assert "H26.77-251006-5001" not in text


async def test_a_host_that_cannot_be_one_never_gets_into_a_qr_code(shared_site: Site, clerk: Headers) -> None:
    path = f"/desk/dossiers/{TAKEN}/paper/receipt"
    assert (await shared_site.ask("GET", path, headers={**clerk, "Host": "evil.example/path"}))[0] == 400


async def test_the_register_is_read_by_an_index(shared_site: Site, notice: int) -> None:
    connection = await asyncpg.connect(shared_site.database_url)
    try:
        await connection.execute(
            """INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel,
                                    status, received_at)
               SELECT 2025, 'H26.77-250106-' || to_char(n, 'FM00000'), '9.900001',
                      CASE n % 50 WHEN 0 THEN 'giay-to' ELSE 'giay-to-2018' END, 'H26.77', 'counter', 4,
                      '2025-01-06 09:00+07'::timestamptz + n * interval '20 minutes'
                 FROM generate_series(1, 20000) AS n"""
        )
        await connection.execute("ANALYZE")
        from kit import sql

        query = sql.load("tracking.paper").paper_register
        values = {"office_id": "giay-to", "most": 5001}
        values |= {"first": "2025-03-01", "past": "2025-04-01"}
        text = query.text
        for place, name in enumerate(query.parameters, 1):
            value = values[name]
            text = text.replace(f"${place}", f"'{value}'" if isinstance(value, str) else str(value))
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {text}"))
    finally:
        await connection.close()
    assert "Seq Scan on dossier_2025" not in plan, plan
    assert "receiving_office" in plan
