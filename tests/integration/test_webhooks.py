"""Events for other systems: signed, at least once, replayed by number, none skipped; who may set webhooks up."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from kit.database import Connection, Database
from tests.integration.outside import (
    QUICK,
    SHORT,
    Http,
    all_ended,
    closed_port,
    dossier,
    prepare,
    states,
    tell,
    until,
)
from tracking.notices.queue import Trigger, queries
from tracking.notices.sending import Ways, sending
from tracking.notices.webhooks import new_secret

if TYPE_CHECKING:
    from tests.integration.conftest import Site

PRIVATE = Ways(webhook_private=True)
FIELDS = {"event", "at", "code", "office", "agency", "procedure", "status", "status_name", "version"}


@pytest.fixture
async def receiver() -> AsyncIterator[Http]:
    server = Http()
    async with server.running():
        yield server


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    async with database.connection() as connection:
        await prepare(connection)
        yield connection


async def webhook(connection: Connection, url: str, office: str | None = None) -> tuple[int, str]:
    secret = new_secret()
    row = await queries.webhook_add.row(connection, url=url, secret=secret, office_id=office)
    assert row is not None
    return row["id"], secret


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Computed here from the specification alone."""
    key = base64.b64decode(secret[len("whsec_") :])
    content = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    mine = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{mine}"


async def send(database: Database, ways: Ways = PRIVATE) -> None:
    async with sending(database, ways, patience=SHORT, pace=QUICK):
        await until(database, all_ended)


async def test_a_change_is_told_signed_and_bare(database: Database, connection: Connection, receiver: Http) -> None:
    every, secret = await webhook(connection, f"{receiver.base}/all")
    await webhook(connection, f"{receiver.base}/other", "o2")
    removed, _ = await webhook(connection, f"{receiver.base}/removed")
    await queries.webhook_remove.value(connection, id=removed)
    code = await dossier(connection, 1)
    hidden = await dossier(connection, 2, public=False)
    event = await tell(connection, code, Trigger.COMPLETED, status=9, version=5)
    await tell(connection, hidden, Trigger.COMPLETED, status=9)
    await tell(connection, code, Trigger.ANSWERED)
    await send(database)
    ((headers, body),), (told,) = receiver.got, receiver.bodies
    assert is_signed(secret, headers, body)
    assert headers["webhook-id"] == f"event_{event}_{every}"
    assert set(told) == FIELDS
    shown = {name: told[name] for name in FIELDS - {"at"}}
    assert shown == {
        "event": event, "code": code.text, "office": "o1", "agency": "H26", "procedure": "1.1", "status": 9,
        "status_name": "completed", "version": 5,
    }  # fmt: skip
    assert [row[0] for row in await states(connection, "webhook_delivery")] == ["sent"]


@pytest.mark.parametrize("what", [500, 404, 301, "cut"])
async def test_a_failure_is_repeated_under_the_same_name(
    database: Database, connection: Connection, receiver: Http, what: int | str
) -> None:
    _, secret = await webhook(connection, receiver.base)
    receiver.plan, receiver.more = [what], {"Location": "/elsewhere"}
    await tell(connection, await dossier(connection, 1))
    await send(database)
    assert await states(connection, "webhook_delivery") == [("sent", 2, None)]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert all(is_signed(secret, headers, body) for headers, body in receiver.got)


