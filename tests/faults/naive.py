"""``motcua serve`` with a call-next that everybody writes first: look who is next, then take that one.

A test of the test: what watches the race has to see what this does. Run as a program it serves; its workers, fresh
processes, come in through :func:`create_app`.
"""

from __future__ import annotations

import sys
from datetime import date
from typing import cast

from aiohttp import web

import service.app
from kit.database import Connection
from kit.sql import Query
from service import settings
from service.prepare import prepare
from service.supervisor import run
from tickets.hall import queries


class LookThenTake:
    """Stands in for the statement ``ticket_call_next``."""

    async def value(
        self, connection: Connection, *, counter_id: str, day: date, key: str | None, staff_id: int, **policy: object
    ) -> str | None:
        """The called ticket's token, None if nobody waits. Nor does it care for the ``policy``."""
        assert key is None
        token: str | None = await connection.fetchval(
            "SELECT token FROM counter JOIN ticket ON ticket.office_id = counter.office_id AND ticket.day = $2"
            "   AND ticket.state = 'waiting' AND ticket.service_id = ANY (counter.services)"
            " WHERE counter.id = $1 ORDER BY ticket.rank, ticket.issued_at, ticket.token LIMIT 1",
            counter_id,
            day,
        )
        if token is None:
            return None
        await connection.execute(
            "WITH called AS (UPDATE ticket SET state = 'called', counter_id = $1, called_at = clock_timestamp()"
            "                 WHERE day = $2 AND token = $3 RETURNING day, token)"
            " INSERT INTO ticket_event (day, token, event, from_state, to_state, counter_id, staff_id)"
            " SELECT day, token, 'call', 'waiting', 'called', $1, $4 FROM called",
            counter_id,
            day,
            token,
            staff_id,
        )
        return token


async def create_app() -> web.AppRunner:
    """What each worker serves."""
    queries._queries["ticket_call_next"] = cast(Query, LookThenTake())
    return await service.app.create_app()


if __name__ == "__main__":
    sys.exit(run(settings.load(demo=True), prepare, app="tests.faults.naive:create_app"))
