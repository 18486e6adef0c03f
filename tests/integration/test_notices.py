"""Messages to applicants through a real mail server and a real gateway that refuse, stall and cut; at most once."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kit.database import Connection, Database, Deadlines
from metrics import catalogue
from tests.integration.outside import (
    EMAIL,
    NAME,
    PHONE,
    QUICK,
    SHORT,
    Http,
    MailBox,
    all_ended,
    closed_port,
    dossier,
    prepare,
    states,
    tell,
    until,
)
from tracking.notices.calls import call_list
from tracking.notices.outcome import Progress
from tracking.notices.queue import Happened, Trigger, announce
from tracking.notices.sending import Ways, sending
from tracking.notices.sms import SmsGateway
from tracking.notices.texts import Texts

if TYPE_CHECKING:
    from tests.conftest import Servers


@pytest.fixture
async def mailbox() -> AsyncIterator[MailBox]:
    box = MailBox()
    async with box.running():
        yield box


@pytest.fixture
async def gateway() -> AsyncIterator[Http]:
    server = Http()
    async with server.running():
        yield server


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    async with database.connection() as connection:
        await prepare(connection)
        yield connection


@pytest.fixture
def ways(mailbox: MailBox, gateway: Http) -> Ways:
    return Ways(
        public_url="https://motcua.example",
        smtp_url=f"smtp://127.0.0.1:{mailbox.port}?tls=none",
        mail_from="no-reply@office.example",
        sms_url=f"{gateway.base}/send",
        sms_token="gateway-secret",
        webhook_private=True,
    )


async def send(database: Database, ways: Ways) -> None:
    """Run a worker until nothing is left to be sent."""
    async with sending(database, ways, patience=SHORT, pace=QUICK):
        await until(database, all_ended)


async def test_what_is_announced(connection: Connection) -> None:
    async def channels(event: int) -> list[str]:
        rows = await connection.fetch(
            "SELECT trigger || ' ' || channel FROM message WHERE event_id = $1 ORDER BY 1", event
        )
        return [row[0] for row in rows]

    only_mail, nothing = await dossier(connection, 1, "{email}"), await dossier(connection, 2, "{}")
    no_phone = await dossier(connection, 3)
    await connection.execute("UPDATE applicant SET phone = '' WHERE code = $1", no_phone.text)
    assert await channels(await tell(connection, only_mail, Trigger.ACCEPTED)) == ["accepted email"]
    assert await channels(await tell(connection, nothing, Trigger.COMPLETED)) == []
    every = ["appointment email", "appointment phone", "appointment sms"]
    assert await channels(await tell(connection, nothing, Trigger.APPOINTMENT)) == every
    assert len(await channels(await tell(connection, nothing, Trigger.LATE))) == 3
    assert await channels(await tell(connection, no_phone, Trigger.APPOINTMENT)) == ["appointment email"]
    event = await tell(connection, only_mail, Trigger.ACCEPTED, Trigger.PAYMENT)
    assert await channels(event) == ["accepted email", "payment email"]
    happened = Happened(event, datetime.now(UTC), only_mail, "o1", (Trigger.ACCEPTED,))
    await announce(connection, happened)
    assert len(await channels(event)) == 2


async def test_what_is_rolled_back_is_not_announced(connection: Connection) -> None:
    code = await dossier(connection, 1)
    with pytest.raises(RuntimeError):
        async with connection.transaction():
            await tell(connection, code, Trigger.ACCEPTED)
            raise RuntimeError
    assert await states(connection) == []


async def test_mail_and_sms_arrive_once(
    database: Database, connection: Connection, mailbox: MailBox, gateway: Http, ways: Ways
) -> None:
    code = await dossier(connection, 1)
    await connection.execute(
        "INSERT INTO receipt (token, code_year, code, pin) VALUES ($1, 2026, $2, '123456')", "T" * 22, code.text
    )
    event = await tell(connection, code, Trigger.ACCEPTED)
    async with sending(database, ways, patience=SHORT, pace=QUICK), sending(database, ways, patience=SHORT, pace=QUICK):
        await until(database, all_ended)
    (mail,) = mailbox.got
    assert mailbox.recipients == [EMAIL]
    assert mail["Subject"] == f"Hồ sơ {code} đã được tiếp nhận"
    assert mail["From"] == "Phường Một <no-reply@office.example>"
    assert mail["Message-ID"].endswith(f"-{event}@office.example>")
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    assert NAME in text
    assert f"https://motcua.example/r/{'T' * 22}" in text
    ((headers, _),), (body,) = gateway.got, gateway.bodies
    assert headers["authorization"] == "Bearer gateway-secret"
    assert set(body) == {"id", "to", "text"}
    assert body["to"] == "+84912345678"
    assert body["text"].startswith("Phuong Mot: da tiep nhan ho so ")
    rows = await connection.fetch("SELECT channel, state, attempts FROM message ORDER BY channel")
    assert [tuple(row) for row in rows] == [("email", "sent", 1), ("phone", "waiting", 0), ("sms", "sent", 1)]
    (call,) = await call_list(connection, Texts("https://motcua.example"), "o1")
    assert (call.name, call.phone, call.trigger) == (NAME, PHONE, Trigger.ACCEPTED)
    assert call.code in call.say
    assert await call_list(connection, Texts(""), "o2") == []


async def test_an_offices_own_text_is_sent(
    database: Database, connection: Connection, mailbox: MailBox, ways: Ways
) -> None:
    await connection.execute("""
        INSERT INTO letter_text VALUES ('o1', 'message:accepted:email', 'vi', 'Chào {{ name }}!'),
                                       ('o1', 'message:completed:email', 'vi', '{{ name.__class__ }}')
    """)
    code = await dossier(connection, 1, "{email}")
    await tell(connection, code, Trigger.ACCEPTED, Trigger.COMPLETED)
    await send(database, ways)
    first, second = (mail.get_content() for mail in mailbox.got)
    assert f"Chào {NAME}!" in first
    assert "Mời ông/bà đến" in second


async def test_what_surely_failed_is_tried_again_and_again_and_then_dead(
    database: Database, connection: Connection, mailbox: MailBox, gateway: Http, ways: Ways
) -> None:
    mailbox.plan = ["busy-recipient", "refuse-data"]
    gateway.plan = [500, 429, 503, 500, 500, 500]
    await tell(connection, await dossier(connection, 1, "{email,sms}"), Trigger.ACCEPTED)
    await send(database, ways)
    assert await states(connection) == [("sent", 3, None), ("dead", 4, "HTTP 500")]
    assert len(mailbox.got) == 1
    assert len({body["id"] for body in gateway.bodies}) == 1
    assert len(gateway.got) == 4


async def test_where_nobody_listens_it_waits(database: Database, connection: Connection) -> None:
    ways = Ways(
        smtp_url=f"smtp://127.0.0.1:{closed_port()}?tls=none",
        mail_from="a@b.example",
        sms_url=f"http://127.0.0.1:{closed_port()}/",
    )
    await tell(connection, await dossier(connection, 1, "{email,sms}"), Trigger.ACCEPTED)
    await send(database, ways)
    assert [row[:2] for row in await states(connection)] == [("dead", 4), ("dead", 4)]


@pytest.mark.parametrize("what", ["cut", "stall"])
async def test_a_mail_that_may_have_arrived_is_never_repeated(
    database: Database, connection: Connection, mailbox: MailBox, ways: Ways, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracking.notices.mail.Mailer.__init__.__defaults__", (0.5,))
    mailbox.plan = [what]
    await tell(connection, await dossier(connection, 1, "{email}"), Trigger.ACCEPTED)
    await send(database, ways)
    assert await states(connection) == [("dead", 1, "uncertain")]
    assert len(mailbox.got) == 1


@pytest.mark.parametrize("what", ["cut", "stall"])
async def test_an_sms_that_may_have_arrived_is_repeated_under_its_name(
    database: Database, connection: Connection, gateway: Http, ways: Ways, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracking.notices.sms.SmsGateway.__init__.__defaults__", (0.5,))
    gateway.plan = [what]
    await tell(connection, await dossier(connection, 1, "{sms}"), Trigger.ACCEPTED)
    await send(database, ways)
    assert await states(connection) == [("sent", 2, None)]
    assert [body["id"] for body in gateway.bodies] == [gateway.bodies[0]["id"]] * 2


async def test_what_can_never_arrive_is_dead_at_once(
    database: Database, connection: Connection, mailbox: MailBox, gateway: Http, ways: Ways
) -> None:
    mailbox.plan, gateway.plan = ["refuse-recipient"], [400, 404]
    for serial, address in ((1, EMAIL), (2, "x@y.example\r\nBcc: z@y.example")):
        code = await dossier(connection, serial, "{email,sms}")
        await connection.execute("UPDATE applicant SET email = $2 WHERE code = $1", code.text, address)
        await tell(connection, code, Trigger.ACCEPTED)
    await send(database, ways)
    found = await states(connection)
    assert {row[:2] for row in found} == {("dead", 1)}
    assert {row[2] for row in found} == {"SMTP 550 recipient refused", "malformed address", "HTTP 400", "HTTP 404"}
    assert mailbox.got == []


async def test_what_is_not_configured_is_said(database: Database, connection: Connection) -> None:
    await tell(connection, await dossier(connection, 1), Trigger.ACCEPTED)
    await send(database, Ways())
    assert sorted(await states(connection), key=str) == [("dead", 1, "not configured")] * 2 + [("waiting", 0, None)]


async def test_messages_of_one_dossier_keep_their_order(
    database: Database, connection: Connection, mailbox: MailBox, ways: Ways
) -> None:
    mailbox.plan = ["busy-recipient", "busy-recipient"]
    code = await dossier(connection, 1, "{email}")
    triggers = (Trigger.ACCEPTED, Trigger.SUPPLEMENT, Trigger.COMPLETED, Trigger.RETURNED)
    for trigger in triggers:
        await tell(connection, code, trigger)
    await send(database, ways)
    subjects = [mail["Subject"] for mail in mailbox.got]
    words = ("tiếp nhận", "bổ sung", "kết quả", "cảm ơn")
    assert len(subjects) == len(words)
    assert all(word in subject for word, subject in zip(words, subjects, strict=True)), subjects


async def test_what_a_dead_worker_was_sending(
    database: Database, connection: Connection, mailbox: MailBox, gateway: Http, ways: Ways
) -> None:
    """Its rows stay "sending"; past the grace the e-mail is for a person to decide, the SMS goes out again."""
    await tell(connection, await dossier(connection, 1, "{email,sms}"), Trigger.ACCEPTED)
    await connection.execute(
        "UPDATE message SET state = 'sending', attempts = 1, next_at = now() + interval '2 minutes'"
    )
    async with sending(database, ways, patience=SHORT, pace=QUICK):
        await asyncio.sleep(0.5)
        assert await states(connection) == [("sending", 1, None)] * 2
        await connection.execute("UPDATE message SET next_at = now() - interval '1 second'")
        await until(database, all_ended)
    assert await states(connection) == [("dead", 1, "uncertain"), ("sent", 2, None)]
    assert (len(mailbox.got), len(gateway.got)) == (0, 1)


def _work(url: str, ways: Ways) -> None:
    async def work() -> None:
        database = await Database.connect(url, size=3, deadlines=Deadlines(acquire=2, command=5))
        async with sending(database, ways, patience=SHORT, pace=QUICK):
            await asyncio.sleep(60)

    asyncio.run(work())


async def test_a_worker_that_is_killed_in_the_middle(
    database: Database, database_url: str, connection: Connection, mailbox: MailBox, ways: Ways
) -> None:
    mailbox.plan = ["stall"]
    await tell(connection, await dossier(connection, 1, "{email}"), Trigger.ACCEPTED)
    worker = multiprocessing.get_context("spawn").Process(target=_work, args=(database_url, ways))
    worker.start()
    try:
        async with asyncio.timeout(30):
            while not mailbox.got:
                await asyncio.sleep(0.05)
    finally:
        worker.kill()
        await asyncio.to_thread(worker.join, 10)
    assert await states(connection) == [("sending", 1, None)]
    left = await connection.fetchval("SELECT next_at - now() FROM message")
    assert timedelta(seconds=60) < left <= timedelta(seconds=120)
    await connection.execute("UPDATE message SET next_at = now()")
    await send(database, ways)
    assert await states(connection) == [("dead", 1, "uncertain")]
    assert len(mailbox.got) == 1


async def test_stopping_is_quick_and_knows_how_far_each_had_come(
    database: Database, connection: Connection, mailbox: MailBox, gateway: Http, ways: Ways
) -> None:
    mailbox.plan, gateway.plan = ["stall"], ["stall"]
    await tell(connection, await dossier(connection, 1, "{email,sms}"), Trigger.ACCEPTED)
    async with sending(database, ways, patience=SHORT, pace=QUICK):
        async with asyncio.timeout(10):
            while not (mailbox.got and gateway.got):
                await asyncio.sleep(0.02)
        began = time.monotonic()
    assert time.monotonic() - began < 5  # 2 s of ours; the machine may be busy
    assert await states(connection) == [("dead", 1, "uncertain"), ("waiting", 1, "stopped")]


async def test_a_database_that_cuts_its_connections_is_survived(
    database: Database, connection: Connection, mailbox: MailBox, ways: Ways, database_url: str, servers: Servers
) -> None:
    import asyncpg

    admin = await asyncpg.connect(servers.postgres_url.replace("//motcua@", "//postgres@"))
    name = database_url.rsplit("/", 1)[1]
    codes = [await dossier(connection, serial, "{email}") for serial in range(1, 9)]
    async with sending(database, ways, patience=SHORT, pace=QUICK):
        for code in codes:
            one = await asyncpg.connect(database_url)
            await tell(one, code, Trigger.ACCEPTED)
            await one.close()
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        one = await asyncpg.connect(database_url)
        async with asyncio.timeout(20):
            while not await all_ended(one):
                await asyncio.sleep(0.05)
    assert {row[0] for row in await states(one)} == {"sent"}
    assert len(mailbox.got) == len(codes)
    await one.close()
    await admin.close()


async def test_nothing_personal_is_logged_or_counted(
    database: Database,
    connection: Connection,
    mailbox: MailBox,
    gateway: Http,
    ways: Ways,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mailbox.plan, gateway.plan = ["refuse-recipient", "cut"], [400, "cut"]
    codes = [await dossier(connection, serial) for serial in (1, 2, 3)]
    for code in codes:
        await tell(connection, code, Trigger.ACCEPTED)
    await send(database, ways)
    out, err = capfd.readouterr()
    logged = out + err
    assert "not_sent" in logged
    from prometheus_client import generate_latest

    metrics = generate_latest(catalogue.registry).decode()
    assert 'motcua_messages_total{channel="email",state="dead"}' in metrics
    assert 'motcua_messages_open{channel="phone",state="waiting"}' in metrics
    for secret in (NAME, "Bưởi", PHONE, "912345678", EMAIL, codes[0].text, "gateway-secret"):
        assert secret not in logged + metrics
    errors = {row[2] for row in await states(connection)}
    assert not any(secret in str(error) for secret in (PHONE, EMAIL, NAME) for error in errors)


async def test_the_gateways_word_on_when_is_kept(gateway: Http) -> None:
    import aiohttp

    gateway.plan, gateway.more = [429], {"Retry-After": "7"}
    async with aiohttp.ClientSession() as session:
        outcome = await SmsGateway(session, gateway.base, None).send("k", PHONE, "x", Progress())
    assert (outcome.error, outcome.after) == ("HTTP 429", 7)


async def test_a_stop_before_anything_was_said_costs_no_attempt(database: Database, connection: Connection) -> None:
    """A mail server that greets nobody: the text was not handed over."""
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    await tell(connection, await dossier(connection, 1, "{email}"), Trigger.ACCEPTED)
    ways = Ways(smtp_url=f"smtp://127.0.0.1:{port}?tls=none", mail_from="a@b.example")
    async with sending(database, ways, patience=SHORT, pace=QUICK):
        await until(database, is_sending)
    assert await states(connection) == [("waiting", 0, "stopped")]
    silent.close()


async def is_sending(connection: Connection) -> bool:
    return [row[0] for row in await states(connection)] == ["sending"]
