"""The catalogue of procedures from the file to the reader: directory, pages in both languages, JSON."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

from kit.database import Database
from office import catalogue
from office.directory import Directory
from office.model import Agency, GroupPart, ProcedureLimit, RequiredPaper
from office.pages import PER_PAGE

if TYPE_CHECKING:
    from tests.integration.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
COPY, BIRTH, LAND = "2.000815", "1.001193", "1.013978"


@pytest.fixture
async def directory(database: Database) -> Directory:
    """A directory on a database with the demo offices alone."""
    with resources.as_file(resources.files("service.demo").joinpath("offices.toml")) as demo:
        async with database.transaction() as connection:
            await catalogue.write(connection, catalogue.read(demo))
    return Directory(database)


@pytest.mark.asyncio(loop_scope="function")
async def test_what_was_imported_is_what_the_directory_says(directory: Directory) -> None:
    procedures = {one.code: one for one in (await directory.detail("tay-ho")).procedures}
    birth, land = procedures[BIRTH], procedures[LAND]
    assert (birth.letter, birth.four_steps, birth.agency, birth.fee) == ("birth", True, "H26.18", 0)
    assert birth.papers[1] == RequiredPaper("Giấy chứng sinh", "Birth certificate of the hospital", True)
    assert (land.agency, land.time_limit, land.fee) == ("H26.11", "20d", 100_000)
    assert land.limits == (
        ProcedureLimit(date(2024, 8, 1), "23d", 100_000),
        ProcedureLimit(date(2025, 7, 1), "20d", 100_000),
    )
    assert [land.limit_on(date.fromisoformat(day)) for day in ("2024-07-31", "2024-08-01", "2025-06-30")] == [
        None, land.limits[0], land.limits[0],
    ]  # fmt: skip
    assert land.limit_on(date(2025, 7, 1)) == land.limits[1]


@pytest.mark.asyncio(loop_scope="function")
async def test_the_first_agency_of_the_file_decides_what_no_other_does(directory: Directory) -> None:
    procedures = {one.code: one.agency for one in (await directory.detail("go-vap")).procedures}
    assert (procedures[BIRTH], procedures[LAND]) == ("H29.76", "H29.11")


@pytest.mark.asyncio(loop_scope="function")
async def test_agencies_and_groups(directory: Directory) -> None:
    agencies, groups = await directory.agencies(), await directory.group_kinds()
    assert agencies["H26.11"] == Agency("H26.11", "Văn phòng Đăng ký đất đai Hà Nội", "Ha Noi Land Registration Office")
    assert groups["khai-sinh"].parts == (
        GroupPart(BIRTH, ()), GroupPart("1.004222", (0,)), GroupPart("1.013964", (0,)),
    )  # fmt: skip
    assert set(groups) == {"khai-sinh", "khai-tu"}
    for group in groups.values():  # can be handed in whole
        for office in ("tay-ho", "demo-24h"):
            offered = {one.code for one in (await directory.detail(office)).procedures}
            assert offered >= {part.procedure for part in group.parts}


@pytest.mark.asyncio(loop_scope="function")
async def test_rules_come_from_above_and_from_their_day(directory: Directory) -> None:
    policies = (await directory.detail("tay-ho")).policies
    days = [policies.on(date(year, 12, 31)).get("feedback_answer_days") for year in (2025, 2026, 2027)]
    assert days == [None, 7, 5]
    assert policies.on(date(2026, 12, 31))["bank_bin"] == "999999"
    assert (await directory.detail("demo-24h")).policies.on(date(2027, 1, 1)).keys() == {
        "bank_bin", "bank_account", "bank_account_name",
    }  # fmt: skip


@pytest.mark.asyncio(loop_scope="function")
async def test_a_ring_of_parents_ends(directory: Directory, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("UPDATE office SET parent_id = 'tay-ho' WHERE id = 'ha-noi-centre'")
    assert len((await directory.detail("tay-ho")).policies.line) == 10


@pytest.mark.asyncio(loop_scope="function")
async def test_an_agency_that_comes_with_a_later_import_is_named(directory: Directory, database: Database) -> None:
    await directory.agencies()
    async with database.connection() as connection:
        await connection.execute("INSERT INTO agency VALUES ('H26.77', 'Mới', 'New')")
        await connection.execute("UPDATE service_procedure SET agency_code = 'H26.77' WHERE office_id = 'phu-thuong'")
    deciding = await directory.deciding((await directory.detail("phu-thuong")).procedures)
    assert deciding == {"H26.77": Agency("H26.77", "Mới", "New")}


@pytest.mark.asyncio(loop_scope="function")
async def test_the_limit_of_today_is_in_force(directory: Directory, database: Database) -> None:
    tomorrow = date.today() + timedelta(days=2)  # noqa: DTZ011 - wherever today ends, that is later
    async with database.connection() as connection:
        await connection.execute("INSERT INTO procedure_limit VALUES ($1, $2, '9d', 5)", BIRTH, tomorrow)
    (birth,) = (one for one in (await directory.detail("tay-ho")).procedures if one.code == BIRTH)
    assert (birth.time_limit, birth.fee) == ("0d", 0)
    assert birth.limit_on(tomorrow) == ProcedureLimit(tomorrow, "9d", 5)


async def codes(site: Site, words: str, office: str = "tay-ho") -> list[str]:
    status, _, found = await site.ask("GET", f"/api/v1/offices/{office}/procedures", params={"q": words})
    assert status == 200, found
    return [one["code"] for one in found["procedures"]]


async def test_the_api_says_what_the_notice_says(shared_site: Site) -> None:
    status, headers, found = await shared_site.ask("GET", "/api/v1/offices/tay-ho/procedures?q=2.000815")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert found == {
        "office": "tay-ho",
        "procedures": [
            {
                "code": COPY,
                "name": "Chứng thực bản sao từ bản chính",
                "name_en": "Certified copy of an original",
                "field": "Chứng thực",
                "field_en": "Certification",
                "time_limit": "0d",
                "fee": 2000,
                "papers": [
                    {"name": "Bản chính giấy tờ, văn bản", "name_en": "The original", "original": True},
                    {"name": "Bản sao cần chứng thực", "name_en": "The copy to be certified", "original": False},
                ],
                "four_steps": True,
                "agency": {"code": "H26.18", "name": "Ủy ban nhân dân phường Tây Hồ"},
            }
        ],
    }


@pytest.mark.parametrize(
    "words",
    [
        "dang ky khai sinh",
        "ĐĂNG KÝ KHAI SINH",
        "Đăng ký khai sinh",
        "sinh khai",
        "1.001193",
        "001193",
        "birth registration",
    ],
)
async def test_looking_for_birth_registration_finds_it(shared_site: Site, words: str) -> None:
    found = await codes(shared_site, words)
    assert BIRTH in found
    assert COPY not in found


async def test_every_word_must_match(shared_site: Site) -> None:
    everything = await codes(shared_site, "")
    assert len(everything) == len(set(everything)) > 2 * PER_PAGE
    assert await codes(shared_site, "khai sinh chung thuc") == []
    fields = await codes(shared_site, "dat dai")
    assert LAND in fields
    assert len(fields) < len(everything)


@pytest.mark.parametrize("query", ["q=" + "x" * 101, "q=%00", "q=a%0Ab", "q=%ED%A0%80%07"])
async def test_what_cannot_be_looked_for(shared_site: Site, query: str) -> None:
    status, _, problem = await shared_site.ask("GET", f"/api/v1/offices/tay-ho/procedures?{query}")
    assert (status, problem["errors"][0]["field"]) == (400, "q")
    assert (await shared_site.ask("GET", f"/procedures/tay-ho?{query}"))[0] == 400


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "12345", "٣", "1.0"])
async def test_a_page_that_is_no_number(shared_site: Site, page: str) -> None:
    assert (await shared_site.ask("GET", "/procedures/tay-ho", params={"page": page}))[0] == 400


async def test_an_office_that_is_not_there(shared_site: Site) -> None:
    for path in ("/api/v1/offices/nowhere/procedures", "/procedures/nowhere"):
        assert (await shared_site.ask("GET", path))[0] == 404


async def page(site: Site, path: str) -> str:
    status, headers, text = await site.ask("GET", path)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", text)))


async def test_the_page_of_a_procedure_in_both_languages(shared_site: Site) -> None:
    text = await page(shared_site, "/procedures/tay-ho?q=cap+giay+chung+nhan+lan+dau")
    for words in (
        "Đất đai", "Đăng ký đất đai, cấp Giấy chứng nhận lần đầu", "1.013978", "20 ngày làm việc", "100.000 đồng",
        "Nộp tại quầy: Đất đai, xây dựng", "Nơi giải quyết: Văn phòng Đăng ký đất đai Hà Nội", "4 loại giấy tờ",
        "Đơn đăng ký đất đai (bản chính)", "Mảnh trích đo bản đồ địa chính, nếu có (bản sao)", "1 thủ tục",
    ):  # fmt: skip
        assert words in text, words
    text = await page(shared_site, "/procedures/tay-ho?q=first+land&lang=en")
    for words in (
        "First land registration and certificate",
        "100,000",
        "Ha Noi Land Registration Office",
        "Land and con",
    ):
        assert words in text, words


async def test_what_is_free_says_so(shared_site: Site) -> None:
    text = await page(shared_site, "/procedures/tay-ho?q=1.001193")
    assert "Lệ phí: miễn phí" in text
    assert "Thời hạn: trong ngày, làm xong tại chỗ" in text


async def test_nothing_found_says_so_and_repeats_what_was_typed_as_text(shared_site: Site) -> None:
    assert "Không có thủ tục nào khớp với “khong co”." in await page(shared_site, "/procedures/tay-ho?q=khong+co")
    _, _, text = await shared_site.ask("GET", "/procedures/tay-ho", params={"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


async def test_the_pages_together_show_every_procedure_once(shared_site: Site) -> None:
    seen: list[str] = []
    path: Any = "?q=d"
    while path:
        _, _, text = await shared_site.ask("GET", f"/procedures/tay-ho{path}")
        seen += re.findall(r'class="code">([^<]+)<', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        path = unescape(following[1]) if following else None
    assert seen == await codes(shared_site, "d")
    assert len(seen) > PER_PAGE
    _, _, last = await shared_site.ask("GET", "/procedures/tay-ho?q=d&page=9999")
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last


async def test_the_way_there(shared_site: Site) -> None:
    for path, link in (
        ("/", "/procedures"), ("/?lang=en", "/procedures?lang=en"),
        ("/o/tay-ho", "/procedures/tay-ho"), ("/procedures", "/procedures/tay-ho"),
    ):  # fmt: skip
        assert f'href="{link}"' in (await shared_site.ask("GET", path))[2], path
    offices = (await shared_site.ask("GET", "/procedures"))[2]
    assert "/procedures/tay-ho-district" not in offices


async def test_an_office_of_the_past_leads_to_those_that_took_its_place(shared_site: Site) -> None:
    for path in ("/procedures/tay-ho-district", "/o/tay-ho-district"):
        text = (await shared_site.ask("GET", path))[2]
        assert "Nơi này không còn hoạt động" in text
        assert path.replace("tay-ho-district", "phu-thuong") in text
    detail = await Directory(shared_site.database).detail("tay-ho-district")
    assert detail.office.replaced_by == ("tay-ho", "phu-thuong")
    assert not detail.office.exists_on(date(2025, 7, 1))


OLD = """
INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status, received_at,
                     finished_at)
VALUES (2024, '000.00.18.H26-240105-0001', '1.001193', 'tay-ho-district', '000.00.18.H26', 'counter', 9,
        '2024-01-05T08:00:00+07:00', '2024-01-05T09:00:00+07:00')
"""


async def test_a_code_of_an_office_of_the_past_still_answers(shared_site: Site) -> None:
    async with shared_site.database.connection() as connection:
        await connection.execute(OLD)
    status, _, found = await shared_site.ask("GET", "/api/v1/dossiers/000.00.18.H26-240105-0001")
    assert (status, found["receiving_office"]["id"]) == (200, "tay-ho-district")
    assert found["competent_agency"]["name"] == "Ủy ban nhân dân quận Tây Hồ"
    assert "quận Tây Hồ" in (await shared_site.ask("GET", "/d/000.00.18.H26-240105-0001"))[2]
