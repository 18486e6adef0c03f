"""The call policy: who is called next. Pure; the simulation calls the same function."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol, TypeVar


class Waiting(Protocol):
    """What the policy has to know of a waiting ticket."""

    @property
    def token(self) -> str:
        """Tells tickets apart when everything else is equal."""

    @property
    def service(self) -> str:
        """What the ticket is for."""

    @property
    def rank(self) -> int:
        """Of its priority class; lower is called first."""

    @property
    def issued_at(self) -> datetime:
        """When it was issued."""


W = TypeVar("W", bound=Waiting)


def call_order(ticket: Waiting) -> tuple[int, datetime, str]:
    """Sorts the line: by priority rank, and first come first served within a rank.

    The SQL of ``ticket_call_next`` orders by the same three columns.
    """
    return ticket.rank, ticket.issued_at, ticket.token


def line(waiting: Iterable[W]) -> list[W]:
    """Everyone waiting, in the order in which they will be called."""
    return sorted(waiting, key=call_order)


def next_ticket(waiting: Iterable[W], services: Collection[str]) -> W | None:
    """Whom a counter that serves ``services`` calls next; None if nobody waits for it."""
    return min((ticket for ticket in waiting if ticket.service in services), key=call_order, default=None)
