"""Personal data planted through every door of the whole service, and looked for wherever it must never be."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import redis

from tests.faults.running import OFFICE, RunningService
from tests.integration.outside import Http, MailBox

NAME, ID_NUMBER, PHONE = "Hoàng Yến Chim Vàng", "001199887766", "0911222333"
EMAIL, ADDRESS, RECIPIENT = "chim.vang@dan.example", "Số 77 ngõ Hót", "Người Nhận Chim"
COMMENT, LATIN = "Tôi tên là Chim Vàng", "Chim Vang"
PLANTED = (NAME, "Chim", "chim", ID_NUMBER, PHONE, "911222333", EMAIL, ADDRESS, "Hót", RECIPIENT, LATIN)
APPLICANT = {
    "name": NAME, "id_number": ID_NUMBER, "phone": PHONE, "email": EMAIL, "address": ADDRESS,
    "channels": ["email", "sms", "phone"],
}  # fmt: skip
POST = {"recipient": RECIPIENT, "address": ADDRESS, "phone": PHONE}


class Everyone:
    """Asks the service as anybody; remembers every public answer and every address in a header."""

    def __init__(self, base: str, client: aiohttp.ClientSession, bearer: str) -> None:
        self._base, self._client = base, client
        self._staff = {"Authorization": f"Bearer {bearer}"}
        self.public: list[str] = []
        self.addresses: list[str] = []

    async def ask(self, method: str, path: str, body: object = None, *, staff: bool = False, **more: Any) -> Any:
        headers = self._staff if staff else {}
        async with self._client.request(
            method, self._base + path, json=body, headers=headers, allow_redirects=False, **more
        ) as answer:
            text = await answer.text()
            self.addresses += [str(answer.url), answer.headers.get("Location", "")]
            if not staff:
                self.public.append(f"{dict(answer.headers)} {text}")
            assert answer.status < 500 or "post" in str(body), (path, answer.status, text)
            return await answer.json(content_type=None) if answer.content_type.endswith("json") else text


async def the_life_of(everyone: Everyone, database: asyncpg.Connection[asyncpg.Record]) -> str:
    procedures = (await everyone.ask("GET", f"/api/v1/offices/{OFFICE}/procedures"))["procedures"]
    free = next(one["code"] for one in procedures if one["fee"] == 0 and (one["time_limit"] or "").endswith("d"))
    intake = {"applicant": APPLICANT, "procedure": free, "post": POST}
    notice = {"missing": [f"Giấy của {NAME}"], "reason": COMMENT, "guidance": ADDRESS}
    await everyone.ask("POST", "/api/v1/dossiers", intake | notice, staff=True)
    code = (await everyone.ask("POST", "/api/v1/dossiers", intake, staff=True))["code"]
    for action, wish in (
        ("transfer", {}),
        ("request-supplement", {"reason": COMMENT, "missing": [f"Giấy của {NAME}"], "guidance": PHONE}),
        ("receive-supplement", {}),
        ("request-payment", {"amount": 1000, "purpose": NAME}),
        ("receive-payment", {"amount": 1000}),
        ("complete", {}),
        ("return", {}),
    ):
        case = await everyone.ask("POST", f"/api/v1/dossiers/{code}/{action}", wish, staff=True)
        assert "version" in case, case
        await everyone.ask("GET", f"/api/v1/dossiers/{code}")
    token = await database.fetchval("SELECT token FROM receipt WHERE code = $1", code)
    await everyone.ask("POST", f"/api/v1/receipts/{token}/rating", {"score": 5, "comment": COMMENT})
    petition = {"kind": "petition", "text": f"{COMMENT}, {PHONE}"}
    await everyone.ask("POST", f"/api/v1/receipts/{token}/feedback", petition)
    return str(code)


async def badly(everyone: Everyone) -> None:
    """Requests that fail, in each way that a name could slip into an error."""
    bad: Mapping[str, object] = {"applicant": APPLICANT | {"email": f"{NAME} {EMAIL}", "phone": NAME}, NAME: NAME}
    await everyone.ask("POST", "/api/v1/dossiers", bad, staff=True)
    await everyone.ask("POST", f"/api/v1/offices/{OFFICE}/tickets", {"service": "ho-tich", "phone": f"{PHONE}x"})
    await everyone.ask("POST", f"/api/v1/offices/{OFFICE}/tickets", {"service": "ho-tich", "phone": PHONE})
    await everyone.ask("POST", "/r", data={"code": "H26.99-260101-0001", "pin": ID_NUMBER})


@pytest.mark.timeout(240)
async def test_nobody_is_named_where_nobody_may_be(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path(tmp_path_factory.mktemp("canary"))
    for one in (folder, *folder.parents[:2]):
        one.chmod(0o755)
    mailbox, gateway = MailBox(), Http()
    async with mailbox.running(), gateway.running():
        service = RunningService(
            folder, workers=2,
            MOTCUA_SMTP_URL=f"smtp://127.0.0.1:{mailbox.port}?tls=none", MOTCUA_MAIL_FROM="motcua@office.example",
            MOTCUA_SMS_URL=f"{gateway.base}/send", MOTCUA_SMS_TOKEN="gateway-secret-token",
        )  # fmt: skip
        await asyncio.to_thread(service.start)
        try:
            said, log = await _said(service, mailbox, gateway)
        finally:
            await asyncio.to_thread(service.stop)
        log += service.log
    assert mailbox.got and gateway.got, "messages went out, so there was somebody to be named"
    assert NAME in str(mailbox.got[0].get_content()) or NAME in str(mailbox.got[-1].get_content())
    for where, text in [*said.items(), ("log", log)]:
        assert text, where
        for planted in PLANTED:
            assert planted not in text, (where, planted, text[max(0, text.find(planted) - 300) :][:600])


async def _said(service: RunningService, mailbox: MailBox, gateway: Http) -> tuple[dict[str, str], str]:
    bearer = await service.sign_in()
    database = await asyncpg.connect(service.database_url)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            everyone = Everyone(f"http://localhost:{service.port}", client, bearer)
            code = await the_life_of(everyone, database)
            for path in (f"/d/{code}", f"/d/{code}?lang=en", f"/find?code={code}", f"/r?code={code}"):
                await everyone.ask("GET", path)
            await badly(everyone)
            # PostgreSQL quotes whole rows in its errors: one that nobody has thought of must not name anybody either.
            await database.execute("ALTER TABLE applicant ADD CONSTRAINT nobody CHECK (length(name) < 2) NOT VALID")
            broken = {"applicant": APPLICANT, "procedure": "2.000815", "post": POST}
            await everyone.ask("POST", "/api/v1/dossiers", broken, staff=True)
            assert len(service.unexpected()) == 1
            deadline = time.monotonic() + 30
            while await database.fetchval("SELECT count(*) FROM message WHERE state IN ('waiting', 'sending') "
                                          "AND channel <> 'phone'"):  # fmt: skip
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)
    finally:
        await database.close()
    return {
        "public answers": "\n".join(everyone.public),
        "addresses": "\n".join(everyone.addresses),
        "redis": _redis(service.redis_url),
        "metrics": _metrics(service),
    }, service.log


def _redis(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        keys = list(client.scan_iter(count=1000))
        assert keys, "level 0 was cached"
        return "\n".join(f"{key!r} {(client.get(key) or b'').decode('utf-8', 'replace')}" for key in keys)


def _metrics(service: RunningService) -> str:
    pages = []
    for port in range(service.admin_port, service.admin_port + service.workers):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            pages.append(answer.read().decode())
    assert any("motcua" in page for page in pages)
    return "\n".join(pages)
