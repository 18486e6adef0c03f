"""The world outside for the tests of notices: a mail server, an SMS gateway and a webhook receiver that can misbehave,
and dossiers to tell about.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import orjson
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from kit.database import Connection, Database
from tracking.codes import Code
from tracking.notices.outcome import Patience
from tracking.notices.queue import Happened, Trigger, announce
from tracking.notices.worker import Pace

QUICK = Pace(look_every=0.03, tidy_every=0.1, grace=120, end=0.3)
SHORT = Patience(first=0.05, longest=0.2, attempts=4)
PHONE, EMAIL, NAME = "0912345678", "buoi@dan.example", "Nguyễn Thị Bưởi"


@dataclass
class MailBox:
    """An SMTP server. ``plan`` says how it treats the next messages (then all are taken): ``refuse-recipient``,
    ``busy-recipient``, ``refuse-data``, ``stall``, ``cut``: after the text was taken.
    """

    plan: list[str] = field(default_factory=list)
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        if self.plan and self.plan[0].endswith("recipient"):
            return "550 nobody" if self.plan.pop(0) == "refuse-recipient" else "451 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        what = self.plan.pop(0) if self.plan else "take"
        if what == "refuse-data":
            return "554 no"
        assert isinstance(envelope.content, bytes)
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        if what == "stall":
            await asyncio.sleep(60)
        if what == "cut":
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]  # every transport of a socket has it
        return "250 taken"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, enable_SMTPUTF8=False), "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()


@dataclass
class Http:
    """An HTTP server. ``plan`` holds the next answers: a status, ``stall`` or ``cut``; then 204."""

    plan: list[int | str] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    base: str = ""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.got]

    async def _answer(self, request: web.Request) -> web.Response:
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        what = self.plan.pop(0) if self.plan else 204
        if what == "stall":
            await asyncio.sleep(30)
        if what == "cut":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=what if isinstance(what, int) else 204, headers=self.more)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def prepare(connection: Connection) -> None:
    """Two offices, an agency, a procedure with a letter, a member of staff."""
    await connection.execute("""
        INSERT INTO agency VALUES ('H26', 'UBND phường', 'Committee');
        INSERT INTO procedure (code, name, name_en, field, field_en, letter)
        VALUES ('1.1', 'Đăng ký khai sinh', 'Birth registration', 'Hộ tịch', 'Civil status', 'birth');
        INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
        VALUES ('o1', 'o1', 'Phường Một', 'Ward One', 'point', '2025-07-01'),
               ('o2', 'o2', 'Phường Hai', 'Ward Two', 'point', '2025-07-01');
        INSERT INTO staff (name, role, office_id, password_hash) VALUES ('Cán bộ', 'clerk', 'o1', '');
    """)


async def dossier(connection: Connection, serial: int, channels: str = "{email,sms,phone}", /, **more: object) -> Code:
    """A dossier that is being processed, with an applicant; ``more`` are other columns of ``dossier``."""
    code = Code(f"H26-260921-{serial:04d}")
    row: dict[str, object] = {
        "code_year": code.year,
        "code": code.text,
        "procedure_code": "1.1",
        "receiving_office": "o1",
        "competent_agency": "H26",
        "channel": "counter",
        "status": 4,
        "received_at": datetime(2026, 9, 21, 1, tzinfo=UTC),
        **more,
    }
    marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO dossier ({', '.join(row)}) VALUES ({marks})", *row.values())
    await connection.execute(
        "INSERT INTO applicant (code_year, code, name, phone, email, channels) VALUES ($1, $2, $3, $4, $5, $6::text[])",
        code.year, code.text, NAME, PHONE, EMAIL, channels.strip("{}").split(",") if channels != "{}" else [],
    )  # fmt: skip
    return code


async def tell(connection: Connection, code: Code, *triggers: Trigger, status: int = 4, version: int = 2) -> int:
    """An event and what it announces, in one transaction; the answer is the event's number."""
    async with connection.transaction():
        event = await connection.fetchrow(
            "INSERT INTO dossier_event (code, version, action, to_status) VALUES ($1, $2, 'x', $3) RETURNING id, at",
            code.text, version, status,
        )  # fmt: skip
        assert event is not None
        await announce(connection, Happened(event["id"], event["at"], code, "o1", triggers))
    return int(event["id"])


async def until(database: Database, done: Callable[[Connection], Awaitable[bool]]) -> None:
    """Wait until ``done`` says so."""
    async with asyncio.timeout(20):
        while True:
            async with database.connection() as connection:
                if await done(connection):
                    return
            await asyncio.sleep(0.03)


async def states(connection: Connection, table: str = "message") -> list[tuple[Any, ...]]:
    """What became of every message or delivery: state, attempts, error."""
    return [tuple(row) for row in await connection.fetch(f"SELECT state, attempts, error FROM {table} ORDER BY id")]


async def all_ended(connection: Connection) -> bool:
    """Whether nothing is left to be sent."""
    left = "state IN ('waiting', 'sending')"
    return not await connection.fetchval(
        f"SELECT (SELECT count(*) FROM message WHERE channel <> 'phone' AND {left}) +"
        f" (SELECT count(*) FROM webhook_delivery WHERE {left})"
    )
