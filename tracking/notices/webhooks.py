"""Events told to other systems: signed after the Standard Webhooks scheme, at least once, in no promised order.

Signed here in five lines: the ``standardwebhooks`` library brings httpx and attrs along for them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson

from kit.database import Database
from tracking.notices.addresses import check_url
from tracking.notices.facts import Row
from tracking.notices.messages import STATES, Claimed
from tracking.notices.outcome import Outcome, Progress, Result, dead, of_http, put_off
from tracking.notices.queue import queries
from tracking.status import Status

TIMEOUT = 5.0
LONGEST_REST = 60.0
PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh secret, as the scheme writes it: ``whsec_`` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(secret: str, key: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers for ``body``. ``at`` is Unix seconds; ``key`` is the same whenever the event is sent again."""
    known = base64.b64decode(secret.removeprefix(PREFIX))
    signature = hmac.new(known, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def told(row: Row) -> dict[str, object]:
    """One event as other systems get it, from a row of ``delivery_read`` or ``events_read``: level 0 and no more."""
    status = Status(row["status"])
    return {
        "event": row["event"],
        "at": row["at"].isoformat(),
        "code": row["code"],
        "office": row["office"],
        "agency": row["agency"],
        "procedure": row["procedure"],
        "status": int(status),
        "status_name": status.name.lower(),
        "version": row["version"],
    }


class Deliveries:
    """The queue of what webhooks are to hear."""

    def __init__(
        self, database: Database, session: aiohttp.ClientSession, *, private: bool = False, timeout: float = TIMEOUT
    ) -> None:
        self._database = database
        self._session = session
        self._private = private
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._resting: dict[int, tuple[float, float]] = {}
        """Receivers that failed: until when (monotonic) this process leaves them alone, and how long that was. One that
        stands still would else take up the time of all the others.
        """

    async def claim(self, most: int, grace: timedelta) -> Sequence[Claimed]:
        """Take on at most ``most``; after ``grace`` without a result they are sent again."""
        now = time.monotonic()
        resting = [webhook for webhook, (until, _) in self._resting.items() if until > now]
        async with self._database.connection() as connection:
            rows = await queries.deliveries_claim.rows(connection, most=most, grace=grace, resting=resting)
        return [Claimed(row["id"], "webhook", row["attempts"]) for row in rows]

    async def attempt(self, claimed: Claimed, progress: Progress) -> Outcome:
        """Post one. Raises DatabaseUnavailable; nothing was sent then."""
        async with self._database.connection() as connection:
            row = await queries.delivery_read.row(connection, id=claimed.id)
        if row is None or not row["public"]:
            return dead("the dossier is gone")
        progress.handed_over = True
        outcome = await self._post(row)
        self._rest(row["webhook_id"], outcome)
        return outcome

    async def _post(self, row: Row) -> Outcome:
        body = orjson.dumps(told(row))
        headers = signed(row["secret"], f"event_{row['event']}_{row['webhook_id']}", int(time.time()), body)
        headers["Content-Type"] = "application/json"
        try:
            check_url(row["url"], self._private)
            # The answer's body is not read: closing the connection is the bound.
            async with self._session.post(
                row["url"], data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                outcome = of_http(response.status, response.headers.get("Retry-After"), datetime.now(UTC))
                response.close()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return put_off(type(error).__name__)
        # A receiver that is being repaired may well answer 404 for an hour.
        return put_off(outcome.error or "") if outcome.result is Result.DEAD else outcome

    def _rest(self, webhook: int, outcome: Outcome) -> None:
        if outcome.result is Result.SENT:
            self._resting.pop(webhook, None)
            return
        _, before = self._resting.get(webhook, (0.0, 0.5))
        seconds = min(LONGEST_REST, max(2 * before, outcome.after or 0.0))
        self._resting[webhook] = (time.monotonic() + seconds, seconds)

    async def settle(self, claimed: Claimed, outcome: Outcome, wait: float) -> None:
        """Write down how the attempt ended; put off, it is due in ``wait`` seconds. Raises DatabaseUnavailable."""
        async with self._database.connection() as connection:
            await queries.delivery_settle.run(
                connection,
                id=claimed.id,
                attempts=claimed.attempts,
                state=STATES[outcome.result],
                error=outcome.error,
                tried=outcome.tried,
                wait=timedelta(seconds=wait),
            )

    async def give_up_on_abandoned(self) -> None:
        """Have sent again what a process that died was sending, and forget what is long over."""
        async with self._database.connection() as connection:
            await queries.deliveries_abandoned.run(connection)
            await queries.deliveries_forget.run(connection)
