"""The schema: brought up to date once, by one runner, without stopping anybody; and the rules that tables keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from kit.database import Database
from kit.migrations import Migration, MigrationError, load, migrate
from service.housekeeping import tidy

if TYPE_CHECKING:
    from tests.conftest import Servers

OURS = load("service")
SCHEMA = """
    SELECT c.relkind::text || ' ' || c.relname AS thing,
           coalesce(string_agg(format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                    pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum), '')
               || coalesce(pg_get_indexdef(i.indexrelid), '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      LEFT JOIN pg_index i ON i.indexrelid = c.oid
     GROUP BY c.oid, c.relkind, c.relname, i.indexrelid
    UNION ALL
    SELECT 'constraint ' || conname || ' on ' || conrelid::regclass, pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'function ' || proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger ' || tgname || tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
     ORDER BY 1, 2
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def empty_url(servers: Servers, database_url: str) -> AsyncIterator[str]:
    """A database without anything in it, not even our tables."""
    name = database_url.rsplit("/", 1)[1] + "_empty"
    admin = await asyncpg.connect(servers.postgres_url.replace("//motcua@", "//postgres@"))
    await admin.execute(f"CREATE DATABASE {name} OWNER motcua")
    yield servers.database_url(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def step(number: int, sql: str) -> Migration:
    return Migration(number, f"{number:04d}_step.sql", sql)


async def test_what_ran_does_not_run_again(database_url: str) -> None:
    assert await migrate(database_url, OURS) == []


async def test_an_empty_database_gets_every_step_and_then_none(empty_url: str) -> None:
    assert await migrate(empty_url, OURS) == [migration.name for migration in OURS]
    assert await migrate(empty_url, OURS) == []


async def test_the_schema_is_the_sum_of_the_migrations(
    empty_url: str, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Step by step, as a database that grew up with the product ran them, and all at once, as a new one does."""
    for number in range(1, len(OURS) + 1):
        await migrate(empty_url, OURS[:number])
    grown = await asyncpg.connect(empty_url)
    try:
        schemas = [[tuple(row) for row in await one.fetch(SCHEMA)] for one in (grown, connection)]
    finally:
        await grown.close()
    assert len(schemas[0]) > 100
    assert schemas[0] == schemas[1]


async def test_a_step_that_was_changed_after_it_ran_is_noticed(database_url: str) -> None:
    changed = [replace(OURS[0], sql=OURS[0].sql + "\n"), *OURS[1:]]
    with pytest.raises(MigrationError, match=rf"migration {OURS[0].name} was changed after it ran"):
        await migrate(database_url, changed)


async def test_a_newer_database_is_refused(empty_url: str) -> None:
    await migrate(empty_url, [step(1, "SELECT 1"), step(2, "SELECT 1")])
    with pytest.raises(MigrationError, match=r"newer than this program: it has migration 0002_step\.sql"):
        await migrate(empty_url, [step(1, "SELECT 1")])


async def test_a_step_that_fails_leaves_nothing_and_names_itself(empty_url: str) -> None:
    bad = [step(1, "CREATE TABLE kept (a int)"), step(2, "CREATE TABLE half (a int); SELECT nonsense")]
    with pytest.raises(MigrationError, match=r"migration 0002_step\.sql failed: .*nonsense"):
        await migrate(empty_url, bad)
    fixed = [bad[0], step(2, "CREATE TABLE half (a int)")]
    assert await migrate(empty_url, fixed) == ["0002_step.sql"]


async def test_of_two_runners_one_waits(empty_url: str) -> None:
    slow = [step(1, "CREATE TABLE one (a int); SELECT pg_sleep(0.3)"), step(2, "CREATE TABLE two (a int)")]
    done = await asyncio.gather(migrate(empty_url, slow), migrate(empty_url, slow))
    assert sorted(done) == [[], ["0001_step.sql", "0002_step.sql"]]


async def test_a_locked_table_is_left_alone(database_url: str, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    more = [*OURS, step(len(OURS) + 1, "SET LOCAL lock_timeout = '200ms'; ALTER TABLE staff ADD COLUMN extra int")]
    async with connection.transaction():
        await connection.execute("LOCK TABLE staff IN ACCESS SHARE MODE")
        with pytest.raises(MigrationError, match="stayed locked"):
            await migrate(database_url, more)
    assert await migrate(database_url, more) == [more[-1].name]


async def test_no_server_is_one_clear_line() -> None:
    with pytest.raises(MigrationError, match=r"^cannot connect to PostgreSQL: [^\n]+$"):
        await migrate("postgresql://motcua@127.0.0.1:9/motcua", OURS)


@pytest.mark.parametrize("table", ["dossier_event", "ticket_event"])
async def test_events_are_only_added(connection: asyncpg.Connection[asyncpg.Record], table: str) -> None:
    if table == "dossier_event":
        await connection.execute("INSERT INTO dossier_event (code, version, action, to_status) VALUES ('x', 1, 'x', 1)")
    else:
        await connection.execute("INSERT INTO ticket_event (day, token, event, to_state) VALUES (now(), 'x', 'x', 'x')")
    partition = await connection.fetchval(f"SELECT tableoid::regclass::text FROM {table}")
    assert partition == f"{table}_{datetime.now(UTC):%Y%m}"
    changes = [f"{verb} {name}" for name in (table, partition) for verb in ("DELETE FROM", "UPDATE")]
    for change in [*(c + " SET at = at" if c.startswith("UPDATE") else c for c in changes), f"TRUNCATE {table}"]:
        with pytest.raises(asyncpg.PostgresError, match="is append-only"):
            await connection.execute(change)


async def test_a_wrong_dossier_is_refused(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await prepare_dossiers(connection)
    for change in (
        "status = 11",
        "channel = 'fax'",
        "finished_at = received_at - interval '1 s'",
        "appointment_changes = -1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"UPDATE dossier SET {change}")


async def prepare_dossiers(connection: asyncpg.Connection[asyncpg.Record], *years: int) -> None:
    await connection.execute("""
        INSERT INTO agency VALUES ('H26', '', '');
        INSERT INTO procedure VALUES ('1.1', '', '', '', '');
        INSERT INTO office (id, short_key, name, name_en, kind, valid_from) VALUES ('o1', 'o1', '', '', 'point', now());
        INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
        VALUES ('o1', 'a', 'a', 'a', 'A', 10, 0);
    """)
    for year in years or (2026,):
        await connection.execute(
            "INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,"
            " received_at) VALUES ($1::int, 'H26-' || $1::int || '0101-0001', '1.1', 'o1', 'H26', 'counter', 4, now())",
            year,
        )


async def add_ticket(connection: asyncpg.Connection[asyncpg.Record], day: date) -> None:
    await connection.execute(
        "INSERT INTO ticket (day, token, office_id, service_id, serial, number, priority, rank, state, issued_at)"
        " VALUES ($1, $1::date::text, 'o1', 'a', 1, 'A001', 'normal', 1, 'waiting', now())",
        day,
    )


async def test_partitions_are_made_once(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    until = (datetime.now(UTC) + timedelta(days=200)).date()
    assert await connection.fetchval("SELECT ensure_partitions($1)", until) > 0
    assert await connection.fetchval("SELECT ensure_partitions($1)", until) == 0


async def test_what_comes_in_the_next_months_has_its_place(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await prepare_dossiers(connection, 1999, 2015, 2026)
    days = [(datetime.now(UTC) + timedelta(days=days)).date() for days in (0, 31, 62, 85)]
    for day in days:
        await add_ticket(connection, day)
    found = await connection.fetch("SELECT day, tableoid::regclass::text AS place FROM ticket ORDER BY day")
    assert [row["place"] for row in found] == [f"ticket_{day:%Y%m}" for day in days]
    found = await connection.fetch("SELECT tableoid::regclass::text AS place FROM dossier ORDER BY code_year")
    assert [row["place"] for row in found] == ["dossier_other", "dossier_2015", "dossier_2026"]


async def test_a_row_that_came_too_early_does_not_stop_the_months_after(
    database: Database, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """A mistyped year, or a service that stood still for months: the rest must still get its partitions."""
    next_year = datetime.now(UTC).year + 1
    await prepare_dossiers(connection, next_year + 1)
    await add_ticket(connection, (datetime.now(UTC) + timedelta(days=150)).date())
    until = date(next_year + 1, 6, 30)
    await connection.fetchval("SELECT ensure_partitions($1)", until)
    for name in (f"ticket_{until:%Y%m}", f"ticket_event_{until:%Y%m}", f"dossier_{next_year}"):
        assert await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name), name
    assert await tidy(database)


async def test_tidying_is_one_workers_turn(database: Database, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute("""
        INSERT INTO idempotency_key (scope, key, body_sha256, made, at)
        VALUES ('s', 'old', '', '', now() - interval '3 days'), ('s', 'new', '', '', now());
    """)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('housekeeping', 0))")
        assert not await tidy(database)
    assert await tidy(database)
    assert [row["key"] for row in await connection.fetch("SELECT key FROM idempotency_key")] == ["new"]
