"""Other one-stop systems over HTTP: pushed states, idempotent by version, and an office's dossiers as a file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any

from service.openapi import document
from tests.integration.conftest import HIDDEN, OFFICE, SHOWN, Site
from tests.integration.test_openapi import check

NEW = "H26.99-260921-0701"
BODY: dict[str, Any] = {
    "procedure": "2.000815",
    "receiving_office": OFFICE,
    "competent_agency": "H26.99",
    "channel": "counter",
    "status": 4,
    "received_at": "2026-09-21T08:00:00+07:00",
    "due_at": "2026-09-24T17:00:00+07:00",
    "appointment_on": "2026-09-24",
    "appointment_changes": 0,
    "version": 5,
}
STEPS = [
    {"at": "2026-09-21T08:00:00+07:00", "name": "Tiếp nhận", "status": 2},
    {"at": "2026-09-21T09:30:00+07:00", "name": "Chuyển xử lý", "status": 4, "agency": "Phòng Tư pháp"},
]
TEMPLATE = "/api/v1/dossiers/{code}"


async def push(site: Site, who: dict[str, str], code: str = NEW, **other: Any) -> tuple[int, Any]:
    status, headers, body = await site.ask("PUT", f"/api/v1/dossiers/{code}", BODY | other, headers=who)
    check("PUT", TEMPLATE, status, headers["Content-Type"].partition(";")[0], body)
    return status, body


async def fetch(site: Site, query: str, *arguments: object) -> list[tuple[Any, ...]]:
    async with site.database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]


async def test_a_push_from_first_to_last(site: Site) -> None:
    who = await site.sign_in("supervisor")
    assert await push(site, who, steps=STEPS[:1]) == (201, {"code": NEW, "version": 5, "changed": True})
    shown = (await site.ask("GET", f"/api/v1/dossiers/{NEW}"))[2]
    assert (shown["status"], shown["version"], shown["appointment_on"]) == (4, 5, "2026-09-24")

    for version in (5, 4, 1):  # repeated and late ones change nothing, whatever they say
        answer = await push(site, who, version=version, status=9, steps=STEPS)
        assert answer == (200, {"code": NEW, "version": 5, "changed": False})
    done: dict[str, Any] = {
        "status": 10, "finished_at": "2026-09-23T10:00:00+07:00", "returned_at": "2026-09-23T11:00:00+07:00",
    }  # fmt: skip
    assert await push(site, who, version=9, outcome="granted", steps=STEPS, **done) == (
        200, {"code": NEW, "version": 9, "changed": True},
    )  # fmt: skip
    shown = (await site.ask("GET", f"/api/v1/dossiers/{NEW}"))[2]
    assert (shown["status"], shown["version"], shown["late"]) == (10, 9, False)

    events = await fetch(
        site, "SELECT action, version, from_status, to_status, staff_id IS NULL, details FROM dossier_event"
        " WHERE code = $1 ORDER BY id", NEW,
    )  # fmt: skip
    by_action = {action: [event[1:] for event in events if event[0] == action] for action in ("push", "step")}
    assert by_action["push"] == [(5, None, 4, False, None), (9, 4, 10, False, None)]
    assert by_action["step"] == [
        (5, None, 2, True, {"name": "Tiếp nhận"}),
        (9, None, 4, True, {"name": "Chuyển xử lý", "agency": "Phòng Tư pháp"}),
    ]
    stored = await fetch(
        site, "SELECT origin, outcome, handed_over_at, processing_minutes FROM dossier WHERE code = $1", NEW
    )
    assert stored[0][:2] == ("push", "granted")
    assert stored[0][2].isoformat() == "2026-09-21T01:00:00+00:00"
    assert stored[0][3] > 0
    audit = await fetch(site, "SELECT action, version FROM audit WHERE subject = $1 ORDER BY id", f"dossier:{NEW}")
    assert audit == [("push", 5), ("push", 9)]


async def test_pushes_out_of_order_end_at_the_latest(site: Site) -> None:
    who = await site.sign_in("admin")
    versions = [7, 3, 12, 1, 9, 12, 11, 2]
    statuses = {version: 2 + version % 5 for version in versions}
    answers = await asyncio.gather(
        *(push(site, who, version=version, status=statuses[version]) for version in versions)
    )
    assert {status for status, _ in answers} <= {200, 201}
    assert [status for status, _ in answers].count(201) == 1
    assert sum(body["changed"] for _, body in answers if body["version"] == 12) == 1
    assert await fetch(site, "SELECT version, status FROM dossier WHERE code = $1", NEW) == [(12, statuses[12])]
    stored = [row[0] for row in await fetch(
        site, "SELECT version FROM dossier_event WHERE code = $1 AND action = 'push' ORDER BY id", NEW
    )]  # fmt: skip
    assert stored == sorted(set(stored))


async def test_the_origin_is_remembered(site: Site) -> None:
    who = await site.sign_in("supervisor")
    await push(site, who, origin="igate-h26")
    assert await fetch(site, "SELECT origin, public FROM dossier WHERE code = $1", NEW) == [("igate-h26", True)]
    await push(site, who, code=HIDDEN, version=6)
    assert (await site.ask("GET", f"/api/v1/dossiers/{HIDDEN}"))[0] == 404  # what is hidden stays so


async def test_the_webhooks_hear_of_a_push_once(site: Site) -> None:
    who = await site.sign_in("supervisor")
    async with site.database.connection() as connection:
        await connection.execute(
            "INSERT INTO webhook (url, secret, office_id) VALUES ('http://127.0.0.1:9/hook', $1, $2)", "s" * 32, OFFICE
        )
    for version in (5, 5, 4, 6):
        await push(site, who, version=version, steps=STEPS)
    told = await fetch(
        site,
        "SELECT dossier_event.version, action FROM webhook_delivery JOIN dossier_event"
        " ON event_id = dossier_event.id AND event_at = at ORDER BY dossier_event.id",
    )  # fmt: skip
    assert told == [(5, "push"), (6, "push")]


async def test_what_is_worked_on_here_is_not_overwritten(site: Site) -> None:
    who = await site.sign_in("supervisor")
    add = "INSERT INTO dossier_event (code, version, action, to_status) VALUES ($1, $2, $3, 4)"
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET origin = NULL WHERE code = $1", SHOWN)
        await connection.execute(add, SHOWN, 1, "late")  # what the clock did is nobody's work
    assert (await push(site, who, code=SHOWN, version=50))[0] == 200
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET origin = NULL WHERE code = $1", SHOWN)
        await connection.execute(add, SHOWN, 51, "transfer")
    before = await fetch(site, "SELECT * FROM dossier WHERE code = $1", SHOWN)
    status, problem = await push(site, who, code=SHOWN, version=99, status=9)
    assert (status, problem["type"]) == (409, "/problems/worked-on-here")
    assert "this dossier is worked on in this system" in problem["detail"]
    assert await fetch(site, "SELECT * FROM dossier WHERE code = $1", SHOWN) == before


async def test_only_the_receiving_office_pushes(site: Site) -> None:
    supervisor, admin = await site.sign_in("supervisor"), await site.sign_in("admin")
    other = {"receiving_office": "tay-ho", "competent_agency": "H26.18"}
    assert (await push(site, supervisor, **other))[0] == 403
    assert (await push(site, admin, **other))[0] == 201
    assert (await push(site, supervisor, version=6))[0] == 403  # theirs, whatever the body says
    assert (await push(site, await site.sign_in("clerk")))[0] == 403
    assert (await push(site, {}))[0] == 401


BAD: list[tuple[dict[str, Any], str]] = [
    ({"status": 11}, "status"),
    ({"status": "4"}, "status"),
    ({"version": None}, "version"),
    ({"version": 0}, "version"),
    ({"version": 1.5}, "version"),
    ({"channel": "fax"}, "channel"),
    ({"received_at": "2026-09-21T08:00:00"}, "received_at"),
    ({"received_at": 1727000000}, "received_at"),
    ({"received_at": "1727000000"}, "received_at"),
    ({"due_at": ""}, "due_at"),
    ({"appointment_on": "21.9.2026"}, "appointment_on"),
    ({"appointment_changes": True}, "appointment_changes"),
    ({"finished_at": "2026-09-20T08:00:00+07:00"}, "(body)"),
    ({"returned_at": "2026-09-22T08:00:00+07:00"}, "(body)"),
    ({"procedure": "9.9"}, "procedure"),
    ({"competent_agency": "H99"}, "competent_agency"),
    ({"origin": "A system"}, "origin"),
    ({"applicant": "Nguyễn Văn A"}, "applicant"),
    ({"steps": [STEPS[0] | {"person": "Nguyễn Văn A"}]}, "steps[0].person"),
    ({"steps": [STEPS[0] | {"name": "x" * 101}]}, "steps[0].name"),
    ({"steps": [STEPS[0] | {"name": "a\nb"}]}, "steps[0].name"),
    ({"steps": STEPS[:1] * 201}, "steps"),
]


async def test_a_wrong_push_names_the_field_and_changes_nothing(site: Site) -> None:
    who = await site.sign_in("admin")
    for wrong, field in BAD:
        status, problem = await push(site, who, **wrong)
        assert (status, [error["field"] for error in problem["errors"]]) == (400, [field]), (wrong, problem)
        assert "Nguyễn" not in json.dumps(problem, ensure_ascii=False)
    status, problem = await push(site, who, receiving_office="nowhere")
    assert (status, problem["errors"][0]["field"]) == (400, "receiving_office")
    assert (await site.ask("PUT", "/api/v1/dossiers/nonsense", BODY, headers=who))[0] == 400
    assert await fetch(site, "SELECT code FROM dossier WHERE code = $1", NEW) == []


async def export(site: Site, who: dict[str, str], query: str, office: str = OFFICE) -> tuple[int, Any, Any]:
    address = f"{site.base}/api/v1/offices/{office}/dossiers?{query}"
    async with site.client.get(address, headers=who) as response:
        text = await response.text()
        return response.status, response.headers, json.loads(text) if response.status >= 400 else text


YEAR = "from=2026-01-01&to=2026-12-31"


async def test_an_office_takes_its_dossiers_along(site: Site) -> None:
    who = await site.sign_in("supervisor")
    await push(site, who, steps=STEPS)
    status, headers, text = await export(site, who, YEAR)
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "text/csv; charset=utf-8", "no-store")
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(text))}
    assert {SHOWN, HIDDEN, NEW} <= rows.keys()
    assert (rows[NEW]["received_at"], rows[NEW]["version"]) == ("2026-09-21T08:00:00+07:00", "5")
    assert (rows[SHOWN]["public"], rows[HIDDEN]["public"]) == ("true", "false")

    lines = [json.loads(line) for line in (await export(site, who, YEAR + "&format=jsonl"))[2].splitlines()]
    assert {line["code"] for line in lines} == rows.keys()
    (pushed,) = [line for line in lines if line["code"] == NEW]
    assert pushed["steps"] == STEPS
    rest = (await export(site, who, f"{YEAR}&format=jsonl&after={lines[0]['code']}"))[2]
    assert [json.loads(line) for line in rest.splitlines()] == lines[1:]
    assert (await export(site, who, "from=2020-01-01&to=2020-12-31&format=jsonl"))[2] == ""


async def test_an_export_for_the_wrong_people_or_days(site: Site) -> None:
    who = await site.sign_in("supervisor")
    assert (await export(site, who, YEAR, "tay-ho"))[0] == 403
    assert (await export(site, await site.sign_in("admin"), YEAR, "tay-ho"))[0] == 200
    assert (await export(site, await site.sign_in("admin"), YEAR, "nowhere"))[0] == 404
    for query, field in (
        ("to=2026-01-01", "from"),
        ("from=2026-01-01", "to"),
        ("from=2026-01-02&to=2026-01-01", "to"),
        ("from=2025-01-01&to=2026-12-31", "to"),
        (YEAR + "&format=xlsx", "format"),
        (YEAR + "&after=H26.18-200101-0001", "after"),
    ):
        status, _, problem = await export(site, who, query)
        assert (status, [error["field"] for error in problem["errors"]]) == (400, [field]), query
    assert (await export(site, who, YEAR + "&after=nonsense"))[0] == 400
    assert (await site.ask("HEAD", f"/api/v1/offices/{OFFICE}/dossiers?{YEAR}", headers=who))[0] == 405


def test_the_pushed_body_is_described_without_persons() -> None:
    body = json.loads(document())["paths"][TEMPLATE]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["additionalProperties"] is False
    assert not {"name", "applicant", "phone", "person"} & body["properties"].keys()
