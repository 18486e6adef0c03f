"""What a supervisor sees and does: counts and their lists, messages, feedback, apologies; who may come in."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from kit import sql
from kit.sessions import Passwords, Role, put_staff
from office.calendar import Calendar
from tests.integration.conftest import OFFICE, PASSWORD, Site
from tests.integration.test_queries import scans
from tracking.policy import Policy
from tracking.reports.worklists import horizon

if TYPE_CHECKING:
    from kit.database import Connection

PAGES = ("/office", "/office/dossiers", "/office/reports", "/office/apologies", "/office/messages", "/office/feedback")
QUERIES = {query.name: query for query in sql.load("tracking.reports")}
NAME, PHONE = "Nguyễn Thị Hoa Sen", "0912345678"
# The demo office works around the clock: a moment is due today until midnight, and every day is a working day.
WORK = """
    INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                         received_at, due_at, clock_stopped_at)
    SELECT 2026, 'H26.99-260901-' || serial, '1.001193', office, agency, 'counter', status,
           $1::timestamptz - '40 days'::interval, $1::timestamptz + due::interval, $1::timestamptz + stopped::interval
      FROM (VALUES ('0001', 'demo-24h', 'H26.99', 4, '-1 minute', NULL),
                   ('0002', 'demo-24h', 'H26.99', 2, '0', NULL),
                   ('0003', 'demo-24h', 'H26.18', 6, '1 day', NULL),
                   ('0004', 'demo-24h', 'H26.99', 5, '1 day', '-1 hour'),
                   ('0005', 'demo-24h', 'H26.99', 5, '-2 hours', '-1 hour'),
                   ('0006', 'demo-24h', 'H26.99', 5, '-1 hours', '-2 hours'),
                   ('0007', 'tay-ho', 'H26.99', 4, '-1 day', NULL),
                   ('0008', 'tay-ho', 'H26.18', 4, '-1 day', NULL),
                   ('0009', 'demo-24h', 'H26.99', 1, NULL, NULL)) AS work (serial, office, agency, status, due, stopped)
