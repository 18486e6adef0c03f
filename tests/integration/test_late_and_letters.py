"""The sweep for what has become late, and the letters that an office owes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from kit.database import Connection, Database
from kit.problems import Forbidden
from kit.sessions import Role, Staff
from tests.integration.outside import EMAIL, NAME, MailBox, closed_port, dossier, prepare
from tracking.codes import Code
from tracking.notices.late import sweep
from tracking.notices.letters import Kind, Letters, UnknownLetter, letters_counted, letters_due
from tracking.notices.outcome import Result
from tracking.notices.queue import queries
from tracking.notices.sending import Ways
from tracking.notices.texts import Texts

NOW = datetime.now(UTC)
PAST, SOON = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
RECENT = NOW - timedelta(days=20)
DONE = {"status": 10, "outcome": "granted", "received_at": RECENT, "finished_at": NOW - timedelta(days=2)}


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    async with database.connection() as connection:
        await prepare(connection)
        yield connection


@pytest.fixture
async def staff(connection: Connection) -> Staff:
    return Staff(await connection.fetchval("SELECT id FROM staff"), "Cán bộ", Role.CLERK, "o1")


@pytest.fixture
async def mailbox() -> AsyncIterator[MailBox]:
    box = MailBox()
    async with box.running():
        yield box


def letters(database: Database, port: int | None) -> Letters:
    ways = Ways(smtp_url=f"smtp://127.0.0.1:{port}?tls=none", mail_from="a@office.example") if port else Ways()
    return Letters(database, Texts(""), ways.mailer())


async def test_who_is_late_and_who_is_not(database: Database, connection: Connection) -> None:
    late = {"due_at": PAST, "received_at": RECENT}
    expected = [
        await dossier(connection, 1, "{}", **late),
        await dossier(connection, 2, "{}", **late, status=2),
        await dossier(connection, 3, "{}", **late, status=6),
    ]
    await dossier(connection, 4, **late | {"due_at": SOON})
    await dossier(connection, 5, **late, finished_at=NOW, status=9)
    await dossier(connection, 6, **late, status=5)
    await dossier(connection, 7, **late, clock_stopped_at=PAST)
    await dossier(connection, 8, **late, origin="import")
    await dossier(connection, 9, **late | {"received_at": NOW - timedelta(days=401)})
    await dossier(connection, 10, **late, status=8)
    assert await sweep(database) == 3
    assert await sweep(database) == 0
    rows = await connection.fetch("SELECT code, kind, owed_at, sent_at FROM apology ORDER BY code")
    assert [tuple(row) for row in rows] == [(code.text, "late", PAST, None) for code in expected]
    rows = await connection.fetch(
        "SELECT code, action, from_status, to_status, version, staff_id FROM dossier_event ORDER BY code"
    )
    assert [tuple(row) for row in rows] == [
        (code.text, "late", status, status, 1, None) for code, status in zip(expected, (4, 2, 6), strict=True)
    ]
    rows = await connection.fetch("SELECT code, trigger, count(*) FROM message GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in rows] == [(code.text, "late", 3) for code in expected]


async def test_without_an_applicant_there_is_an_apology_owed_and_no_message(
    database: Database, connection: Connection
) -> None:
    code = await dossier(connection, 1, due_at=PAST, received_at=RECENT)
    await connection.execute("DELETE FROM applicant")
    assert await sweep(database) == 1
    assert await connection.fetchval("SELECT count(*) FROM message") == 0
    (due,) = await letters_due(connection, "o1")
    assert (due.code, due.kind, due.applicant, due.by_email) == (code.text, Kind.APOLOGY, None, False)


async def test_sweeps_go_in_batches_and_one_at_a_time(database: Database, connection: Connection) -> None:
    for serial in range(1, 6):
        await dossier(connection, serial, due_at=PAST, received_at=RECENT)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('late', 0))")
        assert await sweep(database) == 0
    assert [await sweep(database, 2) for _ in range(4)] == [2, 2, 1, 0]
    await asyncio.gather(*(sweep(database) for _ in range(3)))
    assert await connection.fetchval("SELECT count(*) FROM dossier_event") == 5


async def test_letters_that_are_due(database: Database, connection: Connection, staff: Staff) -> None:
    birth = await dossier(connection, 1, **DONE)
    late = await dossier(connection, 2, due_at=PAST, received_at=RECENT)
    await dossier(connection, 3, **DONE | {"outcome": "refused"})
    await dossier(
        connection, 4, **DONE | {"finished_at": NOW - timedelta(days=91), "received_at": NOW - timedelta(days=99)}
    )
    await dossier(connection, 5, **DONE, receiving_office="o2")
    await sweep(database)
    due = await letters_due(connection, "o1")
    assert [(one.code, one.kind, one.applicant, one.by_email) for one in due] == [
        (birth.text, Kind.BIRTH, NAME, True), (late.text, Kind.APOLOGY, NAME, True)
    ]  # fmt: skip
    office = letters(database, None)
    written = await office.write(birth, Kind.BIRTH, staff)
    assert NAME in written.text
    assert written.html.startswith("<p>")
    for _ in range(2):
        await office.printed(birth, Kind.BIRTH, staff)
        await office.printed(late, Kind.APOLOGY, staff)
    assert await letters_due(connection, "o1") == []
    assert (
        await connection.fetchval("SELECT count(*) FROM apology WHERE sent_at IS NOT NULL AND staff_id = $1", staff.id)
        == 1
    )
    counted = await letters_counted(connection, "o1", NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert counted == dict.fromkeys(Kind, 0) | {Kind.BIRTH: 1, Kind.APOLOGY: 1}
    assert await letters_counted(connection, "o1", NOW - timedelta(days=2), NOW - timedelta(days=1)) == dict.fromkeys(
        Kind, 0
    )
    assert await connection.fetchval("SELECT bool_and(subject LIKE 'dossier:%') FROM audit")


async def test_an_extension_is_apologised_for_as_one(database: Database, connection: Connection, staff: Staff) -> None:
    code = await dossier(connection, 1, due_at=SOON, received_at=RECENT)
    await connection.execute(
        "INSERT INTO apology VALUES (2026, $1, 'extension', 'o1', now(), 'Chờ xác minh')", code.text
    )
    written = await letters(database, None).write(code, Kind.APOLOGY, staff)
    assert "gia hạn" in written.text
    assert "Chờ xác minh" in written.text


async def test_a_letter_goes_by_mail_once(
    database: Database, connection: Connection, staff: Staff, mailbox: MailBox
) -> None:
    code = await dossier(connection, 1, due_at=PAST, received_at=RECENT)
    await sweep(database)
    away = await letters(database, closed_port()).mail(code, Kind.APOLOGY, staff)
    assert away.result is Result.PUT_OFF
    assert (await letters(database, None).mail(code, Kind.APOLOGY, staff)).error == "not configured"
    assert len(await letters_due(connection, "o1")) == 1
    office = letters(database, mailbox.port)
    outcomes = [await office.mail(code, Kind.APOLOGY, staff) for _ in range(2)]
    assert {outcome.result for outcome in outcomes} == {Result.SENT}
    (mail,) = mailbox.got
    assert mail["Subject"] == "Thư xin lỗi"
    assert mailbox.recipients == [EMAIL]
    assert await letters_due(connection, "o1") == []
    mailbox.plan = ["cut"]
    birth = await dossier(connection, 2, **DONE)
    assert (await office.mail(birth, Kind.BIRTH, staff)).error == "uncertain"
    assert (await office.mail(birth, Kind.BIRTH, staff)).result is Result.SENT
    assert len(mailbox.got) == 2
    assert await letters_due(connection, "o1") == []


async def test_lateness_after_an_extension_is_apologised_for_again(
    database: Database, connection: Connection, staff: Staff, mailbox: MailBox
) -> None:
    code, office = await dossier(connection, 1, due_at=SOON, received_at=RECENT), letters(database, mailbox.port)
    owe = "INSERT INTO apology (code_year, code, kind, office_id, owed_at) VALUES (2026, $1, $2, 'o1', now())"
    for number, kind in enumerate(("extension", "late"), 1):
        await connection.execute(owe, code.text, kind)
        assert [due.code for due in await letters_due(connection, "o1")] == [code.text]
        outcomes = await asyncio.gather(*(office.mail(code, Kind.APOLOGY, staff) for _ in range(3)))
        assert {outcome.result for outcome in outcomes} == {Result.SENT}
        assert len({mail["Message-ID"] for mail in mailbox.got}) == len(mailbox.got) == number
        assert await letters_due(connection, "o1") == []


async def test_whose_letter_it_is(database: Database, connection: Connection, staff: Staff) -> None:
    theirs, ours = await dossier(connection, 1, **DONE, receiving_office="o2"), await dossier(connection, 2, **DONE)
    office = letters(database, None)
    with pytest.raises(Forbidden):
        await office.printed(theirs, Kind.BIRTH, staff)
    for code, kind in ((ours, Kind.MARRIAGE), (ours, Kind.APOLOGY), (Code("H26-260921-9999"), Kind.BIRTH)):
        with pytest.raises(UnknownLetter):
            await office.printed(code, kind, staff)
    assert await connection.fetchval("SELECT count(*) FROM letter") == 0


async def test_the_year_in_a_code_is_the_one_that_python_reads(connection: Connection) -> None:
    for text in ("H26.18-260921-0007", "G09.20-20260609-0092637", "000.17.22.H56-210531-0001", "H26-991231-1234567"):
        assert await connection.fetchval("SELECT dossier_code_year($1)", text) == Code(text).year
    assert await connection.fetchval("SELECT dossier_code_year('nonsense')") is None


async def test_the_hot_queries_use_their_indexes(connection: Connection) -> None:
    """Among 20,000 messages, deliveries and events that are over."""
    await connection.execute("""
        INSERT INTO webhook (url, secret) VALUES ('https://hook.example', repeat('x', 24));
        INSERT INTO dossier_event (code, version, action, to_status)
        SELECT 'H26-260921-' || lpad(n::text, 6, '0'), 1, 'x', 4 FROM generate_series(1, 20000) AS n;
        INSERT INTO message (event_id, code_year, code, office_id, trigger, channel, state, ended_at)
        SELECT n, 2026, 'H26-260921-' || lpad(n::text, 6, '0'), 'o1', 'accepted', 'email', 'sent', now()
          FROM generate_series(1, 20000) AS n;
        INSERT INTO webhook_delivery (webhook_id, event_id, event_at, state, ended_at)
        SELECT 1, n, now(), 'sent', now() FROM generate_series(1, 20000) AS n;
    """)
    await connection.execute("ANALYZE message, webhook_delivery, dossier_event")
    for query, index, arguments in (
        (queries.messages_claim, "message_waiting", {"most": 8, "grace": timedelta(seconds=1)}),
        (
            queries.deliveries_claim,
            "webhook_delivery_waiting",
            {"most": 8, "grace": timedelta(seconds=1), "resting": [7]},
        ),
        (queries.events_read, "_tx_id_idx", {"after": 15000, "most": 10, "office_id": None}),
    ):
        given = [arguments[name] for name in query.parameters]
        async with connection.transaction():
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query.text}", *given))
        assert index in plan, plan
        for table in ("message", "webhook_delivery", f"dossier_event_{NOW:%Y%m}"):
            assert f"Seq Scan on {table} " not in plan, plan
