"""The call policy: rank first, first come first served within a rank, never the other way round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tickets.policy import line, next_ticket

START = datetime(2026, 9, 21, 7, 30, tzinfo=UTC)
SERVICES = ("ho-tich", "chung-thuc", "dat-dai")


@dataclass(frozen=True)
class Person:
    token: str
    service: str
    rank: int
    issued_at: datetime


@st.composite
def people(draw: st.DrawFn) -> list[Person]:
    facts = draw(st.lists(st.tuples(st.sampled_from(SERVICES), st.integers(0, 2), st.integers(0, 50)), max_size=30))
    return [
        Person(f"t{number:03d}", service, rank, START + timedelta(seconds=second))
        for number, (service, rank, second) in enumerate(facts)
    ]


@given(people())
def test_nobody_is_overtaken_within_a_rank(waiting: list[Person]) -> None:
    order = line(waiting)
    assert sorted(order, key=lambda person: person.token) == sorted(waiting, key=lambda person: person.token)
    for number, first in enumerate(order):
        for later in order[number + 1 :]:
            assert first.rank <= later.rank
            assert first.rank < later.rank or first.issued_at <= later.issued_at


@given(people(), st.randoms())
def test_the_order_does_not_depend_on_the_order_of_asking(waiting: list[Person], random: Random) -> None:
    shuffled = list(waiting)
    random.shuffle(shuffled)
    assert line(shuffled) == line(waiting)


@given(people(), st.sets(st.sampled_from(SERVICES)))
def test_the_next_one_is_the_first_in_line_that_the_counter_serves(waiting: list[Person], services: set[str]) -> None:
    served = [person for person in line(waiting) if person.service in services]
    assert next_ticket(waiting, services) == (served[0] if served else None)


@given(people())
def test_calling_one_by_one_gives_the_line(waiting: list[Person]) -> None:
    left, called = list(waiting), []
    while (person := next_ticket(left, SERVICES)) is not None:
        called.append(person)
        left.remove(person)
    assert called == line(waiting)


def test_a_late_arrival_with_priority_comes_first_and_a_later_one_behind_it() -> None:
    normal = Person("a", "ho-tich", 1, START)
    first_elder = Person("b", "ho-tich", 0, START + timedelta(minutes=5))
    second_elder = Person("c", "ho-tich", 0, START + timedelta(minutes=6))
    assert line([second_elder, normal, first_elder]) == [first_elder, second_elder, normal]
