"""Every named query against the migrated database; plans of the hot ones; the call policy in SQL and in Python."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from kit import sql
from kit.database import Connection, Database
from kit.sql import Query
from tickets.policy import CallPolicy, next_ticket
from tickets.ticket import new_token

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    str(folder.parent.relative_to(ROOT)).removeprefix("queue/").replace("/", ".")
    for root in ("kit", "office", "service", "tracking", "queue/tickets")
    for folder in (ROOT / root).rglob("sql")
)
QUERIES = {query.name: query for package in PACKAGES for query in sql.load(package)}
DAY = datetime.now(UTC).date()
ROWS = 10_000


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    async with database.connection() as connection:
        yield connection


async def test_every_query_is_prepared(connection: Connection) -> None:
    async with connection.transaction():
        await QUERIES["dossier_staging"].run(connection)  # another one reads what this one makes
        for query in QUERIES.values():
            prepared = await connection.prepare(query.text)
            assert len(prepared.get_parameters()) == len(query.parameters), query.name


def test_no_query_asks_for_whatever_there_is() -> None:
    for query in QUERIES.values():
        selected = query.text.replace("count(*)", "")
        # A SELECT * over a temporary table made two lines before is the one that DDL cannot break.
        assert "*" not in selected or query.name == "dossiers_merge", query.name


@pytest.mark.parametrize("given", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}])
async def test_wrong_arguments_never_reach_the_server(connection: Connection, given: dict[str, int]) -> None:
    (query,) = sql.parse("-- name: two\nSELECT :a::int, :b::int")
    with pytest.raises((TypeError, KeyError)):
        await query.rows(connection, **given)
    assert await query.value(connection, a=1, b=2) == 1


@pytest.fixture
async def busy(connection: Connection) -> Connection:
    """10,000 rows in each table that grows, spread as at a busy day, and its statistics."""
    await connection.execute("""
        INSERT INTO agency SELECT 'H' || n, 'Agency', 'Agency' FROM generate_series(10, 40) AS n;
        INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
        SELECT 'office-' || n, 'o' || n, 'Office', 'Office', 'point', '2025-07-01' FROM generate_series(1, 30) AS n;
        INSERT INTO procedure SELECT '1.' || n, 'P', 'P', 'F', 'F' FROM generate_series(1, 200) AS n;
        INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
        SELECT 'office-' || n, id, id, id, upper(id), 10, 0
          FROM generate_series(1, 30) AS n, unnest('{a,b}'::text[]) AS id;
        INSERT INTO counter (id, office_id, name, position, skills, services, opened_at)
        SELECT 'counter-' || n, 'office-' || n, 'Counter', 0, '{a,b}', '{a,b}', now() FROM generate_series(1, 30) AS n;
        INSERT INTO staff (name, role, office_id, password_hash)
        SELECT 'clerk-' || n, 'clerk', 'office-' || n, '' FROM generate_series(1, 30) AS n;
    """)
    await connection.execute(f"""
        INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                             received_at)
        SELECT 2024 + n % 3, 'H26-2' || (4 + n % 3) || '0921-' || lpad(n::text, 5, '0'),
               '1.' || 1 + n % 200, 'office-' || 1 + n % 30, 'H' || 10 + n % 30, 'counter', 4, now()
          FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO dossier_event (at, code, version, action, to_status)
        SELECT now() - n * interval '1 second', 'H26-2' || (4 + n % 3) || '0921-' || lpad(n::text, 5, '0'), 1,
               CASE n % 2 WHEN 0 THEN 'import' ELSE 'step' END, 4
          FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO ticket (day, token, office_id, service_id, serial, number, priority, rank, state, issued_at,
                            ended_at)
        SELECT current_date, 'o' || 1 + n % 30 || '.1.' || lpad(n::text, 22, '0'), 'office-' || 1 + n % 30,
               CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, n, n::text, 'normal', 1,
               CASE n % 20 WHEN 0 THEN 'waiting' ELSE 'served' END, now() - n * interval '2 seconds',
               CASE n % 20 WHEN 0 THEN NULL ELSE now() - n * interval '1 second' END
          FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO outbox (topic, name, ready_at)
        SELECT 'hall', 'office-' || n % 30, now() FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO staff_session (token_sha256, staff_id, expires_at)
        SELECT sha256(n::text::bytea), 1 + n % 30, now() + interval '1 hour' FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO idempotency_key (scope, key, body_sha256, made)
        SELECT 'ticket office-1', n::text, '', '' FROM generate_series(1, {ROWS}) AS n;
    """)
    await connection.execute("ANALYZE")
    return connection


@dataclass(frozen=True)
class Scan:
    """One node of a plan that reads a table."""

    kind: str
    table: str
    index: str | None


async def scans(connection: Connection, query: Query, **given: object) -> list[Scan]:
    """How PostgreSQL runs the query, actually executed (and undone)."""
    arguments = [given[name] for name in query.parameters]
    transaction = connection.transaction()
    await transaction.start()
    try:
        (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT json) {query.text}", *arguments))
    finally:
        await transaction.rollback()
    return list(_scans(plan["Plan"]))


def _scans(node: dict[str, Any]) -> Iterator[Scan]:
    if "Relation Name" in node and node["Node Type"] != "ModifyTable" and node.get("Actual Loops", 1):
        yield Scan(node["Node Type"], node["Relation Name"], node.get("Index Name"))
    elif node["Node Type"] == "Bitmap Index Scan":
        yield Scan(node["Node Type"], "", node["Index Name"])
    for part in node.get("Plans", []):
        yield from _scans(part)


NOW = datetime.now(UTC)
PUSH_EVENT: dict[str, Any] = {
    "code": "H26-250921-00001", "version": 2, "status": 4, "office_id": "office-1", "from_status": 4, "staff_id": 1,
    "request_id": None, "steps": [{"at": NOW.isoformat(), "name": "Tiếp nhận"}],
}  # fmt: skip
EXPORTED: dict[str, Any] = {
    "year": 2025, "code": "H26-250921-00001", "office_id": "office-2",
    "since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1),
}  # fmt: skip
PLANS: list[tuple[str, dict[str, Any], str]] = [
    ("dossiers_read", {"years": [2025], "codes": ["H26-250921-00001"]}, "dossier"),
    ("hall_tickets", {"office_id": "office-7", "day": DAY}, "ticket"),
    ("hall_called", {"office_id": "office-7", "day": DAY}, "ticket"),
    ("hall_pace", {"office_id": "office-7", "day": DAY}, "ticket"),
    ("ticket_read", {"day": DAY, "token": "o8.1." + "7".zfill(22)}, "ticket"),
    ("counter_tickets", {"office_id": "office-7", "day": DAY, "counter_id": "counter-7"}, "ticket"),
    ("push_lock", {"year": 2025, "code": "H26-250921-00001"}, "dossier"),
    ("push_event", PUSH_EVENT, "dossier_event"),
    (
        "export_page",
        {"office_id": "office-2", "since": NOW, "until": NOW + timedelta(days=1), "after": "", "most": 1000},
        "dossier",
    ),
    ("export_after", EXPORTED, "dossier"),
    ("export_steps", {"codes": ["H26-250921-00001", "H26-260921-00002"]}, "dossier_event"),
    ("outbox_claim", {"ahead": timedelta(), "topics": ["dossier", "hall"]}, "outbox"),
    ("outbox_pending", {"topic": "hall", "name": "office-7"}, "outbox"),
    ("session_read", {"token_sha256": b"x" * 32, "idle": timedelta(minutes=30)}, "staff_session"),
    ("idempotency_read", {"scope": "ticket office-1", "key": "77"}, "idempotency_key"),
]
CALL: dict[str, Any] = {
    "counter_id": "counter-1", "day": DAY, "key": None, "staff_id": None,
    "priority_bound": 2, "escape": timedelta(), "listed": False,
}  # fmt: skip


async def test_hot_queries_use_their_indexes(busy: Connection) -> None:
    empty = {row["relname"] for row in await busy.fetch("SELECT relname FROM pg_class WHERE relpages = 0")}
    for name, given, table in PLANS:
        found = await scans(busy, QUERIES[name], **given)
        of_table = [scan for scan in found if scan.table.startswith(table) and not scan.table.startswith("ticket_s")]
        of_table = [scan for scan in of_table if scan.table not in empty]  # nothing is quicker there than to look
        assert of_table, (name, found)
        assert "Seq Scan" not in {scan.kind for scan in of_table}, (name, of_table)
        assert any(scan.index for scan in found), (name, found)


SCANS = "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = $1"


@pytest.mark.parametrize("escape", [timedelta(), timedelta(hours=2)])
async def test_a_call_reads_tickets_by_their_indexes(busy: Connection, escape: timedelta) -> None:
    await busy.execute("UPDATE ticket SET rank = 0, called_at = ended_at WHERE serial % 7 = 0; ANALYZE ticket")
    async with busy.transaction():
        before = await busy.fetchrow(SCANS, f"ticket_{DAY:%Y%m}")
        for listed in (False, True):
            given = CALL | {"counter_id": "counter-11", "listed": listed, "escape": escape, "priority_bound": 20}
            assert await QUERIES["ticket_call_next"].value(busy, **given) is not None
        after = await busy.fetchrow(SCANS, f"ticket_{DAY:%Y%m}")
    assert before is not None
    assert after is not None
    assert after["seq_scan"] == before["seq_scan"]
    assert after["idx_scan"] >= before["idx_scan"] + 4


async def test_a_look_up_touches_one_partition(busy: Connection) -> None:
    found = await scans(busy, QUERIES["dossiers_read"], years=[2025], codes=["H26-250921-00001"])
    assert {scan.table for scan in found if scan.table.startswith("dossier")} == {"dossier_2025"}
    both = await scans(
        busy, QUERIES["dossiers_read"], years=[2025, 2026], codes=["H26-250921-00001", "H26-260921-00002"]
    )
    assert {scan.table for scan in both if scan.table.startswith("dossier")} == {"dossier_2025", "dossier_2026"}
    found = await scans(busy, QUERIES["ticket_read"], day=DAY, token="o8.1." + "7".zfill(22))
    assert {scan.table for scan in found if scan.table.startswith("ticket")} == {f"ticket_{DAY:%Y%m}"}


@dataclass(frozen=True)
class Waiting:
    """What the policy sees of a row."""

    token: str
    service: str
    rank: int
    issued_at: datetime


async def add_office(connection: Connection) -> None:
    """An office with services a, b and c and three open counters: for a, for c and a, for all."""
    await connection.execute("""
        INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
        VALUES ('office-1', 'o1', '', '', 'point', now());
        INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
        SELECT 'office-1', id, id, id, upper(id), 10, 0 FROM unnest('{a,b,c}'::text[]) AS id;
        INSERT INTO counter (id, office_id, name, position, skills, services, opened_at)
        SELECT 'counter-' || n, 'office-1', '', n, '{a,b,c}', services::text[], now()
          FROM unnest('{"{c,a,b}","{a}","{c,a}"}'::text[]) WITH ORDINALITY AS each (services, n);
    """)


SERVICES = {"counter-1": ("c", "a", "b"), "counter-2": ("a",), "counter-3": ("c", "a")}


async def add_line(connection: Connection, random: Random, people: int) -> list[Waiting]:
    """A random line at that office, with ties, the last one half a minute ago and the first 20 minutes before."""
    last = datetime.now(UTC) - timedelta(seconds=30)
    line = [
        Waiting(
            new_token("o1", DAY).text,
            random.choice("abc"),
            int(random.random() < 0.6),
            last - timedelta(minutes=random.randrange(20)),
        )
        for _ in range(people)
    ]
    await connection.executemany(
        "INSERT INTO ticket (day, token, office_id, service_id, serial, number, priority, rank, state, issued_at)"
        " SELECT $1, $2, 'office-1', $3, 1 + count(*), '', 'normal', $4, 'waiting', $5 FROM ticket",
        [(DAY, one.token, one.service, one.rank, one.issued_at) for one in line],
    )
    return line


async def test_the_database_calls_whom_the_policy_calls(connection: Connection) -> None:
    await add_office(connection)
    for seed in range(30):
        random = Random(seed)
        await connection.execute("TRUNCATE ticket")
        policy = CallPolicy(
            random.randrange(5), random.choice((0, 0, 3, 10)), random.choice(("oldest_ticket", "listed"))
        )
        line, called = await add_line(connection, random, 25), list[Waiting]()
        while line:
            counter = random.choice(tuple(SERVICES))
            expected = next_ticket(line, called, SERVICES[counter], policy, datetime.now(UTC))
            given = CALL | {"counter_id": counter, "priority_bound": policy.priority_bound, "escape": policy.escape}
            token = await QUERIES["ticket_call_next"].value(connection, **given | {"listed": policy.listed})
            assert token == (expected.token if expected else None), (seed, policy)
            if expected is not None:
                line.remove(expected)
                called.append(expected)
            if len(called) in (8, 16):
                line += await add_line(connection, random, 4)
        for counter in SERVICES:
            assert await QUERIES["ticket_call_next"].value(connection, **CALL | {"counter_id": counter}) is None


async def test_the_hall_reads_every_call_that_the_policy_counts(connection: Connection) -> None:
    await add_office(connection)
    for seed in range(10):
        random = Random(seed)
        await connection.execute("TRUNCATE ticket")
        line, called = await add_line(connection, random, 40), list[Waiting]()
        for _ in range(20):
            token = await QUERIES["ticket_call_next"].value(connection, **CALL)
            called.append(next(one for one in line if one.token == token))
            line.remove(called[-1])
        await connection.execute("UPDATE ticket SET state = 'served' WHERE state = 'called' AND serial % 2 = 0")
        rows = await QUERIES["hall_called"].rows(connection, office_id="office-1", day=DAY)
        read = [Waiting(*row.values()) for row in rows]
        for services in SERVICES.values():
            args = (services, CallPolicy(random.randrange(5)), datetime.now(UTC))
            assert next_ticket(line, read, *args) == next_ticket(line, called, *args)


async def test_a_closed_counter_calls_nobody(connection: Connection) -> None:
    await add_office(connection)
    await add_line(connection, Random(0), 5)
    await connection.execute("UPDATE counter SET opened_at = NULL")
    call = QUERIES["ticket_call_next"]
    assert await call.value(connection, **CALL) is None
    await connection.execute("UPDATE counter SET opened_at = now()")
    assert await call.value(connection, **CALL | {"day": date(2020, 1, 1)}) is None
    assert await call.value(connection, **CALL | {"counter_id": "no-such-counter"}) is None
    assert await call.value(connection, **CALL) is not None


async def test_numbers_are_contiguous_and_in_the_order_of_issue(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("""
            INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
            VALUES ('office-1', 'o1', '', '', 'point', now());
            INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
            VALUES ('office-1', 'a', 'a', 'a', 'A', 10, 0);
        """)

    async def issue() -> asyncpg.Record | None:
        async with database.connection() as connection:
            token = new_token("o1", DAY).text
            return await QUERIES["ticket_issue"].row(
                connection, scope="s", key=token, body_sha256=b"", token=token, office_id="office-1", service_id="a",
                day=DAY, prefix="A", priority="normal", rank=1, phone=None, dossier_code=None,
            )  # fmt: skip

    rows = [row for row in await asyncio.gather(*(issue() for _ in range(100))) if row is not None]
    rows.sort(key=lambda row: row["issued_at"])
    assert [row["number"] for row in rows] == [f"A{serial:03d}" for serial in range(1, 101)]
    assert len({row["issued_at"] for row in rows}) == 100
