"""Level 1: what a receipt opens, and that nothing else opens it or can tell why not."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import orjson
import pytest
import redis
from asyncpg.connection import LoggedQuery

from kit.database import Database, Deadlines
from kit.sessions import Role, Staff
from metrics import catalogue
from service.openapi import document
from tests.integration.conftest import HIDDEN, MISSING, OFFICE, SHOWN, Site, StartSite
from tracking.codes import Code
from tracking.receipts.payments import signature
from tracking.receipts.receipts import MOST_FAILURES, Receipt, Receipts, UnknownReceipt

NAME, ID_NUMBER, PHONE, EMAIL = "Trương Bích Canary", "001099123456", "0987654321", "canary@example.org"
ADDRESS, WORDS = "Số 7 ngõ Hoàng Yến", "Tôi là Canary, xin hỏi"
PLANTED = (NAME, "Canary", "canary", ID_NUMBER, PHONE, "987654", EMAIL, ADDRESS, "Hoàng Yến")
SECRET = "a secret between the bank and us"
DESCRIBED: dict[str, Any] = orjson.loads(document())


async def issue(site: Site, code: str = SHOWN) -> Receipt:
    async with site.database.transaction() as connection:
        return await Receipts(site.database).issue(connection, Code(code))


async def execute(site: Site, statement: str, *arguments: object) -> None:
    async with site.database.connection() as connection:
        await connection.execute(statement, *arguments)


async def value(site: Site, statement: str, *arguments: object) -> Any:
    async with site.database.connection() as connection:
        return await connection.fetchval(statement, *arguments)


async def happened(site: Site, action: str, status: int, reason: str | None = None, **details: object) -> None:
    await execute(
        site,
        "INSERT INTO dossier_event (code, version, action, to_status, reason, details) VALUES ($1, 1, $2, $3, $4, $5)",
        SHOWN,
        action,
        status,
        reason,
        details,
    )


async def become(site: Site, status: int, **more: object) -> None:
    """Put the shown dossier into a state, past the workflow: what is told of it is what is tested here."""
    changes = "".join(f", {name} = ${at}" for at, name in enumerate(more, 3))
    await execute(
        site,
        f"UPDATE dossier SET status = $2, version = version + 1{changes} WHERE code = $1",
        SHOWN,
        status,
        *more.values(),
    )


async def plant(site: Site) -> None:
    """A person behind the shown dossier, known everywhere where persons may be."""
    await execute(
        site,
        "INSERT INTO applicant (code_year, code, name, id_number, phone, email, address, channels)"
        " VALUES (2026, $1, $2, $3, $4, $5, $6, '{email,sms}')",
        SHOWN,
        NAME,
        ID_NUMBER,
        PHONE,
        EMAIL,
        ADDRESS,
    )
    await execute(
        site,
        "INSERT INTO result_post (code_year, code, recipient, address, phone, tracking_number)"
        " VALUES (2026, $1, $2, $3, $4, 'EE123456789VN')",
        SHOWN,
        NAME,
        ADDRESS,
        PHONE,
    )


def address(receipt: Receipt, part: str = "") -> str:
    return f"/api/v1/receipts/{receipt.token}{part}"


def as_described(body: object, schema: str) -> None:
    components = {"components": DESCRIBED["components"], "$ref": f"#/components/schemas/{schema}"}
    jsonschema.validate(body, components, jsonschema.Draft202012Validator)


def told(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: said for name, said in headers.items() if name.lower() not in ("x-request-id", "date")}


@pytest.fixture
async def receipt(site: Site) -> Receipt:
    return await issue(site)


async def test_the_token_and_the_pin_are_random_and_stay(site: Site, receipt: Receipt) -> None:
    assert len(receipt.token) == 32
    assert len(receipt.pin) == 6
    assert receipt.pin.isdecimal()
    assert await issue(site) == receipt
    other = await issue(site, HIDDEN)
    assert other.token != receipt.token
    async with site.database.connection() as connection:
        assert await Receipts(site.database).current(connection, Code(SHOWN)) == receipt
        assert await Receipts(site.database).current(connection, Code(MISSING)) is None


async def test_a_receipt_that_is_revoked_opens_nothing_from_then_on(site: Site, receipt: Receipt) -> None:
    receipts, staff = Receipts(site.database), Staff(7, "lan", Role.CLERK, OFFICE)
    async with site.database.transaction() as connection:
        fresh = await receipts.revoke_and_issue(connection, Code(SHOWN), staff, "r1")
    assert (await site.ask("GET", address(receipt)))[0] == 404
    assert (await site.ask("GET", address(fresh)))[0] == 200
    if fresh.pin != receipt.pin:
        with pytest.raises(UnknownReceipt):
            await receipts.by_pin(Code(SHOWN), receipt.pin)
    assert await receipts.by_pin(Code(SHOWN), fresh.pin) == fresh.token
    async with site.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT staff_id, action, subject, request_id FROM audit WHERE subject LIKE 'receipt:%'"
        )
    assert row is not None
    assert tuple(row) == (7, "reissue-receipt", f"receipt:{SHOWN}", "r1")


async def test_level_1_is_level_0_and_more(site: Site, receipt: Receipt) -> None:
    await plant(site)
    await happened(site, "register", 1, time_limit="3d")
    await happened(site, "request-supplement", 5, "Thiếu giấy tờ", missing=["Giấy chứng sinh"], guidance="Bản chính")
    await happened(site, "late", 4)
    await execute(
        site,
        "INSERT INTO dossier_paper VALUES (2026, $1, 1, 'Sổ hộ khẩu', true, NULL), (2026, $1, 2, 'Đơn', false, NULL),"
        " (2026, $1, 3, 'Bằng', true, now())",
        SHOWN,
    )
    await execute(
        site,
        "INSERT INTO payment (code_year, code, amount, purpose, asked_at, paid_at, method)"
        " VALUES (2026, $1, 8000, 'Lệ phí', now(), '2026-09-22T09:00+07', 'cash'),"
        " (2026, $1, 50000, 'Phí', now(), NULL, NULL)",
        SHOWN,
    )
    await become(site, 5, amount_due=50_000, originals_held=True)
    status, headers, level1 = await site.ask("GET", address(receipt))
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert "ETag" not in headers
    as_described(level1, "Receipt")
    level0 = (await site.ask("GET", f"/api/v1/dossiers/{SHOWN}"))[2]
    moving = {"as_of", "version", "status", "status_name", "status_label", "action_needed", "late"}
    assert level0.keys() <= level1.keys()
    assert {name: level1[name] for name in level0.keys() - moving} == {
        name: level0[name] for name in level0.keys() - moving
    }
    assert [step["action"] for step in level1["timeline"]][-3:] == ["register", "request-supplement", "late"]
    assert level1["timeline"][-2]["details"] == {"missing": ["Giấy chứng sinh"], "guidance": "Bản chính"}
    assert [reason["reason"] for reason in level1["reasons"]] == ["Thiếu giấy tờ"]
    assert level1["next"]["who"] == "you"
    assert level1["fees"].pop("vietqr").startswith("000201")
    assert level1["fees"] == {
        "due": 50_000,
        "paid": [{"amount": 8000, "purpose": "Lệ phí", "paid_on": "2026-09-22", "method": "cash"}],
    }
    assert level1["contact"] == {
        "email": "c***@example.org",
        "phone": "09xx xxx x21",
        "channels": ["email", "sms"],
        "language": "vi",
    }
    assert level1["post"] == {"tracking_number": "EE123456789VN"}
    assert level1["originals_held"] == ["Sổ hộ khẩu"]
    assert level1["rated"] is False


async def test_what_is_due_comes_with_a_vietqr_of_the_office(
    site: Site, receipt: Receipt, start_site: StartSite
) -> None:
    await execute(
        site,
        "UPDATE office SET policy = policy || $2 WHERE id = $1",
        OFFICE,
        {"bank_bin": "970436", "bank_account": "0011002233", "bank_account_name": "UBND THU NGHIEM"},
    )
    await become(site, 6, amount_due=50_000)
    payload = (await site.ask("GET", address(receipt)))[2]["fees"]["vietqr"]
    assert payload.startswith("000201010212")
    assert "540550000" in payload
    assert SHOWN in payload
    _, _, page = await site.ask("GET", f"/r/{receipt.token}")
    assert "50.000 đồng" in page
    assert "0011002233" in page
    assert "<svg" in page
    await execute(site, "UPDATE office SET policy = policy || $2 WHERE id = $1", OFFICE, {"bank_account": "no account"})
    site = await start_site()  # the first one remembers the office for some seconds
    assert (await site.ask("GET", address(receipt)))[2]["fees"]["vietqr"] is None
    assert "Nộp tại nơi tiếp nhận" in (await site.ask("GET", f"/r/{receipt.token}"))[2]
    assert len(page) < 30_000


WHYS = ("unknown", "hidden", "revoked", "malformed", "odd")


async def tokens_that_open_nothing(site: Site) -> dict[str, str]:
    revoked, hidden = await issue(site), await issue(site, HIDDEN)
    staff = Staff(7, "lan", Role.CLERK, OFFICE)
    async with site.database.transaction() as connection:
        await Receipts(site.database).revoke_and_issue(connection, Code(SHOWN), staff)
    return dict(zip(WHYS, ("A" * 32, hidden.token, revoked.token, "x", "%00%F0%9F%98%80"), strict=True))


async def test_nobody_can_tell_why_a_token_opens_nothing(site: Site) -> None:
    tokens = await tokens_that_open_nothing(site)
    for address in ("/r/", "/api/v1/receipts/"):
        seen = set()
        for why, token in tokens.items():
            async with site.client.get(site.base + address + token) as response:
                seen.add((response.status, await response.read(), str(told(response.headers))))
                assert response.status == 404, why
                assert response.headers["Cache-Control"] == "no-store"
        assert len(seen) == 1


async def by_pin(site: Site, code: str, pin: str) -> tuple[int, bytes, Mapping[str, str]]:
    async with site.client.post(f"{site.base}/r", data={"code": code, "pin": pin}, allow_redirects=False) as response:
        return response.status, await response.read(), response.headers


def wrong(pin: str, step: int = 1) -> str:
    return f"{(int(pin) + step) % 1_000_000:06}"


async def lock(site: Site, code: str, receipt: Receipt) -> None:
    for step in range(1, MOST_FAILURES + 1):
        await by_pin(site, code, wrong(receipt.pin, step))


async def test_code_and_pin_lead_to_the_page(site: Site, receipt: Receipt) -> None:
    status, _, headers = await by_pin(site, f" {SHOWN.lower()} ", f"{receipt.pin[:3]} {receipt.pin[3:]}")
    assert (status, headers["Location"]) == (303, f"/r/{receipt.token}")
    assert receipt.pin not in headers["Location"]
    _, _, form = await site.ask("GET", f"/r?code={SHOWN}")
    assert f'value="{SHOWN}"' in form


async def test_nobody_can_tell_why_a_pin_opens_nothing(site: Site, receipt: Receipt) -> None:
    hidden = await issue(site, HIDDEN)
    answers = {
        "wrong": await by_pin(site, SHOWN, wrong(receipt.pin)),
        "unknown": await by_pin(site, MISSING, "123456"),
        "hidden": await by_pin(site, HIDDEN, hidden.pin),
        "hidden and wrong": await by_pin(site, HIDDEN, wrong(hidden.pin)),
    }
    await lock(site, SHOWN, receipt)
    answers["locked"] = await by_pin(site, SHOWN, receipt.pin)
    await execute(site, "UPDATE receipt SET revoked_at = now() WHERE code = $1", SHOWN)
    answers["revoked"] = await by_pin(site, SHOWN, receipt.pin)
    assert {why: answer[0] for why, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert len({(body, str(told(headers))) for _, body, headers in answers.values()}) == 1


async def test_what_opens_nothing_costs_the_same_statements(demo_database_url: str) -> None:
    """The same statements in the same order, whatever the reason; how long they took is printed, not asserted."""
    database = await Database.connect(demo_database_url, size=1, deadlines=Deadlines(5, 10))
    try:
        receipts = Receipts(database)
        async with database.transaction() as connection:
            shown = await receipts.issue(connection, Code(SHOWN))
            hidden = await receipts.issue(connection, Code(HIDDEN))
        asked: list[str] = []

        def note(record: LoggedQuery) -> None:
            asked.append(record.query)

        async def statements(code: str, pin: str) -> tuple[str, ...]:
            asked.clear()
            async with database.connection() as connection:
                connection.add_query_logger(note)
            with pytest.raises(UnknownReceipt):
                await receipts.by_pin(Code(code), pin)
            async with database.connection() as connection:
                connection.remove_query_logger(note)
            return tuple(asked)

        tries = {"wrong": (SHOWN, wrong(shown.pin)), "unknown": (MISSING, "123456"), "hidden": (HIDDEN, hidden.pin)}
        counted = {why: await statements(*what) for why, what in tries.items()}
        assert len(counted["wrong"]) == 4, "begin, read, write, commit"
        assert len(set(counted.values())) == 1, counted
        for why, (code, pin) in tries.items():
            took = []
            for _ in range(40):
                start = time.perf_counter()
                with pytest.raises(UnknownReceipt):
                    await receipts.by_pin(Code(code), pin)
                took.append((time.perf_counter() - start) * 1000)
            print(f"{why}: median {statistics.median(took):.2f} ms")
    finally:
        await database.close()


async def test_five_wrong_pins_lock_it_and_the_token_still_opens(site: Site, receipt: Receipt) -> None:
    for step in range(1, MOST_FAILURES):
        assert (await by_pin(site, SHOWN, wrong(receipt.pin, step)))[0] == 404
    assert (await by_pin(site, SHOWN, receipt.pin))[0] == 303, "four wrong ones do not lock"
    await lock(site, SHOWN, receipt)
    until = await value(site, "SELECT locked_until FROM receipt WHERE code = $1", SHOWN)
    assert timedelta(minutes=14) < until - datetime.now(UTC) < timedelta(minutes=15, seconds=5)
    assert (await by_pin(site, SHOWN, receipt.pin))[0] == 404
    assert await value(site, "SELECT locked_until FROM receipt WHERE code = $1", SHOWN) == until, "never prolonged"
    assert (await site.ask("GET", address(receipt)))[0] == 200
    await execute(site, "UPDATE receipt SET locked_until = now() - interval '1 second' WHERE code = $1", SHOWN)
    assert (await by_pin(site, SHOWN, wrong(receipt.pin)))[0] == 404
    assert (await by_pin(site, SHOWN, receipt.pin))[0] == 303, "after the lock there are five new guesses"
    await lock(site, SHOWN, receipt)
    assert (await by_pin(site, SHOWN, receipt.pin))[0] == 404


async def test_guesses_sent_all_at_once_are_counted_one_by_one(site: Site, receipt: Receipt) -> None:
    await asyncio.gather(*(by_pin(site, SHOWN, wrong(receipt.pin, step)) for step in range(1, 9)))
    assert await value(site, "SELECT pin_failures FROM receipt WHERE code = $1", SHOWN) == MOST_FAILURES
    assert (await by_pin(site, SHOWN, receipt.pin))[0] == 404


async def test_what_cannot_be_a_code_or_a_pin_is_said(site: Site) -> None:
    for code, pin, said in (("nonsense", "123456", "mã hồ sơ"), (SHOWN, "12345", "6 chữ số")):
        status, body, _ = await by_pin(site, code, pin)
        assert status == 400
        assert said in body.decode()
        assert 'aria-invalid="true"' in body.decode()


async def test_the_page_tells_every_status_in_both_languages(site: Site, receipt: Receipt) -> None:
    for status in range(1, 11):
        await become(site, status, **({"finished_at": datetime(2026, 9, 29, tzinfo=UTC)} if status >= 9 else {}))
        for language in ("vi", "en"):
            code, headers, page = await site.ask("GET", f"/r/{receipt.token}?lang={language}")
            assert code == 200, status
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert f'<html lang="{language}">' in page
            assert ('id="todo"' in page) == (status in (5, 6, 9)), status
            assert ('http-equiv="refresh"' in page) == (status not in (3, 8, 10)), status
            assert len(page.encode()) < 30_000


async def test_lateness_is_said_with_the_apology_and_the_new_day(site: Site, receipt: Receipt) -> None:
    _, _, page = await site.ask("GET", f"/r/{receipt.token}")
    assert "Chúng tôi xin lỗi quý vị" in page
    assert "Chưa có ngày hẹn mới" in page
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    await become(site, 4, appointment_on=tomorrow, appointment_changes=1)
    await happened(site, "extend", 4, "Chờ xác minh", appointment_on=tomorrow.isoformat())
    _, _, page = await site.ask("GET", f"/r/{receipt.token}")
    assert "Ngày hẹn mới" in page
    assert f"{tomorrow:%d/%m/%Y}" in page
    assert "Chờ xác minh" in page


async def test_a_rating_is_given_once_and_only_for_a_result(site: Site, receipt: Receipt) -> None:
    await execute(
        site, "UPDATE office SET policy = policy || $2 WHERE id = $1", OFFICE, {"rating_criteria": "Thái độ\nThời gian"}
    )
    rating = {"score": 5, "comment": "Nhanh", "criteria": {"Thái độ": 4}}
    status, _, problem = await site.ask("POST", address(receipt, "/rating"), rating)
    assert (status, problem["type"]) == (409, "/problems/not-yet-ratable")
    await become(site, 10, finished_at=datetime(2026, 9, 23, tzinfo=UTC), returned_at=datetime(2026, 9, 23, tzinfo=UTC))
    wrong_ones: list[tuple[Any, str]] = [
        ({"score": 0}, "score"),
        ({"score": 6}, "score"),
        ({"score": "5"}, "score"),
        ({"score": 5, "comment": "x" * 1001}, "comment"),
        ({"score": 5, "criteria": {"Thái độ": 6}}, "criteria.Thái độ"),
        ({"score": 5, "criteria": {"Khác": 3}}, "criteria"),
        ({"score": 5, "name": "x"}, "name"),
    ]
    for body, field in wrong_ones:
        status, _, problem = await site.ask("POST", address(receipt, "/rating"), body)
        assert status == 400, body
        assert problem["errors"][0]["field"] == field
    assert (await site.ask("GET", address(receipt)))[2]["rating_questions"] == ["Thái độ", "Thời gian"]
    answers = await asyncio.gather(*(site.ask("POST", address(receipt, "/rating"), rating) for _ in range(4)))
    assert sorted(answer[0] for answer in answers) == [201, 409, 409, 409]
    as_described(next(answer[2] for answer in answers if answer[0] == 201), "Rated")
    async with site.database.connection() as connection:
        row = await connection.fetchrow("SELECT office_id, score, comment, criteria FROM rating")
    assert row is not None
    assert tuple(row) == (OFFICE, 5, "Nhanh", {"Thái độ": 4})
    assert (await site.ask("GET", address(receipt)))[2]["rated"] is True


async def post(site: Site, path: str, **fields: str) -> tuple[int, str, str]:
    async with site.client.post(site.base + path, data=fields, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def test_the_rating_form_says_what_is_wrong_and_thanks(site: Site, receipt: Receipt) -> None:
    path = f"/r/{receipt.token}/rating"
    await execute(site, "UPDATE office SET policy = policy || $2 WHERE id = $1", OFFICE, {"rating_criteria": "Thái độ"})
    assert (await post(site, path, score="5"))[0] == 409
    await become(site, 9, finished_at=datetime(2026, 9, 23, tzinfo=UTC))
    assert "Thái độ" in (await site.ask("GET", path))[2]
    status, _, page = await post(site, path, comment="x")
    assert status == 400
    assert "từ 1 đến 5" in page
    assert (await post(site, path, score="4", **{"criterion-0": "9"}))[0] == 400
    status, location, _ = await post(site, path, score="4", comment="", **{"criterion-0": "5"})
    assert (status, location) == (303, f"/r/{receipt.token}")
    assert "Cảm ơn quý vị đã đánh giá" in (await site.ask("GET", location))[2]
    assert (await post(site, path, score="1"))[0] == 409
    assert await value(site, "SELECT (score, criteria, comment IS NULL)::text FROM rating") == (
        '(4,"{""Thái độ"": 5}",t)'
    )


async def test_feedback_is_recorded_with_the_day_of_its_answer(site: Site, receipt: Receipt) -> None:
    body = {"kind": "petition", "text": WORDS}
    status, _, first = await site.ask("POST", address(receipt, "/feedback"), body)
    assert status == 201
    as_described(first, "Feedback")
    due = datetime.fromisoformat(first["due_at"])
    assert timedelta(days=9) < due - datetime.now(UTC) < timedelta(days=31), "ten working days"
    assert await value(site, "SELECT text FROM feedback") == WORDS
    await execute(
        site,
        "UPDATE feedback SET answer = 'Đã xem xét', answered_at = now(), answered_by = 1 WHERE id = $1",
        first["id"],
    )
    (shown,) = (await site.ask("GET", address(receipt)))[2]["feedback"]
    assert shown["answer"] == "Đã xem xét"
    assert "Đã xem xét" in (await site.ask("GET", f"/r/{receipt.token}"))[2]
    assert "Đã xem xét" in (await site.ask("GET", f"/r/{receipt.token}/feedback"))[2]


async def test_a_repeated_key_is_the_same_feedback(site: Site, receipt: Receipt) -> None:
    key, body = {"Idempotency-Key": "feedback-1"}, {"kind": "feedback", "text": "Chờ lâu"}
    answers = await asyncio.gather(
        *(site.ask("POST", address(receipt, "/feedback"), body, headers=key) for _ in range(4))
    )
    assert {answer[0] for answer in answers} == {201}
    assert len({answer[2]["id"] for answer in answers}) == 1
    assert (await site.ask("POST", address(receipt, "/feedback"), body | {"text": "x"}, headers=key))[0] == 422
    assert (await site.ask("POST", address(receipt, "/feedback"), body, headers={"Idempotency-Key": "x"}))[0] == 400
    assert await value(site, "SELECT count(*) FROM feedback") == 1


async def test_five_may_wait_for_their_answer(site: Site, receipt: Receipt) -> None:
    body = {"kind": "feedback", "text": "Chờ lâu"}
    answers = await asyncio.gather(*(site.ask("POST", address(receipt, "/feedback"), body) for _ in range(8)))
    assert sorted(answer[0] for answer in answers) == [201] * 5 + [409] * 3
    status, _, page = await post(site, f"/r/{receipt.token}/feedback", kind="feedback", text="x", key="k" * 22)
    assert status == 409
    assert "đang chờ trả lời" in page
    assert await value(site, "SELECT count(*) FROM idempotency_key") == 0, "what is refused claims no key"
    await execute(
        site, "UPDATE feedback SET answered_at = now(), answer = 'x' WHERE id = (SELECT min(id) FROM feedback)"
    )
    assert (await site.ask("POST", address(receipt, "/feedback"), body))[0] == 201


async def test_feedback_that_is_wrong_is_told_so(site: Site, receipt: Receipt) -> None:
    for body, field in (
        ({"kind": "praise", "text": "x"}, "kind"),
        ({"kind": "feedback", "text": " "}, "text"),
        ({"kind": "feedback", "text": "x" * 2001}, "text"),
        ({"kind": "feedback"}, "text"),
    ):
        status, _, problem = await site.ask("POST", address(receipt, "/feedback"), body)
        assert status == 400
        assert problem["errors"][0]["field"] == field
        status, _, page = await post(site, f"/r/{receipt.token}/feedback", **body)
        assert status == 400
        assert 'class="alert"' in page
    assert await value(site, "SELECT count(*) FROM feedback") == 0


async def test_the_feedback_form_is_one_however_often_it_is_sent(site: Site, receipt: Receipt) -> None:
    path = f"/r/{receipt.token}/feedback"
    for _ in range(2):
        status, location, _ = await post(site, path, kind="feedback", text="Một\r\nhai", key="k" * 22)
        assert (status, location) == (303, path)
    assert await value(site, "SELECT string_agg(text, '|') FROM feedback") == "Một\nhai"
    assert "Đã nhận" in (await site.ask("GET", path))[2]


async def test_channels_are_switched_but_none_is_added(site: Site, receipt: Receipt) -> None:
    path = f"/r/{receipt.token}/contact"
    assert (await post(site, path, language="vi"))[0] == 404, "nobody's contact is known"
    await plant(site)
    await execute(site, "UPDATE applicant SET email = NULL, channels = '{sms}'")
    page = (await site.ask("GET", path))[2]
    assert 'name="sms" value="1" checked' in page
    assert 'name="email"' not in page
    status, location, _ = await post(site, path, language="en", phone="1", email="1")
    assert (status, location) == (303, f"/r/{receipt.token}")
    assert await value(site, "SELECT (channels, language)::text FROM applicant") == "({phone},en)"
    assert (await post(site, path, language="fr"))[0] == 400
    assert await value(
        site,
        "SELECT string_agg(action || ' ' || subject, '') FROM audit WHERE staff_id IS NULL AND subject LIKE 'rec%'",
    ) == (f"change-contact receipt:{SHOWN}")


async def test_what_opens_nothing_takes_nothing(site: Site) -> None:
    rating, feedback = {"score": 5}, {"kind": "feedback", "text": "x"}
    for why, token in (await tokens_that_open_nothing(site)).items():
        path = f"/api/v1/receipts/{token}"
        assert (await site.ask("POST", f"{path}/rating", rating))[0] == 404, why
        assert (await site.ask("POST", f"{path}/feedback", feedback))[0] == 404, why
        for part in ("rating", "feedback", "contact"):
            assert (await site.ask("GET", f"/r/{token}/{part}"))[0] == 404, why
            assert (await post(site, f"/r/{token}/{part}", score="5", kind="feedback", text="x", language="vi"))[
                0
            ] == 404


async def transfer(
    site: Site, body: Mapping[str, object], *, age: int = 0, secret: str = SECRET, tamper: bytes = b""
) -> tuple[int, Any]:
    raw, at = orjson.dumps(body), str(int(time.time()) - age)
    headers = {
        "X-Motcua-Timestamp": at,
        "X-Motcua-Signature": signature(secret, at, raw),
        "Content-Type": "application/json",
    }
    status, _, answer = await site.ask("POST", "/api/v1/payments", data=raw + tamper, headers=headers)
    return status, answer


PAID: dict[str, object] = {
    "reference": "FT26265.1",
    "code": SHOWN,
    "amount": 50_000,
    "paid_at": "2026-09-22T09:00:00+07:00",
}


@pytest.fixture
async def bank(monkeypatch: pytest.MonkeyPatch, start_site: StartSite) -> Site:
    """A worker that shares a secret with the bank, and a dossier that owes 50,000 đồng."""
    monkeypatch.setenv("MOTCUA_PAYMENT_SECRET", SECRET)
    site = await start_site()
    await become(site, 6, amount_due=50_000, handed_over_at=datetime(2026, 9, 21, 1, tzinfo=UTC), time_limit="3d")
    await execute(
        site,
        "INSERT INTO payment (code_year, code, amount, purpose, asked_at) VALUES (2026, $1, 30000, 'Phí', now()),"
        " (2026, $1, 20000, 'Lệ phí', now())",
        SHOWN,
    )
    return site


async def test_without_a_secret_there_is_no_such_address(site: Site) -> None:
    status, problem = await transfer(site, PAID)
    assert (status, problem["type"]) == (404, "/problems/no-such-address")


async def test_a_transfer_counts_once_however_often_it_is_reported(bank: Site) -> None:
    answers = await asyncio.gather(*(transfer(bank, PAID) for _ in range(4)))
    again = await transfer(bank, PAID)
    assert {status for status, _ in (*answers, again)} == {200}, answers
    assert len({orjson.dumps(answer) for _, answer in (*answers, again)}) == 1
    as_described(again[1], "Paid")
    assert await value(bank, "SELECT count(*) FROM dossier_event WHERE action = 'receive-payment'") == 1
    assert await value(bank, "SELECT (status, amount_due)::text FROM dossier WHERE code = $1", SHOWN) == "(4,0)"
    receipt = await issue(bank)
    fees = (await bank.ask("GET", address(receipt)))[2]["fees"]
    assert (fees["due"], [paid["amount"] for paid in fees["paid"]]) == (0, [30_000, 20_000])


UNFIT: list[tuple[dict[str, object], int, str]] = [
    ({"amount": 49_999, "reference": "other"}, 422, "wrong-amount"),
    ({"code": MISSING, "reference": "other"}, 404, "unknown-dossier"),
    ({"code": "nonsense", "reference": "other"}, 400, "malformed-code"),
    ({"amount": 1.5}, 400, "bad-request"),
    ({"amount": 0}, 400, "bad-request"),
    ({"paid_at": "2026-09-22T09:00:00"}, 400, "bad-request"),
    ({"reference": "a b"}, 400, "bad-request"),
]


async def test_a_transfer_that_does_not_fit_changes_nothing(bank: Site) -> None:
    for change, status, kind in UNFIT:
        answered, problem = await transfer(bank, PAID | change)
        assert (answered, problem["type"]) == (status, f"/problems/{kind}"), change
    assert await value(bank, "SELECT count(*) FROM payment WHERE paid_at IS NOT NULL") == 0


async def test_a_reference_pays_nothing_else(bank: Site) -> None:
    assert (await transfer(bank, PAID))[0] == 200
    for change in ({"amount": 49_999}, {"code": HIDDEN}):
        status, problem = await transfer(bank, PAID | change)
        assert (status, problem["type"]) == (409, "/problems/reference-reused")
    status, problem = await transfer(bank, PAID | {"reference": "FT26265.2"})
    assert (status, problem["type"]) == (409, "/problems/nothing-due")


async def test_only_a_fresh_signature_of_the_very_body_counts(bank: Site) -> None:
    assert (await transfer(bank, PAID, secret="another secret of some length"))[0] == 403
    assert (await transfer(bank, PAID, age=301))[0] == 403
    assert (await transfer(bank, PAID, age=-330))[0] == 403
    assert (await transfer(bank, PAID, tamper=b" "))[0] == 403
    assert (await bank.ask("POST", "/api/v1/payments", PAID))[0] == 403
    assert await value(bank, "SELECT count(*) FROM payment WHERE paid_at IS NOT NULL") == 0
    assert (await transfer(bank, PAID, age=290))[0] == 200


async def test_no_personal_data_gets_out(
    site: Site, receipt: Receipt, redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Canary: planted wherever persons may be, and sent in; looked for wherever they may not."""
    await plant(site)
    await become(site, 9, finished_at=datetime(2026, 9, 23, tzinfo=UTC))
    wrong_pin = await by_pin(site, SHOWN, wrong(receipt.pin))
    right_pin = await by_pin(site, SHOWN, receipt.pin)
    said = [wrong_pin[1].decode(), str(wrong_pin[2]), str(right_pin[2])]
    for path, body in (
        ("/rating", {"score": 1, "comment": WORDS + NAME}),
        ("/feedback", {"kind": "petition", "text": WORDS + PHONE}),
        ("/feedback", {"kind": EMAIL, "text": ID_NUMBER * 300}),
    ):
        _, headers, answer = await site.ask("POST", address(receipt, path), body)
        said += [str(headers), str(answer)]
    for path, fields in (
        ("rating", {"score": "9", "comment": NAME}),
        ("feedback", {"kind": "petition", "text": WORDS}),
        ("contact", {"language": "vi", "email": "1", "sms": "1"}),
    ):
        said += map(str, await post(site, f"/r/{receipt.token}/{path}", **fields))
    for path in (
        f"/api/v1/dossiers/{SHOWN}", f"/d/{SHOWN}", address(receipt), f"/r/{receipt.token}",
        f"/r/{receipt.token}/rating", f"/r/{receipt.token}/feedback", f"/r/{receipt.token}/contact",
    ):  # fmt: skip
        status, headers, answer = await site.ask("GET", path)
        assert status == 200, path
        said += [str(headers), str(answer)]
    out = capfd.readouterr()
    assert "/r/{lookup_token}/contact" in out.out + out.err, "the log was looked at"
    said += [out.out, out.err, catalogue_text()]
    with redis.Redis.from_url(redis_url) as client:
        keys = list(client.scan_iter())
        assert keys, "level 0 was looked at"
        for key in keys:
            raw = client.dump(key) or b""
            said.append(key.decode() + raw.decode("utf-8", "ignore") + str(client.get(key)))
    allowed = "c***@example.org"
    for text in said:
        for planted in PLANTED:
            assert planted not in text.replace(allowed, ""), (planted, text[:2000])
    everything_kept_secret = (receipt.token, receipt.pin)
    for text in (out.out, out.err, catalogue_text(), *(key.decode() for key in keys)):
        for planted in everything_kept_secret:
            assert planted not in text


def catalogue_text() -> str:
    from prometheus_client import generate_latest

    return generate_latest(catalogue.registry).decode()
