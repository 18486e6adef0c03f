"""What a change sets going: messages to the applicant and deliveries to other systems, in the change's transaction.

Own tables and a claim loop (``worker``) instead of pgqueuer 1.6: at eight connections its enqueue took a transaction
with one insert from 7,500/s to 1,900/s (3,300/s without its NOTIFY), and its ``run()`` ended with InterfaceError when
its connection was cut. It runs a job again when a heartbeat is missing, so that the state which makes a message go out
at most once had to be committed here anyway; procrastinate brings a second driver (psycopg).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit import sql
from kit.database import Connection
from tracking.codes import Code

queries = sql.load("tracking.notices")


class Trigger(StrEnum):
    """What a citizen is told of."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    SUPPLEMENT = "supplement"
    APPOINTMENT = "appointment"
    """The date on the receipt has changed."""
    PAYMENT = "payment"
    COMPLETED = "completed"
    REFUSED = "refused"
    STOPPED = "stopped"
    LATE = "late"
    RETURNED = "returned"
    ANSWERED = "answered"
    """Feedback or a petition has its answer; ``event_id`` is then the feedback's own."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a dossier, by its number, and what the applicant is to hear of it. ``office_id`` received it."""

    event_id: int
    event_at: datetime
    code: Code
    office_id: str
    triggers: tuple[Trigger, ...] = ()


async def announce(connection: Connection, happened: Happened) -> None:
    """Have the applicant and the webhooks told, once the transaction of ``connection`` commits.

    One message per trigger and channel that the applicant prefers and has an address for; when the date changed or the
    dossier is late, on every channel there is an address for. Announcing an event again changes nothing.
    """
    await announce_all(connection, [happened])


async def announce_all(connection: Connection, events: Sequence[Happened]) -> None:
    """:func:`announce` for many, in two statements."""
    told = [(event, trigger) for event in events for trigger in event.triggers]
    if told:
        await queries.messages_add.run(
            connection,
            events=[event.event_id for event, _ in told],
            years=[event.code.year for event, _ in told],
            codes=[event.code.text for event, _ in told],
            offices=[event.office_id for event, _ in told],
            triggers=[trigger.value for _, trigger in told],
        )
    changes = [event for event in events if Trigger.ANSWERED not in event.triggers]
    await queries.deliveries_add.run(
        connection,
        events=[event.event_id for event in changes],
        moments=[event.event_at for event in changes],
        years=[event.code.year for event in changes],
        codes=[event.code.text for event in changes],
        offices=[event.office_id for event in changes],
    )
