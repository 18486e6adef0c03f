"""One office's hall at one moment: every queue, and every ticket's place in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tickets.policy import CallPolicy, Queued, line
from tickets.ticket import State
from tickets.waiting import Pace, Wait, estimate


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the hall sees it."""

    token: str
    number: str
    service: str
    rank: int
    state: State
    issued_at: datetime
    called_at: datetime | None = None
    counter_id: str | None = None
    counter: str | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """An open counter and the services it takes."""

    id: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A queue's service, with what the last hour's calls showed."""

    id: str
    name: str
    expected_minutes: float
    calls: int = 0
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Hall:
    """The input: what is true of one office at ``as_of``.

    ``called`` are the priority tickets that may have overtaken somebody who still waits, also those that have left.
    """

    office: str
    version: int
    as_of: datetime
    services: Sequence[Service]
    counters: Sequence[Counter]
    tickets: Sequence[Ticket]
    called: Sequence[Queued] = ()
    policy: CallPolicy = field(default_factory=CallPolicy)


@dataclass(frozen=True, slots=True)
class Called:
    """A ticket that was called, as the policy sees it."""

    token: str
    service: str
    rank: int
    issued_at: datetime


def open_data(hall: Hall) -> dict[str, object]:
    """The public queues object of the contract."""
    return {
        "office": hall.office,
        "version": hall.version,
        "as_of": hall.as_of.isoformat(timespec="milliseconds"),
        "queues": [_queue(hall, service) for service in hall.services],
    }


def places(hall: Hall) -> dict[str, dict[str, object]]:
    """By token, what its holder may know: state, people ahead, expected wait, counter."""
    found: dict[str, dict[str, object]] = {}
    for service in hall.services:
        pace = pace_of(hall, service)
        called = (ticket for ticket in hall.called if ticket.service == service.id)
        waiting = line(_of(hall.tickets, service.id, State.WAITING), called, hall.policy, hall.as_of)
        ahead_of = {ticket.token: ahead for ahead, ticket in enumerate(waiting)}
        for ticket in hall.tickets:
            if ticket.service == service.id:
                found[ticket.token] = _place(ticket, ahead_of, pace)
    return found


def pace_of(hall: Hall, service: Service) -> Pace:
    """How fast one service moves now.

    A counter with several services is shared equally by those that somebody waits for: one that nobody waits for takes
    nothing of its time.
    """
    serving = [counter for counter in hall.counters if service.id in counter.services]
    busy = {ticket.counter_id for ticket in hall.tickets if ticket.state in (State.CALLED, State.SERVING)}
    wanted = {ticket.service for ticket in hall.tickets if ticket.state is State.WAITING} | {service.id}
    return Pace(
        expected_minutes=service.expected_minutes,
        counters=sum(1 / len(wanted.intersection(counter.services)) for counter in serving),
        idle=sum(counter.id not in busy for counter in serving),
        calls=service.calls,
        minutes=service.minutes,
    )


def wait_json(wait: Wait | None) -> Mapping[str, int] | None:
    """The contract's ``wait_minutes``."""
    return {"p50": wait.p50, "p90": wait.p90} if wait else None


def _queue(hall: Hall, service: Service) -> dict[str, object]:
    waiting = len(list(_of(hall.tickets, service.id, State.WAITING)))
    at_counters = sorted(
        _of(hall.tickets, service.id, State.CALLED, State.SERVING),
        key=lambda t: t.called_at or t.issued_at,
        reverse=True,
    )
    return {
        "service": service.id,
        "name": service.name,
        "waiting": waiting,
        "now_serving": [{"number": ticket.number, "counter": ticket.counter} for ticket in at_counters],
        "counters_open": sum(service.id in counter.services for counter in hall.counters),
        "wait_minutes": wait_json(estimate(waiting, pace_of(hall, service))),
    }


def _place(ticket: Ticket, ahead_of: Mapping[str, int], pace: Pace) -> dict[str, object]:
    ahead = ahead_of.get(ticket.token)
    wait = estimate(ahead, pace) if ahead is not None else None
    return {
        "number": ticket.number,
        "service": ticket.service,
        "state": ticket.state.value,
        "ahead": ahead,
        "wait_minutes": wait_json(wait),
        "counter": ticket.counter,
        "issued_at": ticket.issued_at.isoformat(timespec="seconds"),
    }


def _of(tickets: Iterable[Ticket], service: str, *states: State) -> Iterable[Ticket]:
    return (ticket for ticket in tickets if ticket.service == service and ticket.state in states)
