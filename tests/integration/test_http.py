"""Every address of the contract that exists, asked of the real application."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tickets.hall import queries
from tickets.ticket import parse_token

if TYPE_CHECKING:
    from tests.integration.conftest import Site

OFFICE, SHOWN, HIDDEN, MISSING = "demo-24h", "H26.18-260921-0001", "H26.18-260921-0002", "H26.18-260921-0003"
COUNTER = "demo-24h-1"
TICKET_FIELDS = [
    "token",
    "number",
    "office",
    "service",
    "state",
    "ahead",
    "wait_minutes",
    "counter",
    "issued_at",
    "version",
    "as_of",
    "status_url",
]
DOSSIER_FIELDS = [
    "code",
    "procedure",
    "receiving_office",
    "competent_agency",
    "status",
    "status_name",
    "status_label",
    "received_on",
    "appointment_on",
    "appointment_changes",
    "late",
    "action_needed",
    "version",
    "as_of",
]
PAGES = ["/", "/?lang=en", "/o", f"/o/{OFFICE}", f"/o/{OFFICE}/sign", f"/d/{SHOWN}", "/desk", "/no-such-page"]


async def test_a_dossier_by_its_code(site: Site) -> None:
    status, headers, answer = await site.ask("GET", f"/api/v1/dossiers/{SHOWN}")
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "public, max-age=1"
    assert list(answer) == DOSSIER_FIELDS
    assert (answer["code"], answer["status_name"]) == (SHOWN, "processing")
    for typed in (SHOWN.lower(), f"*{SHOWN}*", SHOWN.replace("-", "%E2%80%93"), f"%20{SHOWN}%20"):
        status, _, again = await site.ask("GET", f"/api/v1/dossiers/{typed}")
        assert (status, again["code"]) == (200, SHOWN)


async def test_validators(site: Site) -> None:
    ticket = await site.ticket()
    addresses = [
        f"/api/v1/dossiers/{SHOWN}",
        f"/d/{SHOWN}",
        f"/api/v1/offices/{OFFICE}/queues",
        f"/api/v1/tickets/{ticket['token']}",
    ]
    for path in addresses:
        _, headers, _ = await site.ask("GET", path)
        etag = headers["ETag"]
        for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            status, headers, body = await site.ask("GET", path, headers={"If-None-Match": known})
            assert (status, body, headers["ETag"]) == (304, "", etag), (path, known)
            assert headers["Cache-Control"]
        status, _, _ = await site.ask("GET", path, headers={"If-None-Match": '"other"'})
        assert status == 200


async def test_head_is_get_without_a_body(site: Site) -> None:
    ticket = await site.ticket()
    for path in (
        f"/api/v1/dossiers/{SHOWN}",
        "/api/v1/offices",
        f"/api/v1/offices/{OFFICE}/queues",
        f"/api/v1/tickets/{ticket['token']}",
        "/",
        f"/o/{OFFICE}",
        f"/api/v1/dossiers/{MISSING}",
    ):
        got, head = await site.ask("GET", path), await site.ask("HEAD", path)
        assert head[0] == got[0]
        assert head[2] == ""
        assert head[1]["Content-Type"] == got[1]["Content-Type"]
    for path in (f"/api/v1/offices/{OFFICE}/live", f"/api/v1/tickets/{ticket['token']}/live"):
        async with asyncio.timeout(5):
            assert (await site.ask("HEAD", path))[0] in (200, 405)


async def test_a_hidden_dossier_is_an_unknown_one(site: Site) -> None:
    for address in ("/api/v1/dossiers/{}", "/d/{}"):
        for method in ("GET", "HEAD"):
            hidden, unknown = [
                await site.ask(method, address.format(code), headers={"X-Request-Id": "12345678"})
                for code in (HIDDEN, MISSING)
            ]
            assert hidden[0] == unknown[0] == 404
            assert repr(hidden[2]).replace(HIDDEN, MISSING) == repr(unknown[2])
            told = [
                {name: value for name, value in answer[1].items() if name != "Date"} for answer in (hidden, unknown)
            ]
            assert told[0] == told[1]
    _, _, problem = await site.ask("GET", f"/api/v1/dossiers/{HIDDEN}")
    assert (problem["type"], problem["status"]) == ("/problems/unknown-dossier", 404)
    assert not set(problem) & {"instance", "detail"}  # would differ, or tell


async def test_offices(site: Site) -> None:
    status, headers, answer = await site.ask("GET", "/api/v1/offices")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    offices = {office["id"]: office for office in answer["offices"]}
    assert offices["tay-ho-district"]["valid_to"] == "2025-06-30"
    assert offices["tay-ho-district"]["replaced_by"]
    status, _, one = await site.ask("GET", f"/api/v1/offices/{OFFICE}")
    assert status == 200
    assert one["takes_tickets"] is True
    assert [service["prefix"] for service in one["services"]] == ["A", "B", "C"]
    assert len(one["counters"]) == 4
    assert {procedure["code"] for procedure in one["procedures"]} >= {"2.000815"}
    assert one["calendar"]["hours"]["mon"] == ["00:00-24:00"]
    status, _, history = await site.ask("GET", "/api/v1/offices/tay-ho-district")
    assert (status, history["takes_tickets"]) == (200, False)


async def test_a_ticket_from_issue_to_end(site: Site) -> None:
    clerk = await site.sign_in("clerk")
    status, headers, ticket = await site.ask(
        "POST",
        f"/api/v1/offices/{OFFICE}/tickets",
        {"service": "ho-tich", "priority": "elderly", "phone": "0912345678", "dossier_code": SHOWN},
    )
    assert status == 201
    assert headers["Location"] == f"/api/v1/tickets/{ticket['token']}"
    assert headers["Cache-Control"] == "no-store"
    assert list(ticket) == TICKET_FIELDS
    assert (ticket["number"], ticket["state"], ticket["ahead"], ticket["wait_minutes"]) == ("A001", "waiting", 0, None)
    assert datetime.fromisoformat(ticket["issued_at"]).utcoffset() is not None
    later = await site.ticket()
    assert (later["number"], later["ahead"]) == ("A002", 1)

    path = f"/api/v1/tickets/{ticket['token']}"
    status, headers, same = await site.ask("GET", path)
    assert (status, headers["Cache-Control"], list(same)) == (200, "private, no-cache", TICKET_FIELDS)
    assert {k: same[k] for k in TICKET_FIELDS[:9]} == {k: ticket[k] for k in TICKET_FIELDS[:9]}

    assert (await site.ask("POST", f"/api/v1/counters/{COUNTER}/call-next", headers=clerk))[0] == 409
    status, _, opened = await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", headers=clerk)
    assert (status, opened) == (200, {"counter": COUNTER, "open": True, "services": ["ho-tich"]})
    status, _, called = await site.ask("POST", f"/api/v1/counters/{COUNTER}/call-next", headers=clerk)
    assert (status, called["token"], called["state"], called["counter"]) == (200, ticket["token"], "called", "Quầy 1")
    for move, state in (("recall", "called"), ("start", "serving"), ("finish", "served")):
        status, _, moved = await site.ask("POST", f"{path}/{move}", headers=clerk)
        assert (status, moved["state"]) == (200, state)
    status, _, problem = await site.ask("POST", f"{path}/start", headers=clerk)
    assert (status, problem["type"]) == (409, "/problems/move-not-allowed")
    assert (await site.ask("DELETE", path))[0] == 409
    assert (await site.ask("GET", path))[2]["state"] == "served"

    status, _, left = await site.ask("DELETE", f"/api/v1/tickets/{later['token']}")
    assert (status, left["state"], left["ahead"]) == (200, "cancelled", None)
    assert (await site.ask("POST", f"/api/v1/counters/{COUNTER}/call-next", headers=clerk))[0] == 204
    status, _, closed = await site.ask("POST", f"/api/v1/counters/{COUNTER}/close", headers=clerk)
    assert (status, closed["open"]) == (200, False)


async def test_the_open_data_is_the_line(site: Site) -> None:
    clerk = await site.sign_in("clerk")
    await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", {"services": ["ho-tich"]}, headers=clerk)
    for _ in range(3):
        await site.ticket()
    await site.ask("POST", f"/api/v1/counters/{COUNTER}/call-next", headers=clerk)
    status, headers, data = await site.ask("GET", f"/api/v1/offices/{OFFICE}/queues")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert list(data) == ["office", "version", "as_of", "queues"]
    queue = data["queues"][0]
    assert list(queue) == ["service", "name", "waiting", "now_serving", "counters_open", "wait_minutes"]
    assert (queue["waiting"], queue["counters_open"]) == (2, 1)
    assert queue["now_serving"] == [{"number": "A001", "counter": "Quầy 1"}]
    assert 0 < queue["wait_minutes"]["p50"] < queue["wait_minutes"]["p90"]


async def test_the_same_key_gives_the_same_answer(site: Site) -> None:
    path, key = f"/api/v1/offices/{OFFICE}/tickets", {"Idempotency-Key": secrets.token_urlsafe(16)}
    body = {"service": "ho-tich"}
    answers = await asyncio.gather(*(site.ask("POST", path, body, headers=key) for _ in range(20)))
    assert {status for status, _, _ in answers} == {201}
    assert all(answer == answers[0][2] for _, _, answer in answers)
    assert all(headers["Location"] == answers[0][1]["Location"] for _, headers, _ in answers)
    status, _, problem = await site.ask("POST", path, {"service": "chung-thuc"}, headers=key)
    assert (status, problem["type"]) == (422, "/problems/key-reused")
    assert (await site.ticket())["number"] == "A002"


async def test_calling_twice_with_one_key_calls_once(site: Site) -> None:
    clerk = await site.sign_in("clerk")
    await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", headers=clerk)
    for _ in range(3):
        await site.ticket()
    key = clerk | {"Idempotency-Key": "one-press-of-the-button"}
    path = f"/api/v1/counters/{COUNTER}/call-next"
    calls = await asyncio.gather(*(site.ask("POST", path, headers=key) for _ in range(8)))
    assert {(status, answer["number"]) for status, _, answer in calls} == {(200, "A001")}
    assert (await site.ask("POST", path, headers=clerk))[2]["number"] == "A002"


async def test_a_repeated_call_waits_for_the_first_even_if_nobody_else_waits(site: Site) -> None:
    clerk = await site.sign_in("clerk")
    await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", headers=clerk)
    ticket, key = await site.ticket(), "pressed-twice"
    day = parse_token(ticket["token"])
    assert day is not None
    path = f"/api/v1/counters/{COUNTER}/call-next"
    async with site.database.transaction() as first:
        await queries.ticket_call_next.value(
            first,
            counter_id=COUNTER,
            day=day.day,
            key=key,
            staff_id=None,
            priority_bound=2,
            escape=timedelta(),
            listed=False,
        )
        second = asyncio.create_task(site.ask("POST", path, headers=clerk | {"Idempotency-Key": key}))
        await asyncio.sleep(0.3)
        assert not second.done()
    status, _, answer = await second
    assert (status, answer["token"]) == (200, ticket["token"])
    empty = clerk | {"Idempotency-Key": "called-nobody"}
    assert (await site.ask("POST", path, headers=empty))[0] == 204
    later = await site.ticket()
    assert (await site.ask("POST", path, headers=empty))[2]["token"] == later["token"]


async def test_the_office_calls_by_its_own_policy_and_says_so(site: Site) -> None:
    async with site.database.connection() as connection:
        await connection.execute("UPDATE office SET policy = policy || $1 WHERE id = $2", {"priority_bound": 1}, OFFICE)
    clerk = await site.sign_in("clerk")
    await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", {"services": ["ho-tich"]}, headers=clerk)
    tokens = [(await site.ticket(priority=name))["token"] for name in ("normal", "elderly", "disabled", "normal")]
    order = [tokens[1], tokens[0], tokens[2], tokens[3]]
    page = (await site.ask("GET", f"/o/{OFFICE}?lang=en"))[2]
    assert "nobody is overtaken by more than one of them" in page
    for number, token in enumerate(order):
        ahead = [(await site.ask("GET", f"/api/v1/tickets/{other}"))[2]["ahead"] for other in order[number:]]
        assert ahead == list(range(len(ahead)))
        status, _, called = await site.ask("POST", f"/api/v1/counters/{COUNTER}/call-next", headers=clerk)
        assert (status, called["token"]) == (200, token)
        await site.ask("POST", f"/api/v1/tickets/{token}/no-show", headers=clerk)


async def test_a_closed_office_gives_no_numbers(site: Site) -> None:
    for office in ("closed-today", "never-open", "tay-ho-district"):
        await check_closed(site, office)


async def check_closed(site: Site, office: str) -> None:
    status, _, detail = await site.ask("GET", f"/api/v1/offices/{office}")
    assert status == 200
    service = detail["services"][0]["id"] if detail["services"] else "ho-tich"
    status, _, problem = await site.ask("POST", f"/api/v1/offices/{office}/tickets", {"service": service})
    if not detail["services"]:
        assert (status, problem["type"]) == (404, "/problems/unknown-service")
        return
    assert (status, problem["type"]) == (409, "/problems/office-closed")
    opening = re.search(r"opens at (\S+)", problem["detail"])
    assert (opening is not None) == (office == "closed-today")
    if opening is not None:
        assert datetime.fromisoformat(opening[1]) > datetime.fromisoformat(detail["valid_from"] + "T00:00+07:00")
    assert (await site.ask("GET", f"/o/{office}"))[0] == 200


async def test_looking_up_from_the_front_page(site: Site) -> None:
    status, headers, _ = await site.ask("GET", f"/find?code=*{SHOWN.lower()}*")
    assert (status, headers["Location"]) == (303, f"/d/{SHOWN}")
    status, headers, _ = await site.ask("GET", f"/find?code={SHOWN}&lang=en")
    assert (status, headers["Location"]) == (303, f"/d/{SHOWN}?lang=en")
    status, _, page = await site.ask("GET", "/find?code=%3Cscript%3E")
    assert status == 400
    assert "&lt;script&gt;" in page
    status, _, page = await site.ask("GET", f"/d/{SHOWN}")
    assert status == 200
    assert SHOWN in page


async def test_pages_are_safe_and_small(site: Site) -> None:
    for path in PAGES:
        await check_page(site, path)


async def check_page(site: Site, path: str) -> None:
    status, headers, page = await site.ask("GET", path)
    assert status == (404 if path == "/no-such-page" else 200)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["style-src"], policy["frame-ancestors"]) == ("'self'", "'self'", "'none'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert len(page.encode()) < 30_000
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
    assert not re.search(r"""(src|href|action)=["'](https?:)?//""", page)


async def test_request_ids(site: Site) -> None:
    for path in ("/", "/api/v1/offices", f"/api/v1/dossiers/{MISSING}", "/api/v1/nowhere"):
        _, headers, _ = await site.ask("GET", path, headers={"X-Request-Id": "my.request_id-01"})
        assert headers["X-Request-Id"] == "my.request_id-01"
        made = []
        for bad in ("short", "x" * 65, "with space in", "<script>alert(1)"):
            _, headers, _ = await site.ask("GET", path, headers={"X-Request-Id": bad})
            assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", headers["X-Request-Id"])
            made.append(headers["X-Request-Id"])
        assert len(set(made)) == len(made)
