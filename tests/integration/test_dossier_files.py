"""Files between systems: steps, origins and what is worked on here at import; out of one database and into another."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from kit.database import Database, Deadlines
from office import catalogue
from tests.integration.conftest import OFFICE, SHOWN
from tracking.exchange.exports import Wanted, pages
from tracking.exchange.files import RowError
from tracking.exchange.imports import Outcome, import_file
from tracking.exchange.state import FIELDS
from tracking.store import dossier_topic

VIET_NAM = ZoneInfo("Asia/Ho_Chi_Minh")
DEMO = resources.files("service.demo")
ROW: dict[str, Any] = {
    "code": "H26.99-260921-0801", "procedure": "2.000815", "receiving_office": OFFICE, "competent_agency": "H26.99",
    "channel": "counter", "status": 4, "received_at": "2026-09-21T08:00:00+07:00",
}  # fmt: skip
STEPS = [
    {"at": "2026-09-21T08:00:00+07:00", "name": "Tiếp nhận", "status": 2},
    {"at": "2026-09-21T09:30:00+07:00", "name": "Chuyển xử lý", "status": 4, "agency": "Phòng Tư pháp"},
]


@pytest.fixture
async def demo(demo_database_url: str) -> AsyncIterator[Database]:
    """A pool on a database with the demo offices."""
    pool = await Database.connect(demo_database_url, size=2, deadlines=Deadlines(acquire=5, command=30))
    yield pool
    await pool.close()


async def take(database: Database, path: Path, *rows: dict[str, Any], **options: Any) -> Outcome:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with database.connection() as connection:
        return await import_file(connection, path, **{"skip_bad": False} | options)


async def fetch(database: Database, query: str, *arguments: object) -> list[tuple[Any, ...]]:
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]


EVENTS = "SELECT action, to_status, details ->> 'name' FROM dossier_event WHERE code = $1 ORDER BY id"


async def test_steps_are_kept_once(demo: Database, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    assert (await take(demo, path, ROW | {"steps": STEPS[:1] * 2})).added == 1
    expected = [("import", 4, None), ("step", 2, "Tiếp nhận")]
    assert sorted(await fetch(demo, EVENTS, ROW["code"])) == expected
    assert (await take(demo, path, ROW | {"steps": STEPS})).changed == 0  # the same dossier, one more step
    assert sorted(await fetch(demo, EVENTS, ROW["code"])) == sorted([*expected, ("step", 4, "Chuyển xử lý")])
    await take(demo, path, ROW | {"steps": STEPS})
    assert len(await fetch(demo, EVENTS, ROW["code"])) == 3


async def test_the_clock_the_origin_and_the_audit(demo: Database, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    done = {"status": 9, "finished_at": "2026-09-21T09:30:00+07:00", "outcome": "granted"}
    await take(demo, path, ROW | done, origin="igate")
    query = "SELECT origin, outcome, processing_minutes, handed_over_at, time_limit FROM dossier WHERE code = $1"
    ((origin, outcome, minutes, handed_over, limit),) = await fetch(demo, query, ROW["code"])
    assert (origin, outcome, minutes) == ("igate", "granted", 90)
    assert handed_over.isoformat() == "2026-09-21T01:00:00+00:00"
    assert limit is not None
    subject = f"import:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    assert await fetch(demo, "SELECT action, staff_id FROM audit WHERE subject = $1", subject) == [("import", None)]
    bad = await take(demo, tmp_path / "bad.jsonl", ROW | {"status": 99})
    assert not bad.kept
    assert len(await fetch(demo, "SELECT 1 FROM audit WHERE action = 'import' AND at > now() - interval '1 hour'")) == 2


async def test_what_is_worked_on_here_is_a_bad_row(demo: Database, tmp_path: Path) -> None:
    async with demo.connection() as connection:
        await connection.execute("UPDATE dossier SET origin = NULL WHERE code = $1", SHOWN)
        await connection.execute(
            "INSERT INTO dossier_event (code, version, action, to_status) VALUES ($1, 2, 'transfer', 4)", SHOWN
        )
    rows = [ROW, ROW | {"code": SHOWN, "version": 99, "status": 9}]
    refused = RowError(2, "code: the dossier is worked on in this system; an import cannot overwrite it")
    outcome = await take(demo, tmp_path / "d.jsonl", *rows)
    assert (outcome.kept, outcome.errors) == (False, [refused])
    assert await fetch(demo, "SELECT code FROM dossier WHERE code = $1", ROW["code"]) == []
    outcome = await take(demo, tmp_path / "d.jsonl", *rows, skip_bad=True)
    assert (outcome.added, outcome.changed, outcome.errors) == (1, 0, [refused])
    assert await fetch(demo, "SELECT status, version FROM dossier WHERE code = $1", SHOWN) == [(4, 1)]


async def test_changed_versions_in_bulk(demo: Database, tmp_path: Path) -> None:
    rows = [ROW | {"code": f"H26.99-260921-{number:04d}", "version": 3} for number in range(1000, 2000)]
    assert (await take(demo, tmp_path / "d.jsonl", *rows)).added == 1000
    newer = [row | {"status": 5, "version": 3 + number % 2} for number, row in enumerate(rows)]
    outcome = await take(demo, tmp_path / "d.jsonl", *newer)
    assert (outcome.added, outcome.changed) == (0, 500)
    query = "SELECT status, version, count(*) FROM dossier WHERE code >= $1 AND code < $2 GROUP BY 1, 2 ORDER BY 1"
    found = await fetch(demo, query, "H26.99-260921-1000", "H26.99-260921-2000")
    assert found == [(4, 3, 500), (5, 4, 500)]


async def answers(database: Database, codes: list[str]) -> dict[str, dict[str, Any]]:
    """What everybody sees of these dossiers, but for the moment it was read; a hidden one is empty."""
    found = {}
    for first in range(0, len(codes), 500):
        for snapshot in await dossier_topic(database).load(codes[first : first + 500]):
            body = orjson.loads(snapshot.body) if snapshot.body else {}
            found[snapshot.key] = {"version": snapshot.version} | body | {"as_of": None}
    return found


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
async def test_out_of_one_database_and_into_another(
    demo: Database, database: Database, tmp_path: Path, format_: Any
) -> None:
    with resources.as_file(DEMO / "dossiers.csv") as dossiers, resources.as_file(DEMO / "offices.toml") as offices:
        async with demo.connection() as connection:
            assert (await import_file(connection, dossiers, skip_bad=False)).kept
        async with database.transaction() as connection:
            await catalogue.write(connection, catalogue.read(offices))
    path = tmp_path / f"all.{format_}"
    with path.open("wb") as file:
        for number, (office,) in enumerate(await fetch(demo, "SELECT DISTINCT receiving_office FROM dossier")):
            wanted = Wanted(office, date(2020, 1, 1), date(2030, 1, 1), VIET_NAM)
            async for piece in pages(demo, wanted, format_):
                file.write(piece if number == 0 or not piece.startswith(b"code,") else b"")
    async with database.connection() as connection:
        outcome = await import_file(connection, path, skip_bad=False)
    codes = [code for (code,) in await fetch(demo, "SELECT code FROM dossier")]
    assert (outcome.added, outcome.errors) == (len(codes), [])
    assert await answers(database, codes) == await answers(demo, codes)
    columns = ", ".join({"procedure": "procedure_code"}.get(name, name) for name in FIELDS)
    every = f"SELECT {columns} FROM dossier ORDER BY code"
    assert await fetch(database, every) == await fetch(demo, every)


async def test_an_export_goes_on_where_it_broke_off(demo: Database, tmp_path: Path) -> None:
    rows = [ROW | {"code": f"H26.99-260921-{number:04d}"} for number in range(1000, 3500)]  # all of one moment
    await take(demo, tmp_path / "d.jsonl", *rows)
    wanted = Wanted(OFFICE, date(2026, 9, 21), date(2026, 9, 21), VIET_NAM)
    text = b"".join([piece async for piece in pages(demo, wanted, "csv")]).decode().splitlines()
    assert text[0] == ",".join(FIELDS)
    codes = [line.partition(",")[0] for line in text[1:]]
    assert len(codes) == len(set(codes)) == 2500 + 2
    assert [code for code in codes if code >= "H26.99"] == [row["code"] for row in rows]
    from tracking.codes import Code

    rest = Wanted(OFFICE, wanted.first, wanted.last, VIET_NAM, Code(codes[1700]))
    assert b"".join([piece async for piece in pages(demo, rest, "csv")]).decode().splitlines() == text[1702:]


async def test_nobody_waits_while_the_reader_is_slow(demo: Database, tmp_path: Path) -> None:
    rows = [ROW | {"code": f"H26.99-260921-{number:04d}"} for number in range(1000, 2500)]
    await take(demo, tmp_path / "d.jsonl", *rows)
    wanted = Wanted(OFFICE, date(2026, 9, 21), date(2026, 9, 21), VIET_NAM)
    async for _ in pages(demo, wanted, "jsonl"):
        held = await fetch(demo, "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                                 " AND state LIKE 'idle in transaction%'")  # fmt: skip
        assert held == []
        await asyncio.sleep(0)