"""


async def fill_work(connection: Connection) -> None:
    await connection.execute("DELETE FROM dossier")
    now = await connection.fetchval("SELECT now()")
    await connection.execute(WORK.replace("$1", f"'{now.isoformat()}'"))
    await connection.execute(f"""
        INSERT INTO applicant (code_year, code, name, phone, channels)
        VALUES (2026, 'H26.99-260901-0001', '{NAME}', '{PHONE}', '{{phone,sms}}')
    """)


def numbers(page: str) -> dict[str, int]:
    """Address of each tile → its count."""
    found = re.findall(r'class="choice[^"]*" href="([^"]+)"><span>([\d.]+)</span>', page)
    return {address: int(count.replace(".", "")) for address, count in found}


def codes_of(page: str) -> set[str]:
    return set(re.findall(r"H26\.99-260901-(\d{4})</a>", page))


async def get(site: Site, bearer: dict[str, str], path: str) -> str:
    status, _, page = await site.ask("GET", path, headers=bearer)
    assert status == 200, page
    return str(page)


async def test_every_count_leads_to_its_list(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill_work(connection)
    bearer = await site.sign_in("supervisor")
    counts = numbers(await get(site, bearer, "/office"))
    address = "/office/dossiers?list="
    expected: dict[str, set[str]] = {
        "late": {"0001", "0002", "0005", "0007"},  # 0002 was due a moment ago
        "due-tomorrow": {"0003"},
        "supplement": {"0004", "0005", "0006"},
        "payment": {"0003"},
        "due-today": set(),
        "open": {"0001", "0002", "0003", "0004", "0005", "0006", "0007", "0009"},
    }
    for which, codes in expected.items():
        assert counts[address + which] == len(codes), which
        assert codes_of(await get(site, bearer, address + which)) == codes, which
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET due_at = now() + '20 seconds' WHERE code LIKE '%-0002'")
        ends = await connection.fetchval("SELECT (now() + '20 seconds') AT TIME ZONE 'Asia/Ho_Chi_Minh'")
    if ends.hour < 23:  # near midnight it may be due tomorrow already
        assert codes_of(await get(site, bearer, address + "due-today")) == {"0002"}


async def test_lists_are_narrowed(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill_work(connection)
    bearer = await site.sign_in("admin")
    for query, expected in (
        ("where=elsewhere", {"0007"}),
        ("where=here&list=late", {"0001", "0002", "0005"}),
        ("agency=H26.18", {"0003"}),
        ("q=h26.99-260901-0003", {"0003"}),
        ("q=%25", set()),
        ("procedure=1.000894", set()),
        ("procedure=1.001193&list=supplement", {"0004", "0005", "0006"}),
        ("channel=online", set()),
        ("page=2", set()),
    ):
        assert codes_of(await get(site, bearer, f"/office/dossiers?{query}")) == expected, query


async def test_long_lists_have_pages(site: Site) -> None:
    async with site.database.transaction() as connection:
        await connection.execute("""
            INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                                 received_at, due_at)
            SELECT 2026, 'H26.99-260901-' || lpad(n::text, 4, '0'), '1.001193', 'demo-24h', 'H26.99', 'online', 4,
                   '2026-09-01', '2026-09-02'::timestamptz + n * interval '1 minute'
              FROM generate_series(1, 120) AS n""")
    bearer = await site.sign_in("supervisor")
    seen: list[set[str]] = []
    for page in (1, 2, 3):
        text = await get(site, bearer, f"/office/dossiers?list=late&q=H26.99&page={page}&lang=en")
        assert ('rel="next"' in text, 'rel="prev"' in text) == (page < 3, page > 1)
        assert len(text) < 30_000
        seen.append(codes_of(text))
    assert [len(codes) for codes in seen] == [50, 50, 20]
    assert len(set.union(*seen)) == 120


async def test_names_stand_on_the_page_and_in_no_file(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill_work(connection)
    bearer = await site.sign_in("supervisor")
    assert NAME in await get(site, bearer, "/office/dossiers?list=late")
    text = await get(site, bearer, "/office/dossiers?list=late&format=csv")
    assert NAME not in text and PHONE not in text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert {row["Mã hồ sơ"][-4:] for row in rows} == {"0001", "0002", "0005", "0007"}
    async with site.client.get(site.base + "/office/dossiers?format=xlsx", headers=bearer) as response:
        body = await response.read()
    assert response.headers["Content-Type"].endswith("spreadsheetml.sheet")
    assert body.startswith(b"PK")


def test_the_last_moment_for_an_extension() -> None:
    calendar, zone = Calendar.default(), ZoneInfo("Asia/Ho_Chi_Minh")
    for now, days, notice in (
        ("2026-09-17T10:00", 1, "2026-09-18"),  # Thursday → Friday
        ("2026-09-18T10:00", 1, "2026-09-21"),  # Friday → Monday
        ("2026-08-28T10:00", 1, "2026-09-03"),  # before the holidays
        ("2026-09-18T10:00", 3, "2026-09-23"),
        ("2026-09-18T10:00", 0, "2026-09-21"),  # without notice: the next working day is worth knowing
    ):
        found = horizon(calendar, Policy(extension_notice_days=days), datetime.fromisoformat(now + "+07:00"))
        assert str(found.notice_day) == notice, now
        assert found.notice_ends == datetime.fromisoformat(notice + "T00:00+07:00") + timedelta(days=1)
        assert found.today_ends.tzinfo == zone
    never = Calendar.from_mapping({"hours": {}})
    found = horizon(never, Policy(), datetime.fromisoformat("2026-09-18T10:00+07:00"))
    assert found.notice_ends == found.today_ends


async def add_messages(connection: Connection) -> dict[str, int]:
    rows = await connection.fetch(f"""
        INSERT INTO message (event_id, code_year, code, office_id, trigger, channel, state, attempts, error, ended_at)
        VALUES (1, 2026, 'H26.99-260901-0001', '{OFFICE}', 'late', 'email', 'dead', 8, 'refused', now()),
               (2, 2026, 'H26.99-260901-0001', '{OFFICE}', 'late', 'sms', 'dead', 8, 'refused', now()),
               (3, 2026, 'H26.99-260901-0001', '{OFFICE}', 'late', 'phone', 'waiting', 0, NULL, NULL),
               (4, 2026, 'H26.99-260901-0001', 'tay-ho', 'late', 'sms', 'dead', 8, 'refused', now())
        RETURNING id""")
    return dict(zip(("email", "sms", "phone", "other"), (row["id"] for row in rows), strict=True))


async def state_of(site: Site, message: int) -> Any:
    async with site.database.connection() as connection:
        return await connection.fetchrow("SELECT state, error, ended_by FROM message WHERE id = $1", message)


async def audited(site: Site) -> list[tuple[str, str]]:
    async with site.database.connection() as connection:
        rows = await connection.fetch("SELECT action, subject FROM audit WHERE staff_id IS NOT NULL ORDER BY id")
    return [(row["action"], row["subject"]) for row in rows]


async def test_messages_are_sent_again_given_up_and_called(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill_work(connection)
        ids = await add_messages(connection)
    bearer = await site.sign_in("supervisor")
    counts = numbers(await get(site, bearer, "/office"))
    assert counts["/office/messages"] == 1  # the last of the two tiles: calls
    page = await get(site, bearer, "/office/messages")
    assert NAME in page and PHONE in page
    for _ in range(2):  # pressed twice, done once
        for move, message in (("retry", ids["email"]), ("drop", ids["sms"]), ("called", ids["phone"])):
            status, headers, _ = await site.ask("POST", f"/office/messages/{message}/{move}?lang=en", headers=bearer)
            assert (status, headers["Location"]) == (303, "/office/messages?lang=en")
    # The service itself may have tried again by now, and found that no mail server is set up.
    assert (await state_of(site, ids["email"]))["error"] in (None, "not configured")
    assert (await state_of(site, ids["sms"]))["state"] == "dead"
    assert (await state_of(site, ids["sms"]))["ended_by"] is not None
    assert (await state_of(site, ids["phone"]))["state"] == "sent"
    assert await audited(site) == [
        ("message-retry", f"message:{ids['email']}"),
        ("message-drop", f"message:{ids['sms']}"),
        ("message-called", f"message:{ids['phone']}"),
    ]
    page = await get(site, bearer, "/office/messages?lang=en")
    assert NAME not in page
    for message in (ids["other"], 10**17):
        assert (await site.ask("POST", f"/office/messages/{message}/retry", headers=bearer))[0] == 404
    assert (await state_of(site, ids["other"]))["state"] == "dead"


async def add_feedback(connection: Connection, code: str = "H26.99-260901-0001", office: str = OFFICE) -> int:
    return int(
        await connection.fetchval(
            "INSERT INTO feedback (code_year, code, office_id, kind, text, due_at)"
            " VALUES (2026, $1, $2, 'petition', 'Xin <b>xem</b> lại', now() - interval '1 day') RETURNING id",
            code,
            office,
        )
    )


async def test_feedback_is_assigned_and_answered_once(site: Site) -> None:
    async with site.database.transaction() as connection:
        await fill_work(connection)
        feedback, other = await add_feedback(connection), await add_feedback(connection, office="tay-ho")
        clerk = await connection.fetchval("SELECT id FROM staff WHERE name = 'clerk'")
        admin = await connection.fetchval("SELECT id FROM staff WHERE name = 'admin'")
        stranger = await connection.fetchval("SELECT id FROM staff WHERE name = 'stranger'")
    bearer = await site.sign_in("supervisor")
    page = await get(site, bearer, "/office/feedback")
    assert "Xin &lt;b&gt;xem&lt;/b&gt; lại" in page and 'class="late"' in page
    address = f"/office/feedback/{feedback}/"
    for chosen, expected in (
        (admin, 303),
        (admin, 303),
        (clerk, 400),
        (stranger, 400),
        ("", 400),
        ("x", 400),
        (10**17, 400),
    ):
        status, _, _ = await site.ask("POST", address + "assign", data={"staff": str(chosen)}, headers=bearer)
        assert status == expected, chosen
    for text, expected in (
        ("", 400),
        ("   ", 400),
        ("x" * 4001, 400),
        ("Đã xem lại.", 303),
        ("Đã xem lại.", 303),
        ("Khác", 409),
    ):
        status, _, _ = await site.ask("POST", address + "answer", data={"answer": text}, headers=bearer)
        assert status == expected, text[:20]
    async with site.database.connection() as connection:
        row = await connection.fetchrow("SELECT assigned_to, answer, answered_by FROM feedback WHERE id = $1", feedback)
        told = await connection.fetch("SELECT event_id, trigger, channel FROM message ORDER BY channel")
    assert row is not None
    assert (row["assigned_to"], row["answer"], row["answered_by"] is not None) == (admin, "Đã xem lại.", True)
    assert [tuple(message) for message in told] == [(feedback, "answered", "phone"), (feedback, "answered", "sms")]
    subject = f"feedback:{feedback}"
    assert await audited(site) == [("feedback-assign", subject), ("feedback-answer", subject)]
    assert "Đã xem lại." in await get(site, bearer, "/office/feedback?state=answered&lang=en")
    for move, form in (("assign", {"staff": str(admin)}), ("answer", {"answer": "x"})):
        assert (await site.ask("POST", f"/office/feedback/{other}/{move}", data=form, headers=bearer))[0] == 404


async def test_apologies_owed_and_the_register(site: Site) -> None:
    async with site.database.transaction() as connection:
        await connection.execute(f"""
            INSERT INTO apology (code_year, code, kind, office_id, owed_at, sent_at, reason)
            VALUES (2026, 'H26.99-260901-0001', 'late', '{OFFICE}', '2026-09-02', NULL, 'Máy hỏng'),
                   (2026, 'H26.99-260901-0002', 'extension', '{OFFICE}', '2026-09-03', '2026-09-04', NULL),
                   (2026, 'H26.99-260901-0003', 'late', 'tay-ho', '2026-09-03', NULL, NULL)""")
    bearer = await site.sign_in("supervisor")
    owed = await get(site, bearer, "/office/apologies")
    assert codes_of(owed) == {"0001"} and "Máy hỏng" in owed
    assert codes_of(await get(site, bearer, "/office/apologies?period=2026-Q3&lang=en")) == {"0001", "0002"}
    assert codes_of(await get(site, bearer, "/office/apologies?period=2026-08")) == set()


async def test_whoever_has_no_part_in_it_is_led_to_the_desk(site: Site) -> None:
    for bearer in ({}, await site.sign_in("clerk"), {"Authorization": "Bearer " + "x" * 43}):
        for page in PAGES:
            status, headers, body = await site.ask("GET", page + "?lang=en", headers=bearer)
            assert (status, headers["Location"], body) == (303, "/desk?lang=en", ""), page
    async with site.database.transaction() as connection:
        hashed = Passwords().hash(PASSWORD)
        await put_staff(connection, name="nobody", role=Role.SUPERVISOR, office="never-open", password_hash=hashed)
    for name in ("supervisor", "admin", "nobody"):
        bearer = await site.sign_in(name)
        for page in PAGES:
            for language in ("", "?lang=en"):
                text = await get(site, bearer, page + language)
                assert text.count("<h1") == 1
                assert 'href="/desk' in text
                assert len(text) < 30_000


async def test_open_lists_read_by_index(site: Site) -> None:
    async with site.database.connection() as connection:
        await connection.execute("""
            INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
            SELECT 'filled-' || n, 'f' || n, 'Office', 'Office', 'point', '2025-07-01' FROM generate_series(1, 30) AS n;
            INSERT INTO agency SELECT 'H' || n, 'Agency', 'Agency' FROM generate_series(40, 69) AS n;
            INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                                 received_at, due_at, finished_at)
            SELECT 2026, 'H40-260101-' || lpad(n::text, 6, '0'), '1.001193', 'filled-' || 1 + n % 30,
                   'H' || 40 + n % 30, 'counter', CASE n % 10 WHEN 0 THEN 4 ELSE 10 END, '2026-01-01', '2026-01-05',
                   CASE n % 10 WHEN 0 THEN NULL ELSE '2026-01-04'::timestamptz END
              FROM generate_series(1, 20000) AS n;
            ANALYZE dossier""")
        now = datetime.fromisoformat("2026-09-18T10:00+07:00")
        moments = {"now": now, "today_ends": now, "notice_ends": now}
        where = {"office_id": "filled-3", "agencies": ["H43"]}
        narrowed = {"elsewhere": None, "procedures": None, "agency": None, "channel": None, "q": None}
        page = {"most": 10_000, "skip": 0, "page_size": 50}
        for name, given in (
            ("work_counts", {**where, **moments}),
            ("work_dossiers", {**where, **moments, **narrowed, **page, "list": "late"}),
        ):
            found = await scans(connection, QUERIES[name], **given)
            assert "Seq Scan" not in {scan.kind for scan in found if scan.table == "dossier_2026"}, (name, found)
            assert {"dossier_2026"} <= {scan.table for scan in found}
