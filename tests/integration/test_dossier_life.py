"""The life of a dossier over the staff API: intake, every action, what is written down, who may, what is repeated."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from office.api import DIRECTORY
from tests.integration.conftest import OFFICE, Site

SOMEBODY: dict[str, Any] = {
    "name": "Nguyễn Thị Ẩn Danh",
    "id_number": "001187654321",
    "phone": "0901234567",
    "email": "an.danh@example.org",
    "channels": ["email", "sms"],
}


@pytest.fixture
async def clerk(site: Site) -> dict[str, str]:
    return await site.sign_in("clerk")


async def procedures(site: Site) -> list[dict[str, Any]]:
    return list((await site.ask("GET", f"/api/v1/offices/{OFFICE}/procedures"))[2]["procedures"])


async def intake(site: Site, staff: dict[str, str], **more: Any) -> tuple[int, Any]:
    body: dict[str, Any] = {"applicant": SOMEBODY, **more}
    if "group" not in more and "procedure" not in more:
        free = next(
            one for one in await procedures(site) if one["fee"] == 0 and (one["time_limit"] or "").endswith("d")
        )
        body["procedure"] = free["code"]
    status, _, answer = await site.ask("POST", "/api/v1/dossiers", body, headers=staff)
    return status, answer


async def register(site: Site, staff: dict[str, str], **more: Any) -> str:
    status, answer = await intake(site, staff, **more)
    assert status == 201, answer
    return str(answer["code"])


async def act(site: Site, staff: dict[str, str], code: str, action: str, **body: Any) -> tuple[int, Any]:
    status, _, answer = await site.ask("POST", f"/api/v1/dossiers/{code}/{action}", body, headers=staff)
    return status, answer


async def rows(site: Site, query: str, *given: object) -> list[dict[str, Any]]:
    async with site.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *given)]


async def test_from_intake_to_the_result_in_hand(site: Site, clerk: dict[str, str]) -> None:
    papers = [{"name": "Tờ khai", "original": False}, {"name": "Giấy chứng sinh", "original": True}]
    code = await register(site, clerk, papers=papers)
    assert (await site.ask("GET", f"/api/v1/dossiers/{code}"))[2]["status_name"] == "accepted"

    status, case = await act(site, clerk, code, "transfer")
    assert (status, case["status_name"]) == (200, "processing")
    status, case = await act(site, clerk, code, "request-supplement", reason="Thiếu giấy", missing=["Giấy chứng sinh"])
    assert (status, case["status_name"], case["late"]) == (200, "supplement_required", False)
    assert (await site.ask("GET", f"/api/v1/dossiers/{code}"))[2]["action_needed"] == "supplement"
    status, case = await act(site, clerk, code, "receive-supplement")
    assert (status, case["status_name"], case["supplements"]) == (200, "processing", 1)
    status, case = await act(site, clerk, code, "complete")
    assert (status, case["outcome"], case["late"]) == (200, "granted", False)
    status, problem = await act(site, clerk, code, "return")
    assert status == 409 and "bản chính" in problem["detail"] and "Originals" in problem["detail"]
    status, case = await act(site, clerk, code, "return", originals_returned=True)
    assert (status, case["status_name"], case["allowed"]) == (200, "returned", [])

    level0 = (await site.ask("GET", f"/api/v1/dossiers/{code}"))[2]
    assert (level0["status_name"], level0["version"]) == ("returned", 6)
    events = await rows(site, "SELECT action, version FROM dossier_event WHERE code = $1 ORDER BY id", code)
    assert [event["action"] for event in events] == [
        "register", "transfer", "request-supplement", "receive-supplement", "complete", "return",
    ]  # fmt: skip
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5, 6]
    audit = await rows(site, "SELECT action, version FROM audit WHERE subject = $1 ORDER BY id", f"dossier:{code}")
    assert [(row["action"], row["version"]) for row in audit] == [(e["action"], e["version"]) for e in events]
    assert not await rows(site, "SELECT FROM dossier_paper WHERE code = $1 AND original AND returned_at IS NULL", code)
    told = await rows(site, "SELECT trigger, channel FROM message WHERE code = $1 ORDER BY id", code)
    assert {(row["trigger"], row["channel"]) for row in told} >= {
        (trigger, channel) for trigger in ("accepted", "supplement", "completed", "returned")
        for channel in ("email", "sms")
    }  # fmt: skip
    assert not await rows(site, "SELECT FROM apology WHERE code = $1", code)


async def test_what_the_status_does_not_allow_says_what_it_does(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    status, problem = await act(site, clerk, code, "complete")
    assert status == 409
    assert "allowed: transfer, request-supplement, withdraw" in problem["detail"]
    assert "Được tiếp nhận" in problem["detail"]
    status, problem = await act(site, clerk, code, "withdraw")
    assert (status, problem["errors"][0]["field"]) == (400, "reason")
    assert (await site.ask("GET", f"/api/v1/dossiers/{code}"))[2]["version"] == 1


async def test_two_clerks_cannot_overwrite_each_other(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    seen = clerk | {"If-Match": '"1"'}
    answers = await asyncio.gather(*(act(site, seen, code, action) for action in ("transfer",) * 4))
    assert sorted(status for status, _ in answers) == [200, 412, 412, 412]
    status, _, problem = await site.ask("POST", f"/api/v1/dossiers/{code}/complete", {}, headers=seen)
    assert status == 412 and "version 2, no longer 1" in problem["detail"]
    wrong = clerk | {"If-Match": "3"}
    assert (await site.ask("POST", f"/api/v1/dossiers/{code}/complete", {}, headers=wrong))[0] == 400


async def test_a_repeated_request_acts_once(site: Site, clerk: dict[str, str]) -> None:
    keyed = clerk | {"Idempotency-Key": "the-first-key"}
    body = {"applicant": SOMEBODY, "procedure": (await procedures(site))[0]["code"]}
    answers = [await site.ask("POST", "/api/v1/dossiers", body, headers=keyed) for _ in range(3)]
    assert {status for status, _, _ in answers} == {201}
    (code,) = {answer["code"] for _, _, answer in answers}
    other = body | {"channel": "post"}
    assert (await site.ask("POST", "/api/v1/dossiers", other, headers=keyed))[0] == 422
    for _ in range(3):
        status, case = await act(site, keyed, code, "transfer")
        assert (status, case["version"]) == (200, 2)


async def test_too_little_at_intake_is_said_once_and_completely(site: Site, clerk: dict[str, str]) -> None:
    before = await rows(site, "SELECT count(*) AS n FROM dossier")
    status, answer = await intake(site, clerk, missing=["Giấy chứng sinh"])
    assert (status, [error["field"] for error in answer["errors"]]) == (400, ["reason", "guidance"])
    incomplete = {"missing": ["Giấy chứng sinh", "Tờ khai"], "reason": "Chưa đủ", "guidance": "Xin tại bệnh viện"}
    status, answer = await intake(site, clerk, **incomplete)
    assert (status, answer["code"]) == (201, None)
    assert await rows(site, "SELECT count(*) AS n FROM dossier") == before
    status, problem = await intake(site, clerk, **incomplete, notice=answer["notice"])
    assert status == 409 and "1 lần" in problem["detail"] and "at most once" in problem["detail"]
    status, registered = await intake(site, clerk, notice=answer["notice"])
    assert status == 201
    (notice,) = await rows(site, "SELECT code FROM intake_notice WHERE id = $1", answer["notice"])
    assert notice["code"] == registered["code"]
    assert (await intake(site, clerk, notice=10**9))[0] == 404


async def test_money_is_settled_before_the_result_is_handed_out(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    await act(site, clerk, code, "transfer")
    status, case = await act(site, clerk, code, "request-payment", amount=150_000, purpose="Lệ phí")
    assert (status, case["status_name"], case["amount_due"]) == (200, "payment_required", 150_000)
    status, problem = await act(site, clerk, code, "receive-payment", amount=149_999)
    assert status == 409 and "150.000 đồng" in problem["detail"]
    status, case = await act(site, clerk, code, "receive-payment", amount=150_000)
    assert (status, case["status_name"], case["amount_due"]) == (200, "processing", 0)
    (paid,) = await rows(site, "SELECT amount, method, paid_at FROM payment WHERE code = $1", code)
    assert (paid["amount"], paid["method"]) == (150_000, "cash") and paid["paid_at"] is not None


async def test_an_extension_is_announced_in_time_and_once(site: Site, clerk: dict[str, str]) -> None:
    slow = next(one for one in await procedures(site) if one["time_limit"] and int(one["time_limit"][:-1]) >= 5)
    code = await register(site, clerk, procedure=slow["code"], fee_paid=True)
    await act(site, clerk, code, "transfer")
    case = (await site.ask("GET", f"/api/v1/dossiers/{code}/case", headers=clerk))[2]
    due = date.fromisoformat(case["appointment_on"])
    status, problem = await act(
        site, clerk, code, "extend", reason="Cần xác minh", appointment_on=case["appointment_on"]
    )
    assert status == 409 and f"{due:%d/%m/%Y}" in problem["detail"]
    status, problem = await act(site, clerk, code, "extend", reason="Cần xác minh", appointment_on="2150-01-04")
    assert (status, problem["errors"][0]["field"]) == (400, "appointment_on")
    for later in range(3, 12):
        new = (due + timedelta(days=later)).isoformat()
        status, case = await act(site, clerk, code, "extend", reason="Cần xác minh", appointment_on=new)
        if status == 200:
            break
        assert "working day" in case["detail"]
    assert (case["appointment_on"], case["appointment_changes"], case["extensions"]) == (new, 1, 1)
    status, problem = await act(site, clerk, code, "extend", reason="Lại", appointment_on="2030-01-04")
    assert status == 409 and "1 lần" in problem["detail"]
    (owed,) = await rows(site, "SELECT kind, reason FROM apology WHERE code = $1", code)
    assert owed == {"kind": "extension", "reason": "Cần xác minh"}
    told = await rows(site, "SELECT channel FROM message WHERE code = $1 AND trigger = 'appointment'", code)
    assert sorted(row["channel"] for row in told) == ["email", "phone", "sms"]


async def test_what_is_overdue_owes_an_apology(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    await act(site, clerk, code, "transfer")
    past = datetime.now(UTC) - timedelta(hours=1)
    async with site.database.connection() as connection:
        await connection.execute(
            "UPDATE dossier SET due_at = $2, received_at = $2::timestamptz - interval '9 days' WHERE code = $1",
            code,
            past,
        )
    status, problem = await act(site, clerk, code, "extend", reason="Muộn", appointment_on="2030-01-04")
    assert status == 409 and "1 working day before due" in problem["detail"]
    status, problem = await act(site, clerk, code, "request-supplement", reason="Muộn", missing=["Một giấy"])
    assert status == 409 and "3 ngày làm việc" in problem["detail"]
    status, case = await act(site, clerk, code, "complete")
    assert (status, case["late"]) == (200, True)
    await act(site, clerk, code, "return")
    (owed,) = await rows(site, "SELECT kind, sent_at FROM apology WHERE code = $1", code)
    assert owed == {"kind": "late", "sent_at": None}


async def test_a_limit_that_changes_leaves_open_dossiers_alone(site: Site, clerk: dict[str, str]) -> None:
    slow = next(one for one in await procedures(site) if (one["time_limit"] or "") in ("3d", "5d", "10d", "15d", "20d"))
    code = await register(site, clerk, procedure=slow["code"], fee_paid=True)
    async with site.database.connection() as connection:
        await connection.execute(
            "INSERT INTO procedure_limit (procedure_code, valid_from, time_limit)"
            " VALUES ($1, (now() - interval '1 day')::date, '1d')",
            slow["code"],
        )
    other = await site.app[DIRECTORY]._load_detail(OFFICE)  # what everybody reads within seconds
    assert next(one for one in other.procedures if one.code == slow["code"]).time_limit == "1d"
    before = (await site.ask("GET", f"/api/v1/dossiers/{code}/case", headers=clerk))[2]
    await act(site, clerk, code, "request-supplement", reason="Thiếu giấy", missing=["Một giấy"])
    status, after = await act(site, clerk, code, "receive-supplement")
    assert (status, after["time_limit"], after["due_at"]) == (200, slow["time_limit"], before["due_at"])


async def test_strangers_do_not_work_on_it(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    stranger, planner = await site.sign_in("stranger"), await site.sign_in("planner")
    for staff, expected in ((stranger, 403), (planner, 403), ({}, 401)):
        assert (await site.ask("POST", f"/api/v1/dossiers/{code}/transfer", {}, headers=staff))[0] == expected
        assert (await site.ask("GET", f"/api/v1/dossiers/{code}/case", headers=staff))[0] == expected
    assert (await act(site, clerk, "H26.99-260101-9999", "transfer"))[0] == 404
    assert (await act(site, clerk, "nonsense", "transfer"))[0] == 400


async def test_a_dossier_of_another_system_is_left_alone(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET origin = 'igate' WHERE code = $1", code)
    status, problem = await act(site, clerk, code, "transfer")
    assert status == 409 and "igate" in problem["detail"]
    async with site.database.connection() as connection:
        await connection.execute("UPDATE dossier SET origin = 'import' WHERE code = $1", code)
    assert (await act(site, clerk, code, "transfer"))[0] == 200
    (row,) = await rows(site, "SELECT origin FROM dossier WHERE code = $1", code)
    assert row["origin"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"applicant": {"name": ""}}, "applicant.name"),
        ({"applicant": SOMEBODY | {"email": "a@b\r\nBcc: c@d.e"}}, "applicant.email"),
        ({"applicant": SOMEBODY | {"phone": "call me"}}, "applicant.phone"),
        ({"applicant": SOMEBODY | {"channels": ["pigeon"]}}, "applicant.channels[0]"),
        ({"applicant": SOMEBODY, "procedure": "9.999"}, "procedure"),
        ({"applicant": SOMEBODY, "group": "wedding"}, "group"),
        ({"applicant": SOMEBODY}, "procedure"),
        ({"applicant": SOMEBODY, "procedure": "1.1", "ticket": "../../x"}, "ticket"),
        ({"applicant": SOMEBODY, "procedure": "1.1", "papers": [{"name": "x"}] * 51}, "papers"),
    ],
)
async def test_a_wrong_intake_names_the_field_and_keeps_nothing(
    site: Site, clerk: dict[str, str], body: dict[str, Any], field: str
) -> None:
    status, _, problem = await site.ask("POST", "/api/v1/dossiers", body, headers=clerk)
    assert (status, problem["errors"][0]["field"]) == (400, field), problem
    for table in ("applicant", "dossier_event", "receipt", "dossier_serial"):
        (count,) = await rows(site, f"SELECT count(*) AS n FROM {table} WHERE NOT {table}::text LIKE '%260921%'")
        assert count["n"] == 0, table


async def test_the_parts_of_a_group_open_one_after_the_other(site: Site, clerk: dict[str, str]) -> None:
    status, taken = await intake(site, clerk, group="khai-sinh", fee_paid=True)
    assert status == 201, taken
    group, (first, *others) = taken["code"], [part["code"] for part in taken["dossiers"]]
    assert len({group, first, *others}) == 2 + len(others) >= 3
    assert [part["status"] for part in taken["dossiers"]] == [2, *[1] * len(others)]
    status, problem = await act(site, clerk, others[0], "accept")
    assert status == 409 and first in problem["detail"]
    for action in ("transfer", "complete"):
        assert (await act(site, clerk, first, action))[0] == 200
    answer = (await site.ask("GET", f"/api/v1/groups/{group}"))[2]
    assert [part["status"] for part in answer["parts"]] == [9, *[2] * len(others)]
    assert all(part["appointment_on"] for part in answer["parts"])
    status, headers, _ = await site.ask("GET", f"/d/{group}")
    assert (status, headers["Location"]) == (303, f"/g/{group}")
    status, _, page = await site.ask("GET", f"/g/{group}")
    assert status == 200 and all(code in page for code in (first, *others))
    assert SOMEBODY["name"] not in page


async def test_parts_that_wait_in_vain_are_declined(site: Site, clerk: dict[str, str]) -> None:
    _, taken = await intake(site, clerk, group="khai-sinh", fee_paid=True)
    first, *others = [part["code"] for part in taken["dossiers"]]
    await act(site, clerk, first, "transfer")
    assert (await act(site, clerk, first, "refuse", reason="Không đủ điều kiện"))[0] == 200
    answer = (await site.ask("GET", f"/api/v1/groups/{taken['code']}"))[2]
    assert [part["status"] for part in answer["parts"]] == [9, *[3] * len(others)]
    (why,) = await rows(site, "SELECT reason FROM dossier_event WHERE code = $1 AND action = 'decline'", others[0])
    assert first in why["reason"]


async def test_codes_that_an_import_has_taken_are_passed_over(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk)
    prefix, serial = code.rsplit("-", 1)

    async def take(*steps: int) -> None:
        async with site.database.connection() as connection:
            await connection.executemany(
                "INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel,"
                " status, received_at)"
                " SELECT code_year, $2, procedure_code, receiving_office, competent_agency, channel, 4, now()"
                " FROM dossier WHERE code = $1",
                [(code, f"{prefix}-{int(serial) + step:04d}") for step in steps],
            )

    await take(1, 3)
    assert await register(site, clerk) == f"{prefix}-{int(serial) + 4:04d}"
    await take(5)
    _, family = await intake(site, clerk, group="khai-sinh", fee_paid=True)
    assert family["code"] == f"{prefix}-{int(serial) + 6:04d}"
