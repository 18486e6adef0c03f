"""The web application of one worker: everything is made here and handed in, nothing lives in a module."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import resources

from aiohttp import web

import kit.session_api
import office.api
import office.pages
import tickets.api
import tickets.desk
import tickets.kiosk
import tickets.pages
import tracking.api
import tracking.case_api
import tracking.desk.dossier_pages
import tracking.desk.intake_pages
import tracking.desk.work_pages
import tracking.exchange.api
import tracking.group_pages
import tracking.kiosk_pages
import tracking.notices.letter_pages
import tracking.notices.webhook_api
import tracking.pages
import tracking.paper.pages
import tracking.receipts.api
import tracking.receipts.level1
import tracking.receipts.pages
import tracking.reports.api
import tracking.reports.feedback
import tracking.reports.messages
import tracking.reports.pages
import tracking.reports.supervision
from kit import appkeys, logs
from kit.body import LARGEST_BODY
from kit.cache import VersionedCache
from kit.database import Database, Deadlines
from kit.edge import Edge
from kit.feed import Feed
from kit.front import LaneRunner
from kit.lane import Lane
from kit.marks import Marks
from kit.outbox import Publisher
from kit.pages import Pages
from kit.remote import Remote
from kit.requestids import RequestIds
from kit.sessions import Passwords, Sessions
from office.directory import Directory
from service import openapi
from service import settings as settings_module
from service.access import ACCESS
from service.admin import Health, admin_site
from service.housekeeping import housekeeping
from service.problems import PROBLEMS
from service.settings import Settings
from tickets.counters import Counters
from tickets.hall import Halls
from tickets.issuing import Issuing
from tickets.lane import TicketSource
from tickets.printing import Printing
from tickets.reading import Reading
from tracking.actions import Actions
from tracking.exchange.pushes import Pushes
from tracking.groups import group_topic
from tracking.intake import Intake
from tracking.lane import DossierSource
from tracking.notices.calls import TEXTS
from tracking.notices.letters import LETTERS, Letters
from tracking.notices.sending import Ways, sending
from tracking.notices.texts import Texts
from tracking.receipts.payments import Payments
from tracking.receipts.receipts import Receipts
from tracking.receipts.voices import Voices
from tracking.reports.lists import Lists
from tracking.reports.store import Reports
from tracking.store import dossier_topic

DRAIN_SECONDS = 2.0
LANE: web.AppKey[Lane] = web.AppKey("lane", Lane)
EDGE: web.AppKey[Edge] = web.AppKey("edge", Edge)


async def create_app() -> web.AppRunner:
    """What gunicorn calls in each worker: the application with its settings from the environment."""
    settings = settings_module.load()
    logs.configure(settings.log_level)
    runner = serving(await build(settings))
    _spare_the_collector()
    return runner


def serving(app: web.Application) -> LaneRunner:
    """The runner that serves ``app`` with the status lane in front."""
    return LaneRunner(
        app,
        app[LANE],
        lambda: app[EDGE].in_flight,
        access_log=None,
        keepalive_timeout=75,
        shutdown_timeout=DRAIN_SECONDS,
        handle_signals=False,
    )


def _spare_the_collector() -> None:
    # What is alive now lives as long as the worker, and so do tens of thousands of snapshots later: looking through all
    # of them at each full collection took a tenth of the time of a status read.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def build(settings: Settings) -> web.Application:
    """The application, its connections open. ``settings`` must name both servers. Raises DatabaseUnavailable."""
    assert settings.database_url is not None and settings.redis_url is not None
    database = await Database.connect(
        settings.database_url,
        size=settings.database_pool_size,
        deadlines=Deadlines(settings.database_acquire_timeout, settings.database_command_timeout),
    )
    remote = Remote(settings.redis_url, timeout=settings.redis_timeout, ttl=settings.cache_redis_ttl)
    cache = VersionedCache(
        remote,
        local_entries=settings.cache_local_entries,
        local_age=settings.cache_local_age,
        marks=Marks(settings.data_dir / "marks"),
    )
    sessions = Sessions(database, Passwords())
    pages = Pages(
        ("kit", "office", "tracking", "tickets"),
        resources.files("kit").joinpath("locale/en/LC_MESSAGES/motcua.po").read_bytes(),
    )
    ids = RequestIds()
    edge = Edge(ACCESS, PROBLEMS, sessions, pages.error, ids)

    app = web.Application(middlewares=[edge.middleware()], client_max_size=LARGEST_BODY)
    app[EDGE] = edge
    app[appkeys.DATABASE] = database
    app[appkeys.CACHE] = cache
    app[appkeys.SESSIONS] = sessions
    app[appkeys.PAGES] = pages
    app[appkeys.FEED] = Feed(cache)
    _assemble_domain(app, settings)
    app[LANE] = Lane(
        {
            "/api/v1/dossiers/": DossierSource(cache, app[tracking.api.DOSSIERS]),
            "/api/v1/tickets/": TicketSource(cache, app[office.api.DIRECTORY], app[tickets.api.HALLS]),
        },
        ids,
    )
    for module in (
        kit.session_api,
        office.api,
        office.pages,
        tracking.api,
        tracking.case_api,
        tracking.exchange.api,
        tracking.pages,
        tracking.group_pages,
        tracking.kiosk_pages,
        tracking.notices.letter_pages,
        tracking.notices.webhook_api,
        tracking.desk.work_pages,
        tracking.desk.intake_pages,  # before the next: its "new" is no code
        tracking.desk.dossier_pages,
        tracking.paper.pages,
        tracking.receipts.api,
        tracking.receipts.pages,
        tracking.reports.api,
        tracking.reports.pages,
        tracking.reports.supervision,
        tracking.reports.messages,
        tracking.reports.feedback,
        tickets.api,
        tickets.pages,
        tickets.kiosk,
        tickets.desk,
    ):
        app.add_routes(module.routes())
    app.router.add_get("/static/{name}", pages.static)
    app.router.add_get("/api/v1/openapi.json", openapi.show)

    health = Health(app)
    app.on_shutdown.append(_drain(health))
    app.cleanup_ctx.append(_background(settings, health))
    return app


def _assemble_domain(app: web.Application, settings: Settings) -> None:
    database, cache = app[appkeys.DATABASE], app[appkeys.CACHE]
    directory = app[office.api.DIRECTORY] = Directory(database)
    dossiers = app[tracking.api.DOSSIERS] = dossier_topic(database)
    halls = app[tickets.api.HALLS] = Halls(database, directory, cache, settings.public_url or "")
    groups = app[tracking.api.GROUPS] = group_topic(database, dossiers)
    publisher = app[appkeys.PUBLISHER] = Publisher(database, cache, (dossiers, groups, halls.topic))
    reading = app[tickets.api.READING] = Reading(database, directory, halls, publisher)
    app[tickets.api.ISSUING] = Issuing(database, directory, halls, reading, publisher)
    app[tickets.kiosk.PRINTING] = Printing(database)
    app[tickets.api.COUNTERS] = Counters(database, directory, halls, reading, publisher)
    actions = app[tracking.case_api.ACTIONS] = Actions(database, directory, publisher, dossiers, groups)
    app[tracking.exchange.api.PUSHES] = Pushes(database, directory, publisher, dossiers)
    receipts = app[tracking.receipts.api.RECEIPTS] = Receipts(database)
    app[tracking.receipts.api.READING] = tracking.receipts.level1.Reading(database, directory)
    app[tracking.receipts.api.VOICES] = Voices(database, directory)
    app[tracking.receipts.api.PAYMENTS] = Payments(database, actions.pay)
    ways = _ways(settings)
    app[tracking.notices.webhook_api.PRIVATE] = settings.webhook_private
    texts = app[TEXTS] = Texts(ways.public_url)
    app[LETTERS] = Letters(database, texts, ways.mailer())
    app[tracking.receipts.api.PAYMENT_SECRET] = settings.payment_secret or ""
    app[tracking.case_api.INTAKE] = Intake(database, directory, actions, receipts)
    app[appkeys.PUBLIC_URL] = settings.public_url or ""
    app[tracking.reports.api.REPORTS] = Reports(database, directory)
    app[tracking.reports.supervision.LISTS] = Lists(database, directory)


def _ways(settings: Settings) -> Ways:
    return Ways(
        public_url=settings.public_url or "",
        smtp_url=settings.smtp_url,
        mail_from=settings.mail_from,
        sms_url=settings.sms_url,
        sms_token=settings.sms_token,
        webhook_private=settings.webhook_private,
    )


def _drain(health: Health) -> Callable[[web.Application], Awaitable[None]]:
    async def drain(app: web.Application) -> None:
        health.stopping = True
        app[LANE].close()
        app[appkeys.FEED].close()

    return drain


def _background(settings: Settings, health: Health) -> Callable[[web.Application], AsyncIterator[None]]:
    async def background(app: web.Application) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(app[appkeys.DATABASE].close)
            await stack.enter_async_context(app[appkeys.CACHE].remote.running())
            await stack.enter_async_context(app[appkeys.PUBLISHER].running())
            stack.push_async_callback(app[appkeys.CACHE].settle)
            stack.push_async_callback(app[tickets.api.COUNTERS].settle)
            await stack.enter_async_context(housekeeping(app[appkeys.DATABASE]))
            await stack.enter_async_context(sending(app[appkeys.DATABASE], _ways(settings)))
            await stack.enter_async_context(app[LANE].sweeping())
            await stack.enter_async_context(admin_site(health, settings))
            yield

    return background