async def test_one_that_never_answers_is_dead_and_does_not_hold_up_the_others(
    database: Database, connection: Connection, receiver: Http
) -> None:
    await webhook(connection, f"http://127.0.0.1:{closed_port()}/")
    await webhook(connection, receiver.base)
    for serial in range(1, 4):
        await tell(connection, await dossier(connection, serial))
    await connection.execute("UPDATE webhook_delivery SET attempts = 3 WHERE webhook_id = 1")
    await send(database)
    rows = await connection.fetch("SELECT webhook_id, state, count(*) FROM webhook_delivery GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in rows] == [(1, "dead", 3), (2, "sent", 3)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
async def test_inner_addresses_are_not_reached(
    database: Database, connection: Connection, receiver: Http, host: str
) -> None:
    await webhook(connection, receiver.base.replace("127.0.0.1", host))
    await tell(connection, await dossier(connection, 1))
    await connection.execute("UPDATE webhook_delivery SET attempts = 3")
    await send(database, Ways())
    assert receiver.got == []
    assert [row[:2] for row in await states(connection, "webhook_delivery")] == [("dead", 4)]


async def test_what_a_dead_worker_was_sending_is_sent_again(
    database: Database, connection: Connection, receiver: Http
) -> None:
    await webhook(connection, receiver.base)
    await tell(connection, await dossier(connection, 1))
    await connection.execute("UPDATE webhook_delivery SET state = 'sending', attempts = 1, next_at = now()")
    await send(database)
    assert await states(connection, "webhook_delivery") == [("sent", 2, None)]


async def test_a_reader_misses_no_event(connection: Connection, database_url: str) -> None:
    """A transaction that began later draws a smaller number and commits after its neighbour was read: by numbers alone
    the reader would pass it by.
    """

    async def read(after: int, most: int = 100) -> list[int]:
        rows = await queries.events_read.rows(connection, after=after, most=most, office_id=None)
        return [row["event"] for row in rows]

    code = await dossier(connection, 1)
    insert = "INSERT INTO dossier_event (code, version, action, to_status) VALUES ($1, 1, 'x', 4) RETURNING id"
    first = await connection.fetchval(insert, code.text)
    early, late = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    one, two = early.transaction(), late.transaction()
    await one.start()
    await early.fetchval("SELECT pg_current_xact_id()::text")
    await two.start()
    small = await late.fetchval(insert, code.text)
    large = await early.fetchval(insert, code.text)
    await one.commit()
    assert small < large
    assert await read(0) == [first, large]
    await two.commit()
    third = await connection.fetchval(insert, code.text)
    assert await read(large) == [small, third]
    assert await read(0) == [first, large, small, third]
    assert await read(0, 2) == [first, large]
    assert await read(third) == await read(third + 100) == []
    await early.close()
    await late.close()


async def test_events_and_their_replay(database: Database, connection: Connection, receiver: Http) -> None:
    hook, _ = await webhook(connection, receiver.base, "o1")
    events = [await tell(connection, await dossier(connection, serial)) for serial in (1, 2, 3)]
    await send(database)
    rows = await queries.events_read.rows(connection, after=events[0], most=10, office_id="o1")
    again = {"events": [row["event"] for row in rows], "moments": [row["at"] for row in rows]}
    assert again["events"] == events[1:]
    assert await queries.deliveries_replay.value(connection, webhook_id=hook, **again) == 2
    assert await queries.deliveries_replay.value(connection, webhook_id=hook, **again) == 0
    await send(database)
    assert sorted(body["event"] for body in receiver.bodies) == sorted([*events, *events[1:]])
    assert not [
        row["shown"]
        for row in await queries.events_read.rows(connection, after=0, most=9, office_id="o2")
        if row["shown"]
    ]


async def ask(site: Site, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    status, _, answer = await site.ask(method, path, body, headers=await site.sign_in(who))
    return status, answer


async def test_setting_webhooks_up(site: Site) -> None:
    hooks = "/api/v1/webhooks"
    status, made = await ask(site, "admin", "POST", hooks, {"url": "https://hook.example/x", "office": "demo-24h"})
    assert status == 201
    assert made["secret"].startswith("whsec_")
    status, shown = await ask(site, "admin", "GET", hooks)
    assert made["secret"] not in str(shown)
    assert [(one["id"], one["dead"]) for one in shown["webhooks"]] == [(made["id"], 0)]
    for body, field in (
        ({"url": "http://127.0.0.1/x"}, "url"),
        ({"url": "http://10.1.2.3/x"}, "url"),
        ({"url": "ftp://hook.example"}, "url"),
        ({"url": "https://u:p@hook.example/"}, "url"),
        ({"url": "https://hook.example", "office": "nowhere"}, "office"),
        ({"url": "https://hook.example", "office": "No Office"}, "office"),
        ({"office": "demo-24h"}, "url"),
        ({"url": "https://hook.example", "secret": "x"}, "secret"),
    ):
        status, answer = await ask(site, "admin", "POST", hooks, body)
        assert (status, [error["field"] for error in answer["errors"]]) == (400, [field])
    replay = f"{hooks}/{made['id']}/replay"
    assert (await ask(site, "admin", "POST", replay, {"after": -1}))[0] == 400
    status, answer = await ask(site, "admin", "POST", replay, {"after": 0})
    assert status == 200
    assert answer["queued"] >= 1
    assert (await ask(site, "admin", "POST", replay, {"after": answer["next"]}))[1] == {
        "queued": 0, "next": answer["next"]
    }  # fmt: skip
    assert (await ask(site, "admin", "DELETE", f"{hooks}/{made['id']}"))[0] == 204
    gone: list[tuple[str, str, object]] = [
        ("DELETE", f"{hooks}/{made['id']}", None),
        ("DELETE", f"{hooks}/nonsense", None),
        ("POST", replay, {"after": 0}),
    ]
    for method, path, sent in gone:
        assert (await ask(site, "admin", method, path, sent))[0] == 404


async def test_reading_events(site: Site) -> None:
    status, answer = await ask(site, "admin", "GET", "/api/v1/events?limit=1")
    assert status == 200
    status, rest = await ask(site, "admin", "GET", f"/api/v1/events?after={answer['next']}&limit=500")
    events = answer["events"] + rest["events"]
    assert events
    assert all(set(event) == FIELDS for event in events)
    assert not any(event["code"].endswith("-0002") for event in events if event["code"].startswith("H26.18-260921"))
    _, own = await ask(site, "supervisor", "GET", "/api/v1/events?limit=500")
    assert {event["office"] for event in own["events"]} == {"demo-24h"}
    _, end = await ask(site, "admin", "GET", f"/api/v1/events?after={rest['next']}")
    assert end == {"events": [], "next": rest["next"]}
    for query in ("after=-1", "after=x", "after=99999999999999999999", "limit=0", "limit=501", "limit=1.5", "after="):
        status, problem = await ask(site, "admin", "GET", f"/api/v1/events?{query}")
        assert (status, problem["errors"][0]["field"]) == (400, query.partition("=")[0])
