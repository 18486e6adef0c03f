"""Who may call what: the table of route × role, held against the running application; and sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kit.sessions import IDLE, LIFETIME, Passwords, Role
from service.access import ACCESS

if TYPE_CHECKING:
    from tests.integration.conftest import Site

OFFICE, COUNTER, PASSWORD = "demo-24h", "demo-24h-1", "correct horse battery"
NOBODY = "nobody"
FILLED = {
    "code": "H26.18-260921-0001",
    "office_id": OFFICE,
    "counter_id": COUNTER,
    "token": "dmo.1xx." + "A" * 22,
    "lookup_token": "A" * 32,
    "move": "start",
    "action": "close",
    "webhook_id": "1",
    "name": "nothing.css",
    "form": "receipt",
    "kind": "apology",
    "id": "1",
}
STREAMS = "/live"
Answer = tuple[int, Any, Any]


def routes(site: Site) -> set[tuple[str, str]]:
    """Method and template of every route of the application; HEAD goes where GET goes."""
    found = {(route.method, route.resource.canonical) for route in site.app.router.routes() if route.resource}
    return {(method, template) for method, template in found if method != "HEAD"}


async def test_every_route_is_in_the_table_and_every_line_of_it_a_route(site: Site) -> None:
    assert routes(site) == set(ACCESS)


async def call(site: Site, method: str, template: str, headers: dict[str, str]) -> Answer:
    path = template.format(**FILLED | ({"action": "transfer"} if "/dossiers/" in template else {}))
    if template.endswith(STREAMS):
        async with site.client.request(method, site.base + path, headers=headers) as response:
            return response.status, response.headers, None
    return await site.ask(method, path, headers=headers)


async def test_every_route_for_every_role(site: Site) -> None:
    bearers: dict[str, dict[str, str]] = {NOBODY: {}}
    for one in Role:
        bearers[one.value] = await site.sign_in(one.value)
    for (method, template), allowed in sorted(ACCESS.items()):
        for role, bearer in bearers.items():
            if method == "DELETE" and template.endswith("/session"):
                continue  # would end the session that the next lines need; below
            status, headers, _ = await call(site, method, template, bearer)
            who = f"{role}: {method} {template} → {status}"
            if allowed is None:
                assert status not in (401, 403) or template == "/desk/sign-in", who
            elif role == NOBODY:
                assert (status, headers.get("WWW-Authenticate")) == (401, "Bearer"), who
            elif Role(role) not in allowed:
                assert status == 403, who
            else:
                assert status not in (401, 403), who
            if (method, template) == ("POST", "/desk/sign-out") and bearer:
                bearers[role] = await site.sign_in(role)


async def test_an_address_that_is_in_no_table_is_refused(site: Site) -> None:
    line = ("GET", "/api/v1/offices")
    table = dict(ACCESS)
    assert table.pop(line, "missing") is None
    from kit.edge import Edge

    edge = next(
        cell.cell_contents
        for middleware in site.app.middlewares
        for cell in getattr(middleware, "__closure__", None) or ()
        if isinstance(cell.cell_contents, Edge)
    )
    edge._access = table
    assert (await site.ask("GET", "/api/v1/offices"))[0] == 401
    assert (await site.ask("GET", "/api/v1/offices", headers=await site.sign_in("admin")))[0] == 403


async def test_a_clerk_of_another_office_is_refused(site: Site) -> None:
    stranger, ticket = await site.sign_in("stranger"), await site.ticket()
    for path in (
        f"/api/v1/counters/{COUNTER}/open",
        f"/api/v1/counters/{COUNTER}/close",
        f"/api/v1/counters/{COUNTER}/call-next",
        f"/api/v1/tickets/{ticket['token']}/start",
        f"/desk/{COUNTER}/open",
        f"/desk/{COUNTER}/call-next",
    ):
        assert (await site.ask("POST", path, headers=stranger))[0] == 403, path
    form = {"counter": "tay-ho-1"}
    path = f"/desk/tickets/{ticket['token']}/recall"
    assert (await site.ask("POST", path, data=form, headers=stranger))[0] == 403
    assert (await site.ask("GET", f"/api/v1/tickets/{ticket['token']}"))[2]["state"] == "waiting"


ORIGINS = [
    ({"Sec-Fetch-Site": "cross-site"}, True),
    ({"Sec-Fetch-Site": "same-site"}, True),
    ({"Sec-Fetch-Site": "nonsense"}, True),
    ({"Origin": "https://evil.example"}, True),
    ({"Origin": "null"}, True),
    ({"Origin": "http://localhost"}, True),  # another port is another origin
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Site": "none"}, False),
    ({"Origin": "own"}, False),
    ({}, False),
]
CHANGING = [
    ("POST", f"/api/v1/offices/{OFFICE}/tickets"),
    ("POST", "/desk/sign-in"),
    ("POST", f"/o/{OFFICE}"),
    ("DELETE", "/api/v1/session"),
]


async def test_other_sites_cannot_change_anything(site: Site) -> None:
    for given, refused in ORIGINS:
        headers = {name: site.base if value == "own" else value for name, value in given.items()}
        for method, path in CHANGING:
            status, _, _ = await site.ask(method, path, headers=headers)
            assert (status == 403) == refused, (given, method, path, status)
        assert (await site.ask("GET", "/api/v1/offices", headers=headers))[0] == 200


async def test_a_cookie_is_for_this_host_and_no_script(site: Site) -> None:
    _, headers, who = await site.ask("POST", "/api/v1/session", {"name": "CLERK", "password": PASSWORD})
    assert who == {"name": "clerk", "role": "clerk", "office": OFFICE}
    value, *attributes = [part.strip() for part in headers["Set-Cookie"].split(";")]
    assert value.startswith("__Host-motcua=")
    assert len(value.partition("=")[2]) >= 43  # 256 bits
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert not any(attribute.startswith("Domain") for attribute in attributes)
    path = f"/api/v1/counters/{COUNTER}/open"
    assert (await site.ask("POST", path, headers={"Cookie": value}))[0] == 200


async def test_a_wrong_name_and_a_wrong_password_are_the_same(site: Site) -> None:
    for path, more in (("/api/v1/session", "json"), ("/desk/sign-in", "data")):
        answers = []
        for name in ("clerk", "no-such-name"):
            fields = {more: {"name": name, "password": "wrong password"}}
            status, headers, body = await site.ask("POST", path, headers={"X-Request-Id": "12345678"}, **fields)
            shown = {key: value for key, value in headers.items() if key not in ("Date", "Content-Length")}
            answers.append((status, shown, repr(body).replace(name, "NAME")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 401
        assert "Set-Cookie" not in answers[0][1]


async def test_signing_out_ends_the_session(site: Site) -> None:
    path = f"/api/v1/counters/{COUNTER}/open"
    for method, address in (("DELETE", "/api/v1/session"), ("POST", "/desk/sign-out")):
        staff, other = await site.sign_in("clerk"), await site.sign_in("clerk")
        assert (await site.ask("POST", path, headers=staff))[0] == 200
        status, headers, _ = await site.ask(method, address, headers=staff)
        assert status in (204, 303)
        assert "__Host-motcua=" in headers["Set-Cookie"]
        assert "Max-Age=0" in headers["Set-Cookie"]
        assert (await site.ask("POST", path, headers=staff))[0] == 401
        assert (await site.ask("POST", path, headers=other))[0] == 200


ENDS = [
    ("expires_at = now() - interval '1 second'", 401),
    ("expires_at = now() + interval '1 minute'", 200),
    ("seen_at = now() - interval '30 minutes 1 second'", 401),
    ("seen_at = now() - interval '29 minutes'", 200),
]


async def test_sessions_end_by_themselves(site: Site) -> None:
    assert (timedelta(hours=12), timedelta(minutes=30)) == (LIFETIME, IDLE)
    path = f"/api/v1/counters/{COUNTER}/open"
    for change, expected in ENDS:
        staff = await site.sign_in("clerk")
        async with site.database.connection() as connection:
            length = await connection.fetchval("SELECT max(expires_at - opened_at) FROM staff_session")
            await connection.execute(f"UPDATE staff_session SET {change}")
        assert abs(length - LIFETIME) < timedelta(seconds=1)
        assert (await site.ask("POST", path, headers=staff))[0] == expected, change
        async with site.database.connection() as connection:
            recent = await connection.fetchval("SELECT now() - max(seen_at) < interval '1 minute' FROM staff_session")
            assert recent == ("30 minutes" not in change)
            await connection.execute("DELETE FROM staff_session")


async def test_who_is_disabled_is_out_at_once(site: Site) -> None:
    staff = await site.sign_in("clerk")
    async with site.database.connection() as connection:
        await connection.execute("UPDATE staff SET disabled = true WHERE name = 'clerk'")
    assert (await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", headers=staff))[0] == 401
    assert (await site.ask("POST", "/api/v1/session", {"name": "clerk", "password": PASSWORD}))[0] == 401


async def test_a_new_password_ends_the_sessions_of_the_old_one(site: Site) -> None:
    from kit.sessions import put_staff

    staff = await site.sign_in("clerk")
    async with site.database.transaction() as connection:
        hashed = Passwords().hash("another good password")
        await put_staff(connection, name="clerk", role=Role.CLERK, office=OFFICE, password_hash=hashed)
    assert (await site.ask("POST", f"/api/v1/counters/{COUNTER}/open", headers=staff))[0] == 401


async def test_nothing_readable_is_kept(site: Site) -> None:
    bearer = (await site.sign_in("clerk"))["Authorization"].removeprefix("Bearer ")
    async with site.database.connection() as connection:
        stored = await connection.fetch("SELECT token_sha256 FROM staff_session")
        hashes = await connection.fetch("SELECT password_hash FROM staff")
    assert all(bearer.encode() not in row["token_sha256"] for row in stored)
    assert all(row["password_hash"].startswith("$argon2id$") for row in hashes)


async def test_the_desk_is_for_those_who_serve(site: Site) -> None:
    for role in Role:
        status, headers, page = await site.ask("GET", "/desk?lang=en", headers=await site.sign_in(role.value))
        assert 'name="password"' not in page
        if role is Role.PLANNER:
            assert (status, headers["Location"]) == (303, "/office/reports?lang=en")
        else:
            assert status == 200
            assert ('href="/office?lang=en"' in page) == (role is not Role.CLERK)
        form = {"name": role.value, "password": PASSWORD}
        _, headers, _ = await site.ask("POST", "/desk/sign-in", data=form)
        assert headers["Location"] == ("/office/reports" if role is Role.PLANNER else "/desk")
    assert 'name="password"' in (await site.ask("GET", "/desk", headers={"Authorization": "Bearer " + "x" * 43}))[2]
