"""Bad input: always a clear 4xx, never a 500, never a stack trace."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.integration.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
OFFICE, SHOWN = "demo-24h", "H26.18-260921-0001"
TICKETS = f"/api/v1/offices/{OFFICE}/tickets"
BEARER = "Authorization: Bearer "
JUNK_TOKEN = "dmo.1xx." + "A" * 22
PREFIXES = [
    "/",
    "/api/v1/",
    "/api/v1/dossiers/",
    "/api/v1/offices/",
    "/api/v1/tickets/",
    "/d/",
    "/o/",
    "/t/",
    "/static/",
]
SUFFIXES = ["", "/", "/queues", "/live", "/tickets", "/sign", "/cancel", "/start", "?lang=en", "?lang=%FF", "?code=%00"]
ADDRESSES = st.builds(
    lambda prefix, text, suffix: prefix + quote(text.encode("utf-8", "surrogatepass"), safe="") + suffix,
    st.sampled_from(PREFIXES),
    st.text(max_size=30) | st.from_regex(r"[a-z0-9.\-]{1,45}", fullmatch=True) | st.just(SHOWN),
    st.sampled_from(SUFFIXES),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = (
    st.binary(max_size=60)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {"service": st.sampled_from(["ho-tich", "nothing"]) | VALUES},
        optional={"priority": VALUES, "phone": VALUES, "dossier_code": VALUES},
    ).map(lambda value: json.dumps(value).encode())
)


async def raw(site: Site, request: bytes) -> tuple[int, bytes]:
    """Status and the rest of the answer to these very bytes; 0 for a connection closed without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        async with asyncio.timeout(5):
            writer.write(request)
            await writer.drain()
            answer = await reader.read(100_000)
        return (int(answer.split(b" ", 2)[1]) if answer else 0), answer
    finally:
        writer.close()
        await writer.wait_closed()


