"""One office's hall: the open data, and every ticket's place in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tickets.line import Called, Counter, Hall, Service, Ticket, open_data, pace_of, places
from tickets.policy import CallPolicy, line
from tickets.ticket import State

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = datetime(2026, 9, 21, 7, 30, tzinfo=ZONE)
NOW = START + timedelta(hours=2, milliseconds=5)
CIVIL, COPIES = Service("ho-tich", "Hộ tịch", 10), Service("chung-thuc", "Chứng thực", 6)
ACTIVE = (State.WAITING, State.CALLED, State.SERVING, State.PARKED)


def ticket(number: str, state: State = State.WAITING, *, rank: int = 1, minute: int = 0, **more: Any) -> Ticket:
    service = CIVIL.id if number.startswith("A") else COPIES.id
    return Ticket(number.lower(), number, service, rank, state, START + timedelta(minutes=minute), **more)


def hall(*tickets: Ticket, counters: tuple[Counter, ...] = (), services: tuple[Service, ...] = (CIVIL, COPIES)) -> Hall:
    return Hall("demo-24h", 7, NOW, services, counters, tickets)


def queue_of(data: dict[str, Any], service: str = CIVIL.id) -> dict[str, Any]:
    queue: dict[str, Any] = next(queue for queue in data["queues"] if queue["service"] == service)
    return queue


def test_the_open_data_is_the_contract() -> None:
    called = ticket("A001", State.CALLED, called_at=NOW, counter_id="c1", counter="Quầy 1")
    data = open_data(hall(called, ticket("A002"), counters=(Counter("c1", (CIVIL.id,)),)))
    assert list(data) == ["office", "version", "as_of", "queues"]
    assert data == {
        "office": "demo-24h",
        "version": 7,
        "as_of": "2026-09-21T09:30:00.005+07:00",
        "queues": [
            {
                "service": "ho-tich",
                "name": "Hộ tịch",
                "waiting": 1,
                "now_serving": [{"number": "A001", "counter": "Quầy 1"}],
                "counters_open": 1,
                "wait_minutes": {"p50": 15, "p90": 43},
            },
            {
                "service": "chung-thuc",
                "name": "Chứng thực",
                "waiting": 0,
                "now_serving": [],
                "counters_open": 0,
                "wait_minutes": None,
            },
        ],
    }
    fields = ["service", "name", "waiting", "now_serving", "counters_open", "wait_minutes"]
    assert [list(queue) for queue in data["queues"]] == [fields, fields]  # type: ignore[attr-defined]  # it is a list


def test_a_place_is_the_contract() -> None:
    place = places(hall(ticket("A001", minute=3), counters=(Counter("c1", (CIVIL.id,)),)))["a001"]
    assert list(place) == ["number", "service", "state", "ahead", "wait_minutes", "counter", "issued_at"]
    assert place == {
        "number": "A001",
        "service": "ho-tich",
        "state": "waiting",
        "ahead": 0,
        "wait_minutes": {"p50": 0, "p90": 1},
        "counter": None,
        "issued_at": "2026-09-21T07:33:00+07:00",
    }


def test_the_latest_call_stands_first() -> None:
    calls = [
        ticket("A001", State.SERVING, called_at=NOW - timedelta(minutes=9), counter_id="c1", counter="1"),
        ticket("A003", State.CALLED, called_at=NOW, counter_id="c2", counter="2"),
        ticket("A002", State.CALLED, called_at=NOW - timedelta(minutes=1), counter_id="c3", counter="3"),
        ticket("B001", State.CALLED, called_at=NOW, counter_id="c4", counter="4"),
    ]
    assert [call["number"] for call in queue_of(open_data(hall(*calls)))["now_serving"]] == ["A003", "A002", "A001"]


def test_who_has_left_or_is_parked_counts_for_nobody() -> None:
    gone = [ticket(f"A00{number}", state) for number, state in enumerate(set(State) - {State.WAITING})]
    found = hall(*gone, ticket("A050", minute=5), ticket("B001"))
    assert places(found)["a050"]["ahead"] == 0
    assert queue_of(open_data(found))["waiting"] == 1
    for other in gone:
        assert places(found)[other.token]["ahead"] is None
        assert places(found)[other.token]["wait_minutes"] is None


def test_a_counter_is_shared_between_the_services_that_somebody_waits_for() -> None:
    counters = (Counter("c1", (CIVIL.id,)), Counter("c2", (CIVIL.id, COPIES.id)))
    busy = ticket("B001", State.SERVING, called_at=NOW, counter_id="c2", counter="2")
    both = hall(busy, ticket("A001"), ticket("B002"), counters=counters)
    assert (pace_of(both, CIVIL).counters, pace_of(both, CIVIL).idle) == (1.5, 1)
    assert (pace_of(both, COPIES).counters, pace_of(both, COPIES).idle) == (0.5, 0)
    one = hall(busy, ticket("A001"), counters=counters)
    assert pace_of(one, CIVIL).counters == 2
    assert pace_of(one, COPIES).counters == 0.5  # for whoever comes now, the other line is there already


def test_a_counter_that_closed_under_its_last_ticket_is_not_open() -> None:
    last = ticket("A001", State.SERVING, called_at=NOW, counter_id="c1", counter="1")
    queue = queue_of(open_data(hall(last, ticket("A002"))))
    assert queue["counters_open"] == 0
    assert queue["wait_minutes"] is None
    assert len(queue["now_serving"]) == 1


def test_places_follow_the_policy() -> None:
    tickets = [ticket(f"A{n:03d}", rank=rank, minute=2 * n) for n, rank in enumerate((1, 1, 0, 0, 0))]
    found = hall(*tickets)

    def order(found: Hall) -> list[str]:
        told = places(found)
        return sorted(told, key=lambda token: told[token]["ahead"])  # type: ignore[arg-type,return-value]  # all wait

    assert order(found) == ["a002", "a003", "a000", "a001", "a004"]
    assert order(replace(found, policy=CallPolicy(0))) == ["a000", "a001", "a002", "a003", "a004"]
    escape = CallPolicy(longest_wait_escape_min=119)  # a000 alone has waited for two hours
    assert order(replace(found, policy=escape)) == ["a000", "a002", "a003", "a001", "a004"]
    before = Called("gone", CIVIL.id, 0, START + timedelta(minutes=3))
    assert order(replace(found, called=[before])) == ["a002", "a000", "a001", "a003", "a004"]
    elsewhere = replace(before, service=COPIES.id)
    assert order(replace(found, called=[elsewhere])) == order(found)


@st.composite
def halls(draw: st.DrawFn) -> Hall:
    facts = draw(
        st.lists(
            st.tuples(st.sampled_from("AB"), st.integers(0, 1), st.integers(0, 60), st.sampled_from(ACTIVE)),
            max_size=25,
        )
    )
    tickets = [
        ticket(f"{letter}{number:03d}", state, rank=rank, minute=minute)
        for number, (letter, rank, minute, state) in enumerate(facts)
    ]
    counters = [
        Counter(f"c{n}", (CIVIL.id,) if n % 2 else (CIVIL.id, COPIES.id)) for n in range(draw(st.integers(0, 3)))
    ]
    called = [Called(f"c{n}", CIVIL.id, 0, START + timedelta(minutes=n)) for n in draw(st.sets(st.integers(0, 60)))]
    policy = CallPolicy(draw(st.integers(0, 3)), draw(st.sampled_from((0, 90))))
    return replace(hall(*tickets, counters=tuple(counters)), called=called, policy=policy)


@given(halls())
def test_everybody_is_told_how_many_will_be_called_before_them(found: Hall) -> None:
    told = places(found)
    assert set(told) == {one.token for one in found.tickets}
    for service in found.services:
        theirs = [one for one in found.tickets if one.service == service.id]
        called = [one for one in found.called if one.service == service.id]
        waiting = line((one for one in theirs if one.state is State.WAITING), called, found.policy, NOW)
        assert [told[one.token]["ahead"] for one in waiting] == list(range(len(waiting)))
        assert queue_of(open_data(found), service.id)["waiting"] == len(waiting)


@given(halls())
def test_whoever_comes_next_is_promised_no_less_than_the_last_in_line(found: Hall) -> None:
    told, data = places(found), open_data(found)
    for one in found.tickets:
        if one.state is State.WAITING:
            wait, promised = told[one.token]["wait_minutes"], queue_of(data, one.service)["wait_minutes"]
            assert (wait is None) == (promised is None)
            assert wait is None or (wait["p50"], wait["p90"]) <= (promised["p50"], promised["p90"])  # type: ignore[index]  # None only together
