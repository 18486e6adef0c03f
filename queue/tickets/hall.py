"""The office snapshot: read from PostgreSQL, shared through the cache, and turned into ready answers in each worker."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import orjson

from kit import sql
from kit.cache import Topic, VersionedCache
from kit.database import Connection, Database
from kit.snapshot import Snapshot, microseconds
from office.directory import Directory, UnknownOffice
from office.model import OfficeDetail
from tickets import line
from tickets.policy import CallPolicy
from tickets.ticket import State

queries = sql.load("tickets")

ESTIMATE_AGES = timedelta(seconds=30)
"""A waiting estimate older than this is made anew even if nothing happened."""


class HallView:
    """One office's snapshot in a worker: the open data as ready bytes, and each ticket's answer made when first
    asked.
    """

    def __init__(self, snapshot: Snapshot, status_base: str) -> None:
        self.snapshot = snapshot
        self._status_base = status_base
        self.open_data, self._places_json = snapshot.body.split(b"\n", 1)
        self._answers: dict[str, bytes] = {}
        self.ready: dict[str, Any] = {}
        """By token, what the status lane has made of an answer."""

    @cached_property
    def queues(self) -> dict[str, Any]:
        """The open data, parsed."""
        parsed: dict[str, Any] = orjson.loads(self.open_data)
        return parsed

    @cached_property
    def places(self) -> dict[str, dict[str, Any]]:
        """What each token's holder may know."""
        parsed: dict[str, dict[str, Any]] = orjson.loads(self._places_json)
        return parsed

    def answer(self, token: str) -> bytes | None:
        """The ticket object of the contract as JSON bytes; None if the ticket is not in the hall (any more)."""
        ready = self._answers.get(token)
        if ready is None and (place := self.places.get(token)) is not None:
            ready = self._answers[token] = ticket_json(
                token,
                self.queues["office"],
                place,
                self.queues["version"],
                self.queues["as_of"],
                self._status_base,
            )
        return ready


def ticket_json(token: str, office: str, place: dict[str, Any], version: int, as_of: str, status_base: str) -> bytes:
    """The ticket object of the contract, in its field order."""
    return orjson.dumps(
        {
            "token": token,
            "number": place["number"],
            "office": office,
            "service": place["service"],
            "state": place["state"],
            "ahead": place["ahead"],
            "wait_minutes": place["wait_minutes"],
            "counter": place["counter"],
            "issued_at": place["issued_at"],
            "version": version,
            "as_of": as_of,
            "status_url": f"{status_base}/t/{token}",
        }
    )


class Halls:
    """Reads office snapshots through the cache."""

    def __init__(self, database: Database, directory: Directory, cache: VersionedCache, status_base: str = "") -> None:
        self._database = database
        self._directory = directory
        self._cache = cache
        self.status_base = status_base
        self._views: dict[str, HallView] = {}
        self.topic = Topic("hall", self._load)

    async def view(self, office_id: str) -> HallView:
        """The office's hall now. Raises UnknownOffice, DatabaseUnavailable."""
        snapshot = await self._cache.read(self.topic, office_id)
        if snapshot is None:
            raise UnknownOffice(office_id)
        return self.view_of(office_id, snapshot)

    def view_of(self, office_id: str, snapshot: Snapshot) -> HallView:
        """The view of a snapshot, made once."""
        view = self._views.get(office_id)
        if view is None or view.snapshot is not snapshot:
            view = self._views[office_id] = HallView(snapshot, self.status_base)
        return view

    async def _load(self, names: Sequence[str]) -> list[Snapshot]:
        found = []
        for name in names:
            with contextlib.suppress(UnknownOffice):
                found.append(await self._load_one(await self._directory.detail(name)))
        return found

    async def _load_one(self, detail: OfficeDetail) -> Snapshot:
        office_id = detail.office.id
        async with self._database.transaction() as connection:
            version = await queries.hall_version.value(connection, office_id=office_id)
            now = datetime.now(detail.calendar.timezone)
            hall = await _read(connection, detail, version, now)
        return Snapshot(
            key=self.topic.key(office_id),
            version=version,
            as_of=microseconds(now),
            body=orjson.dumps(line.open_data(hall)) + b"\n" + orjson.dumps(line.places(hall)),
            good_until=microseconds(min(now + ESTIMATE_AGES, _next_midnight(now))),
        )


async def _read(connection: Connection, detail: OfficeDetail, version: int, now: datetime) -> line.Hall:
    office_id, day = detail.office.id, now.date()
    tickets = await queries.hall_tickets.rows(connection, office_id=office_id, day=day)
    called = await queries.hall_called.rows(connection, office_id=office_id, day=day)
    counters = await queries.hall_counters.rows(connection, office_id=office_id)
    pace = {row["service_id"]: row for row in await queries.hall_pace.rows(connection, office_id=office_id, day=day)}
    return line.Hall(
        office=office_id,
        version=version,
        as_of=now,
        services=[
            line.Service(
                service.id,
                service.name,
                service.expected_minutes,
                pace[service.id]["calls"] if service.id in pace else 0,
                pace[service.id]["minutes"] if service.id in pace else 0.0,
            )
            for service in detail.services.values()
        ],
        counters=[line.Counter(row["id"], tuple(row["services"])) for row in counters if row["open"]],
        tickets=[
            line.Ticket(
                token=row["token"],
                number=row["number"],
                service=row["service_id"],
                rank=row["rank"],
                state=State(row["state"]),
                issued_at=row["issued_at"].astimezone(now.tzinfo),
                called_at=row["called_at"],
                counter_id=row["counter_id"],
                counter=row["counter"],
            )
            for row in tickets
        ],
        called=[line.Called(row["token"], row["service_id"], row["rank"], row["issued_at"]) for row in called],
        policy=CallPolicy.from_mapping(detail.policies.on(day)),
    )


def _next_midnight(now: datetime) -> datetime:
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