def get(path: bytes, *headers: bytes) -> bytes:
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(path: str, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Type: {content_type}", *headers]
    if not any(header.startswith("Transfer-Encoding") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def problem_of(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


async def test_addresses_that_lead_nowhere(shared_site: Site) -> None:
    for path, status, slug in [
        ("/api/v1/dossiers/nonsense", 400, "malformed-code"),
        ("/api/v1/dossiers/H26.18-260921-9999", 404, "unknown-dossier"),
        ("/api/v1/offices/nowhere", 404, "unknown-office"),
        ("/api/v1/offices/nowhere/queues", 404, "unknown-office"),
        ("/api/v1/tickets/nonsense", 404, "unknown-ticket"),
        (f"/api/v1/tickets/{JUNK_TOKEN}", 404, "unknown-ticket"),
        (f"/api/v1/tickets/zz.zzzz.{'A' * 22}", 404, "unknown-ticket"),
        (f"/api/v1/tickets/dmo.zzzz.{'A' * 22}", 404, "unknown-ticket"),
        ("/api/v1/nothing", 404, "no-such-address"),
        ("/api/v1/offices/UPPER", 404, "no-such-address"),
    ]:
        got, headers, problem = await shared_site.ask("GET", path)
        assert (got, problem["type"], problem["status"]) == (status, f"/problems/{slug}", status), path
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["Cache-Control"] == "no-store"
    for path in ("/d/H26.18-260921-9999", "/o/nowhere", f"/t/{JUNK_TOKEN}", "/static/nothing.css", "/nothing"):
        got, headers, _ = await shared_site.ask("GET", path)
        assert (got, headers["Content-Type"]) == (404, "text/html; charset=utf-8"), path
    assert (await shared_site.ask("GET", "/d/nonsense"))[0] == 400


async def test_a_method_that_an_address_does_not_have(shared_site: Site) -> None:
    for method, path in [("POST", f"/api/v1/dossiers/{SHOWN}"), ("PUT", TICKETS), ("DELETE", "/"), ("OPTIONS", "/")]:
        status, headers, _ = await shared_site.ask(method, path)
        assert status == 405
        assert headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"service"',
        b"{'service': 'ho-tich'}",
        b'{"service":"ho-tich"} x',
        b'{"service":NaN}',
        b'{"service":"\xff"}',
        b"\xff\xfe",
        b'{"service":"ho-tich\x00"}',
        b'{"service":"ho-tich\\u0000"}',
        b'{"service":"ho-tich","phone":"\\ud800"}',
        b"[" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"{}",
        b'{"service":1.5}',
        b'{"service":null}',
        b'{"service":""}',
        b'{"service":"ho-tich","servcie":"x"}',
        b'{"service":"ho-tich","priority":"king"}',
        b'{"service":"ho-tich","priority":1}',
        b'{"service":"ho-tich","phone":"12"}',
        b'{"service":"ho-tich","phone":912345678}',
        b'{"service":"ho-tich","dossier_code":"a\\nb"}',
        b'{"service":"ho-tich","dossier_code":"' + b"x" * 61 + b'"}',
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_a_wrong_body_is_400(shared_site: Site, body: bytes) -> None:
    status, answer = await raw(shared_site, post(TICKETS, body))
    problem = problem_of(answer)
    assert (status, problem["type"]) == (400, "/problems/bad-request")
    assert problem["detail"]
    assert b"Traceback" not in answer
    assert b'File "' not in answer


async def test_a_wrong_field_is_named(shared_site: Site) -> None:
    _, _, problem = await shared_site.ask("POST", TICKETS, {"service": 1.5, "extra": 1})
    assert {error["field"] for error in problem["errors"]} == {"service", "extra"}
    staff = await shared_site.sign_in("clerk")
    path = "/api/v1/counters/demo-24h-1/open"
    status, _, problem = await shared_site.ask("POST", path, {"services": ["ho-tich", 1.5]}, headers=staff)
    assert (status, problem["errors"][0]["field"]) == (400, "services[1]")
    status, _, problem = await shared_site.ask("POST", path, {"services": ["dat-dai"]}, headers=staff)
    assert (status, problem["type"]) == (422, "/problems/not-its-skill")


async def test_sizes_and_encodings(shared_site: Site) -> None:
    for request, expected in [
        (post(TICKETS, b'{"service":"ho-tich","x":"' + b"x" * 70_000 + b'"}'), {413}),
        (post("/desk/sign-in", b"name=" + b"x" * 70_000, content_type="application/x-www-form-urlencoded"), {413}),
        (post(TICKETS, b"garbage", "Content-Encoding: gzip"), {400, 415}),
        (post(TICKETS, b"garbage", "Content-Encoding: deflate"), {400, 415}),
        (post(TICKETS, b"zz\r\nnonsense\r\n", "Transfer-Encoding: chunked"), {400}),
        (post(TICKETS, b"{}", content_type="application/json; charset=no-such-charset"), {400, 415}),
        (post("/desk/sign-in", b"name=%FF", content_type="application/x-www-form-urlencoded; charset=nonsense"), {415}),
        (post("/desk/sign-in", b"name=\xff", content_type="application/x-www-form-urlencoded"), {400}),
        (post("/desk/sign-in", b"nonsense", content_type="multipart/form-data"), {400}),
        (post("/desk/sign-in", b"nonsense", content_type="multipart/form-data; boundary=x"), {400}),
        (post("/desk/sign-in", b"name=a%00b", content_type="application/x-www-form-urlencoded"), {400}),
    ]:
        status, answer = await raw(shared_site, request)
        assert status in expected, (request[:300], answer[:300])
        assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "charset", ["utf-7", "utf-16", "utf-16-le", "unicode_escape", "raw_unicode_escape", "rot13", "idna"]
)
async def test_a_nul_in_disguise(shared_site: Site, charset: str) -> None:
    for body in (b"name=+AAA-&password=x", b"name=\\x00\\ud800&password=x", b"name=+2AA-&password=x"):
        kind = f"application/x-www-form-urlencoded; charset={charset}"
        status, _ = await raw(shared_site, post("/desk/sign-in", body, content_type=kind))
        assert status in (400, 401, 415), (charset, body)


@pytest.mark.parametrize(
    "path",
    [
        b"/api/v1/dossiers/\xff",
        b"/api/v1/dossiers/%FF",
        b"/api/v1/dossiers/%00",
        b"/api/v1/dossiers/%ED%A0%80",
        b"/api/v1/offices/\xff",
        b"/api/v1/tickets/\xff",
        b"/d/\xff",
        b"/d/%FF%FE",
        b"/t/\xff",
        b"/o/\xff",
        b"/\xff",
        b"/static/\xff",
        b"/static/..%2f..%2fetc%2fpasswd",
        b"/find?code=\xff",
        b"/find?code=%FF%ED%A0%80",
        b"/?lang=\xff",
        b"//evil.example/",
        b"/desk?counter=\xff",
        b"http://localhost/d/x",
        b"/d/" + b"x" * 5000,
        b"/find?code=" + b"%C4%90" * 700,
    ],
)
async def test_raw_bytes_in_an_address(shared_site: Site, path: bytes) -> None:
    status, answer = await raw(shared_site, get(path))
    assert 200 <= status < 500, answer[:300]
    assert b"Traceback" not in answer
    assert b'"//evil.example' not in answer


@pytest.mark.parametrize(
    "header",
    [
        b"Authorization: Bearer " + b"\xff" * 40,
        b"Authorization: Bearer " + b"x" * 5000,
        b"Authorization: Basic " + b"\xff" * 40,
        b"Cookie: __Host-motcua=" + b"\xff" * 40,
        b"Cookie: \xff=\xff; ;;=",
        b"X-Request-Id: \xff\xff\xff\xff\xff\xff\xff\xff",
        b"If-None-Match: \xff",
        b"Last-Event-ID: \xff",
        b"Accept-Language: \xff",
        b"X-Forwarded-For: \xff",
    ],
)
async def test_raw_bytes_in_a_header(shared_site: Site, header: bytes) -> None:
    for path in (b"/desk", b"/o/demo-24h", b"/api/v1/offices", f"/api/v1/dossiers/{SHOWN}".encode()):
        status, answer = await raw(shared_site, get(path, header))
        assert 200 <= status < 500, answer[:300]
    for write in ("/api/v1/counters/demo-24h-1/call-next", f"/api/v1/tickets/{JUNK_TOKEN}/start"):
        request = post(write, b"").replace(b"Connection: close", b"Connection: close\r\n" + header)
        status, answer = await raw(shared_site, request)
        assert 400 <= status < 500, answer[:300]


@pytest.mark.parametrize("host", [b"\xff", b"x" * 4000, b"a b", b"<script>", b"", b"[::1", b"evil.example:99999999"])
async def test_a_strange_host(shared_site: Site, host: bytes) -> None:
    for path in (b"/o/demo-24h/sign", b"/o/demo-24h", b"/"):
        status, answer = await raw(shared_site, get(path).replace(b"Host: localhost", b"Host: " + host))
        assert 200 <= status < 500, answer[:300]
        assert b"<script>" not in answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("key", ["short", "x" * 201, "with space", "k\u00e9y-k\u00e9y-k\u00e9y"])
async def test_a_malformed_idempotency_key(shared_site: Site, key: str) -> None:
    request = post(TICKETS, b'{"service":"ho-tich"}', f"Idempotency-Key: {key}")
    status, answer = await raw(shared_site, request)
    assert (status, problem_of(answer)["errors"][0]["field"]) == (400, "Idempotency-Key")


async def test_an_unknown_service(shared_site: Site) -> None:
    status, _, problem = await shared_site.ask("POST", TICKETS, {"service": "nothing"})
    assert (status, problem["type"]) == (404, "/problems/unknown-service")
    status, _, _ = await shared_site.ask("POST", f"/o/{OFFICE}", data={"service": "nothing"})
    assert status == 404
    status, _, _ = await shared_site.ask("POST", f"/o/{OFFICE}", data={"service": "ho-tich", "priority": "king"})
    assert status == 400


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(address=ADDRESSES, method=st.sampled_from(["GET", "GET", "POST", "DELETE", "HEAD"]))
async def test_no_address_breaks_it(shared_site: Site, address: str, method: str) -> None:
    status, answer = await raw(shared_site, get(address.encode()).replace(b"GET", method.encode(), 1))
    assert 200 <= status < 500, (address, answer[:200])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, path=st.sampled_from([TICKETS, "/api/v1/session"]))
async def test_no_body_breaks_it(shared_site: Site, body: bytes, path: str) -> None:
    status, answer = await raw(shared_site, post(path, body))
    assert 200 <= status < 500, (body, answer[:200])
