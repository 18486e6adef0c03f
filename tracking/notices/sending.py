"""Everything that sends, put together for one worker process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import structlog

from kit.database import Database, DatabaseUnavailable
from kit.tasks import cancelled
from metrics import catalogue
from tracking.notices import late
from tracking.notices.addresses import PublicResolver
from tracking.notices.mail import Mailer, MailServer
from tracking.notices.messages import Channels, Messages, by_state
from tracking.notices.outcome import Patience
from tracking.notices.sms import SmsGateway
from tracking.notices.texts import Texts
from tracking.notices.webhooks import Deliveries
from tracking.notices.worker import Pace, Worker, running

log = structlog.get_logger()
COUNT_EVERY = 30.0
COUNTED = [(channel, state) for channel in ("email", "sms", "phone", "webhook") for state in ("waiting", "dead")]


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways out as the operator set them up; what is left out is not configured."""

    public_url: str = ""
    smtp_url: str | None = None
    mail_from: str | None = None
    sms_url: str | None = None
    sms_token: str | None = None
    webhook_private: bool = False

    def mailer(self) -> Mailer | None:
        """What hands e-mail over; None if that is not configured."""
        if self.smtp_url is None or self.mail_from is None:
            return None
        return Mailer(MailServer.parse(self.smtp_url), self.mail_from)


@contextlib.asynccontextmanager
async def sending(
    database: Database, ways: Ways, *, patience: Patience | None = None, pace: Pace | None = None
) -> AsyncIterator[None]:
    """Send messages and deliveries, sweep for what is late and count what waits, for as long as the context lasts."""
    async with contextlib.AsyncExitStack() as stack:
        sms_session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        resolver = None if ways.webhook_private else PublicResolver()
        webhook_session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver), cookie_jar=aiohttp.DummyCookieJar()
            )
        )
        gateway = SmsGateway(sms_session, ways.sms_url, ways.sms_token) if ways.sms_url else None
        messages = Messages(database, Channels(ways.mailer(), gateway), Texts(ways.public_url))
        deliveries = Deliveries(database, webhook_session, private=ways.webhook_private)
        await stack.enter_async_context(late.sweeping(database))
        await stack.enter_async_context(_counting(database))
        await stack.enter_async_context(
            running(*(Worker(work, patience or Patience(), pace or Pace()) for work in (messages, deliveries)))
        )
        yield


@contextlib.asynccontextmanager
async def _counting(database: Database) -> AsyncIterator[None]:
    task = asyncio.create_task(_keep_counting(database))
    try:
        yield
    finally:
        await cancelled(task)


async def _keep_counting(database: Database) -> None:
    while True:
        try:
            async with database.connection() as connection:
                found = {(topic, state): number for topic, state, number in await by_state(connection)}
            for topic, state in COUNTED:
                catalogue.messages_open.labels(topic, state).set(found.get((topic, state), 0))
        except DatabaseUnavailable:
            pass
        except Exception:  # must not end
            log.exception("counting_failed")
        await asyncio.sleep(COUNT_EVERY)
