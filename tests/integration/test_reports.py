"""Reports against PostgreSQL: the demo year, both readings, the lists behind the figures, files, plans."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import openpyxl
import pytest
import pytest_asyncio

from kit import sql
from kit.database import Database, Deadlines
from kit.sessions import Passwords, Role, put_staff
from tests.integration.conftest import OFFICE, PASSWORD, Site
from tests.integration.test_openapi import check
from tests.integration.test_queries import scans
from tracking.exchange.imports import import_file
from tracking.reports.supervision import RESULTS

if TYPE_CHECKING:
    from kit.database import Connection

API = "/api/v1/offices/{office}/reports"
QUARTERS = ("2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2")
QUERIES = {query.name: query for query in sql.load("tracking.reports")}
FILLED = {"dossier_2024", "dossier_2025", "dossier_2026"}
"""The partitions that hold data; an empty one is read as it is."""
Bearer = dict[str, str]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def year(shared_site: Site) -> AsyncIterator[Site]:
    """A site with the demo dossiers, and staff at the office of the demo year and above it."""
    hashed = Passwords().hash(PASSWORD)
    database = await Database.connect(shared_site.database_url, size=1, deadlines=Deadlines(acquire=5, command=60))
    async with database.transaction() as connection:
        for name, role, office in (
            ("boss", Role.SUPERVISOR, "tay-ho"),
            ("plans", Role.PLANNER, "tay-ho"),
            ("city", Role.SUPERVISOR, "ha-noi-centre"),
        ):
            await put_staff(connection, name=name, role=role, office=office, password_hash=hashed)
    async with database.connection() as connection:
        with resources.as_file(resources.files("service.demo").joinpath("dossiers.csv")) as file:
            outcome = await import_file(connection, file, skip_bad=False)
        assert outcome.added > 2_599, outcome
    await database.close()
    yield shared_site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def boss(year: Site) -> Bearer:
    return await year.sign_in("boss")


async def report(site: Site, bearer: Bearer, query: str, office: str = "tay-ho") -> Any:
    status, headers, body = await site.ask("GET", API.format(office=office) + "?" + query, headers=bearer)
    assert status == 200, body
    check("GET", API.replace("{office}", "{office_id}"), status, headers["Content-Type"], body)
    return body


def value(body: Any, figure: str, figures: str = "figures") -> Any:
    return body[figures][figure]["value"]


async def test_the_demo_year_is_84_57_percent(year: Site, boss: Bearer) -> None:
    quarters = [await report(year, boss, f"period={quarter}") for quarter in QUARTERS]
    received = sum(value(quarter, "received") for quarter in quarters)
    in_time = sum(value(quarter, "before") + value(quarter, "on") for quarter in quarters)
    judged = sum(quarter["figures"]["on_time_percent"]["n"] for quarter in quarters)
    assert (received, in_time, judged) == (2_599, 2_198, 2_599)
    whole = await report(year, boss, "period=2025-07..2026-06")
    assert (value(whole, "on_time_percent"), round(in_time * 100 / judged, 2)) == (84.57, 84.57)
    assert whole["figures"]["on_time_percent"]["n"] == 2_599
    _, _, page = await year.ask("GET", "/office/reports?period=2025-07..2026-06", headers=boss)
    assert "84,57\u00a0%" in page


async def test_the_tables_of_a_year_add_up(year: Site, boss: Bearer) -> None:
    body = await report(year, boss, "period=2025")
    assert len(body["by_month"]) == 12
    assert [line["key"] for line in body["by_quarter"]] == ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]
    for table in ("month", "quarter", "field", "procedure", "office"):
        for figure in ("received", "finished", "before", "on", "late", "overdue", "waiting"):
            total = sum(line["figures"][figure]["value"] for line in body[f"by_{table}"])
            assert total == value(body, figure), (table, figure)
    shares = [value(body, f"channel_{channel}_percent") for channel in ("counter", "online", "post")]
    assert abs(sum(shares) - 100) < 0.02
    assert value(body, "received") > 1_000
    assert body["figures"]["on_time_percent"]["definition_en"].startswith("(Before + on time)")
    assert value(body, "mean_working_hours") > 0
    assert value(body, "p90_working_hours") > value(body, "mean_working_hours")


async def test_the_other_way_of_counting_by_hand(year: Site) -> None:
    """Ten dossiers of one day in 2024, each of another kind."""
    database = await Database.connect(year.database_url, size=1, deadlines=Deadlines(acquire=5, command=60))
    columns = "status, due, finished, supplements, stopped_minutes, processing_minutes, time_limit, clock_stopped_at"
    rows = [
        "10, '06-05 17:00', '06-04 16:00', 0, 0, 480, '3d', NULL",  # before
        "10, '06-05 17:00', '06-05 17:00', 1, 600, 1920, '3d', NULL",  # on; 4 × 480 minutes are within 3 days
        "10, '06-05 17:00', '06-05 09:00', 1, 600, 1921, '3d', NULL",  # on; a minute more: late by the index
        "10, '06-05 17:00', '06-05 09:00', 1, 0, 241, '4h', NULL",  # on; late by the index
        "10, '06-05 17:00', '06-04 23:59', 2, 60, 60, '3d', NULL",  # before; second supplement: late by the index
        "10, '06-05 17:00', '06-05 17:01', 0, 0, 1000, '3d', NULL",  # late
        "5, '06-05 17:00', NULL, 1, 0, NULL, '3d', '2024-06-04 09:00+07'",  # waiting
        "5, '06-05 17:00', NULL, 2, 0, NULL, '3d', NULL",  # waiting; overdue by the index
        "5, '06-05 17:00', NULL, 1, 0, NULL, '3d', '2024-06-06 09:00+07'",  # was overdue when the clock stopped
        "4, '06-05 17:00', NULL, 0, 0, NULL, '3d', NULL",  # overdue
        "3, NULL, NULL, 0, 0, NULL, NULL, NULL",
        "8, '06-05 17:00', NULL, 0, 0, NULL, '3d', NULL",
        "4, NULL, NULL, 0, 0, NULL, NULL, NULL",  # no due date
    ]
    async with database.connection() as connection:
        await connection.execute(f"""
            INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel,
                                 received_at, status, due_at, finished_at, supplements, stopped_minutes,
                                 processing_minutes, time_limit, clock_stopped_at)
            SELECT 2024, 'H26.99-240603-' || lpad((row_number() OVER ())::text, 4, '0'), '1.001193', '{OFFICE}',
                   'H26.99', 'counter', '2024-06-03 08:00+07', status, ('2024-' || due || '+07')::timestamptz,
                   ('2024-' || finished || '+07')::timestamptz, supplements, stopped_minutes,
                   processing_minutes, time_limit, clock_stopped_at::timestamptz
              FROM (VALUES ({"), (".join(rows)})) AS given ({columns})
        """)
    await database.close()
    bearer = await year.sign_in("supervisor")
    body = await report(year, bearer, "period=2024-Q2&reading=both", OFFICE)
    names = ("received", "before", "on", "late", "overdue", "waiting", "not_accepted", "stopped", "undated")
    assert [value(body, name) for name in names] == [13, 2, 3, 1, 2, 2, 1, 1, 1]
    assert [value(body, name, "figures_766") for name in names] == [13, 1, 1, 4, 3, 1, 1, 1, 1]
    assert (value(body, "on_time_percent"), value(body, "on_time_percent", "figures_766")) == (50.0, 20.0)
    worked = (480, 1920, 1921, 241, 60, 1000)
    assert value(body, "mean_working_hours", "figures_766") == round(sum(worked) / 6 / 60, 2)
    assert value(body, "mean_working_hours") == round((sum(worked) + 1260) / 6 / 60, 2)
    assert (value(body, "p90_working_hours"), value(body, "p90_working_hours", "figures_766")) == (42.5, 32.5)
    only = await report(year, bearer, "period=2024-Q2&reading=766", OFFICE)
    assert only["figures"] == body["figures_766"]
    assert "figures_766" not in only
    (month,) = [line for line in body["by_month"] if line["key"] == "2024-06"]
    assert month["figures_766"]["late"] == {"value": 4, "n": 10}


async def test_what_is_counted_beside_the_dossiers(year: Site) -> None:
    async with year.database.transaction() as connection:
        await connection.execute(f"""
            INSERT INTO rating (code_year, code, office_id, score, at)
            SELECT 2023, 'r' || n, '{OFFICE}', CASE WHEN n <= 5 THEN 5 WHEN n <= 7 THEN 4 WHEN n = 8 THEN 3 ELSE 1 END,
                   '2023-05-05' FROM generate_series(1, 10) AS n;
            INSERT INTO rating (code_year, code, office_id, score, at) VALUES (2023, 'r0', '{OFFICE}', 1, '2023-07-01');
            INSERT INTO apology (code_year, code, kind, office_id, owed_at, sent_at)
            VALUES (2023, 'a', 'late', '{OFFICE}', '2023-04-01', now()),
                   (2023, 'b', 'extension', '{OFFICE}', '2023-06-30', NULL);
            INSERT INTO letter (code_year, code, office_id, kind, channel, at)
            VALUES (2023, 'a', '{OFFICE}', 'birth', 'print', '2023-04-02'),
                   (2023, 'a', '{OFFICE}', 'birth', 'email', '2023-04-02'),
                   (2023, 'b', '{OFFICE}', 'birth', 'email', '2023-04-02'),
                   (2023, 'a', '{OFFICE}', 'thanks', 'print', '2023-04-02');
            INSERT INTO feedback (code_year, code, office_id, kind, text, at, due_at, answered_at)
            VALUES (2023, 'a', '{OFFICE}', 'feedback', 't', '2023-04-02', '2023-04-16', '2023-04-10'),
                   (2023, 'b', '{OFFICE}', 'petition', 't', '2023-04-02', '2023-04-16', '2023-04-20'),
                   (2023, 'c', '{OFFICE}', 'petition', 't', '2023-04-02', '2023-04-16', NULL),
                   (2023, 'd', '{OFFICE}', 'petition', 't', '2023-04-02', '2099-04-16', NULL);
        """)
    body = await report(year, await year.sign_in("supervisor"), "period=2023-Q2", OFFICE)
    expected = {
        "very_satisfied_percent": (50.0, 10), "satisfied_percent": (30.0, 10), "not_satisfied_percent": (20.0, 10),
        "apologies_owed": (2, 2), "apologies_sent": (1, 2), "letters_birth": (2, 3), "letters_thanks": (1, 3),
        "feedback_received": (4, 4), "feedback_in_time_percent": (33.33, 3), "on_time_percent": (None, 0),
    }  # fmt: skip
    found = body["figures"]
    assert {name: (found[name]["value"], found[name]["n"]) for name in expected} == expected


async def test_an_office_with_all_below_it(year: Site) -> None:
    city = await year.sign_in("city")
    alone = await report(year, city, "period=2026-Q1", "ha-noi-centre")
    below = await report(year, city, "period=2026-Q1&below=1", "ha-noi-centre")
    boss = await report(year, await year.sign_in("boss"), "period=2026-Q1")
    offices = {line["key"]: line["figures"]["received"]["value"] for line in below["by_office"]}
    assert [line["key"] for line in alone["by_office"]] == ["ha-noi-centre"]
    assert {"ha-noi-centre", "tay-ho"} < set(offices)
    assert offices["tay-ho"] == value(boss, "received") > 0
    assert sum(offices.values()) == value(below, "received")


async def test_names_stay_with_the_office_that_works_on_them(year: Site, boss: Bearer) -> None:
    async with year.database.transaction() as connection:
        code = await connection.fetchval(
            "SELECT code FROM dossier WHERE receiving_office = 'tay-ho'"
            " AND received_at BETWEEN '2026-02-01' AND '2026-03-01' ORDER BY code LIMIT 1"
        )
        await connection.execute("INSERT INTO applicant (code_year, code, name) VALUES (2026, $1, 'Cù Thị Sen')", code)
    address = f"/office/dossiers?period=2026-Q1&result=received&q={code}"
    _, _, own = await year.ask("GET", address, headers=boss)
    assert code in own and "Cù Thị Sen" in own
    status, _, above = await year.ask("GET", f"{address}&below=1", headers=await year.sign_in("city"))
    assert status == 200 and code in above and "Cù Thị Sen" not in above


async def test_every_figure_leads_to_its_dossiers(year: Site, boss: Bearer) -> None:
    for reading in ("law", "766"):
        body = await report(year, boss, f"period=2026-Q1&reading={reading}")
        for result in RESULTS:
            address = f"/office/dossiers?period=2026-Q1&reading={reading}&result={result}&format=csv"
            status, headers, text = await year.ask("GET", address, headers=boss)
            assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
            rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
            expected = {
                "judged": body["figures"]["on_time_percent"]["n"],
                "in-time": value(body, "before") + value(body, "on"),
            }.get(result)
            assert len(rows) == (value(body, result) if expected is None else expected), (reading, result)
    line = body["by_procedure"][0]
    address = f"/office/dossiers?period=2026-Q1&result=received&procedure={line['key']}&format=csv"
    _, _, text = await year.ask("GET", address, headers=boss)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == line["figures"]["received"]["value"] > 0
    assert {row["Mã thủ tục"] for row in rows} == {line["key"]}


async def test_the_page_shows_figures_definitions_and_links_that_work(year: Site, boss: Bearer) -> None:
    for language, point in (("", ","), ("&lang=en", ".")):
        address = "/office/reports?period=2026-Q2&reading=both" + language
        status, headers, page = await year.ask("GET", address, headers=boss)
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert len(page) < 30_000
        assert "style=" not in page
        assert "<svg" in page and "<title id=" in page and "<desc" in page
        share = (await report(year, boss, "period=2026-Q2"))["figures"]["on_time_percent"]["value"]
        assert f"{share:.2f}".replace(".", point) in page
    for by in ("month", "quarter", "field", "procedure", "office"):
        status, _, page = await year.ask("GET", f"/office/reports?period=2026-Q2&by={by}", headers=boss)
        assert (status, len(page) < 30_000) == (200, True), (by, len(page))
    links = {part.split('"')[0].replace("&amp;", "&") for part in page.split('href="/office/')[1:]}
    assert len(links) > 15
    for link in links:
        if "format=xlsx" in link:
            continue  # its own test reads it
        status, _, _ = await year.ask("GET", urljoin("/office/", link), headers=boss)
        assert status == 200, link


async def test_the_report_as_files(year: Site, boss: Bearer) -> None:
    body = await report(year, boss, "period=2026-Q1&reading=both")
    address = "/office/reports?period=2026-Q1&reading=both&format="
    status, headers, text = await year.ask("GET", address + "csv", headers=boss)
    assert status == 200
    assert headers["Content-Disposition"] == 'attachment; filename="report-tay-ho-2026-Q1.csv"'
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    shares = {(row["Bảng"], row["Cách tính"]): row for row in rows if row["Chỉ tiêu"] == "Trước và đúng hạn"}
    assert float(shares["Toàn bộ", "Quy định một cửa"]["Giá trị"]) == value(body, "on_time_percent")
    assert float(shares["Toàn bộ", "Chỉ số 766"]["Giá trị"]) == value(body, "on_time_percent", "figures_766")
    assert all(row["Định nghĩa"] for row in rows)
    async with year.client.get(year.base + address + "xlsx&lang=en", headers=boss) as response:
        book = openpyxl.load_workbook(io.BytesIO(await response.read()))
    assert book.sheetnames == ["Figures", "Month", "Quarter", "Field", "Procedure", "Office"]
    first = {row[0]: row for row in book["Figures"].iter_rows(values_only=True)}
    assert first["Received"][1:4] == (value(body, "received"), value(body, "received"), value(body, "received"))
    assert [row[1] for row in book["Month"].iter_rows(min_row=2, values_only=True)] == ["2026-01", "2026-02", "2026-03"]
    assert book["Procedure"].max_row == len(body["by_procedure"]) + 1


async def test_who_may_read_reports(year: Site, boss: Bearer) -> None:
    address = API.format(office="tay-ho") + "?period=2026-Q1"
    for name, expected in (("boss", 200), ("plans", 200), ("stranger", 403), ("supervisor", 403), ("city", 403)):
        assert (await year.ask("GET", address, headers=await year.sign_in(name)))[0] == expected, name
    assert (await year.ask("GET", address))[0] == 401
    assert (await year.ask("GET", API.format(office="nowhere") + "?period=2026", headers=boss))[0] == 403
    plans = await year.sign_in("plans")
    status, _, page = await year.ask("GET", "/office/reports?period=2026-Q1", headers=plans)
    assert status == 200
    assert "/office/dossiers" not in page
    for path in ("/office/dossiers", "/office/apologies", "/office/messages", "/office/feedback"):
        assert (await year.ask("GET", path, headers=plans))[0] == 303, path
    status, headers, _ = await year.ask("GET", "/office?lang=en", headers=plans)
    assert (status, headers["Location"]) == (303, "/office/reports?lang=en")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "period"), ("period=2026-Q5", "period"), ("period=2026-Q1&reading=x", "reading"),
        ("period=2026&below=yes", "below"), ("period=" + "9" * 500, "period"),
    ],
)  # fmt: skip
async def test_a_wrong_question_names_its_field(year: Site, boss: Bearer, query: str, field: str) -> None:
    status, _, body = await year.ask("GET", API.format(office="tay-ho") + "?" + query, headers=boss)
    assert status == 400
    assert [error["field"] for error in body["errors"]] == [field]
    assert len(body["detail"]) < 200


@pytest.mark.parametrize(
    "query",
    [
        "list=nothing", "page=0", "page=x", "page=1001", "where=there", "channel=fax", "q=" + "x" * 100, "format=pdf",
        "period=2026-Q1&result=good", "period=2026-Q1&office=ben-thanh", "period=2026-Q1&office=nowhere",
        "agency=%00", "procedure=x%0Ay", "by=x&period=",
    ],
)  # fmt: skip
async def test_a_wrong_list_is_refused(year: Site, boss: Bearer, query: str) -> None:
    status, _, body = await year.ask("GET", f"/office/dossiers?{query}", headers=boss)
    assert status == 400, body


async def test_reports_read_by_index(year: Site) -> None:
    first, past = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    span = {"offices": ["tay-ho"], "first": first, "past": past}
    now, zone = datetime.now(UTC), "Asia/Ho_Chi_Minh"
    narrowed = {"procedures": None, "agency": None, "channel": None, "q": None, "most": 10_000, "skip": 0}
    page = {**narrowed, "page_size": 50}
    async with year.database.connection() as connection:
        await fill(connection)
    for name, given in (
        ("report_cells", {**span, "now": now, "zone": zone}),
        ("report_times", span),
        ("report_finished", span),
        ("report_dossiers", {**span, **page, "now": now, "zone": zone, "results": ["late"], "strict": True}),
        ("report_finished_dossiers", {**span, **page}),
    ):
        async with year.database.connection() as connection:
            found = await scans(connection, QUERIES[name], **given)
        read = [scan for scan in found if scan.table.startswith("dossier_")]
        assert read, name
        assert "Seq Scan" not in {scan.kind for scan in read if scan.table in FILLED}, (name, read)
        assert any("receiving_office" in (scan.index or "") for scan in found), (name, found)


async def fill(connection: Connection) -> None:
    """20,000 dossiers at 30 offices of their own, spread over three years, and statistics."""
    await connection.execute("""
        INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
        SELECT 'filled-' || n, 'f' || n, 'Office', 'Office', 'point', '2025-07-01' FROM generate_series(1, 30) AS n
        ON CONFLICT DO NOTHING;
        INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                             received_at, due_at, finished_at)
        SELECT 2024 + n % 3, 'H26.99-2' || (4 + n % 3) || '0101-' || lpad(n::text, 6, '0'), '1.001193',
               'filled-' || 1 + n % 30, 'H26.99', 'counter', CASE n % 10 WHEN 0 THEN 4 ELSE 10 END, at,
               at + interval '3 days', CASE n % 10 WHEN 0 THEN NULL ELSE at + interval '2 days' END
          FROM (SELECT n, make_timestamptz(2024 + n % 3, 1, 1, 8, 0, 0) + n % 300 * interval '1 day' AS at
                  FROM generate_series(1, 20000) AS n) AS spread
        ON CONFLICT DO NOTHING;
    """)
    await connection.execute("ANALYZE dossier")
