"""The call policy over whole days: priority within its bound, first come first served in each class, nobody starves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.policy import CallPolicy, line, next_ticket, sentence
from tickets.ticket import Priority

START = datetime(2026, 9, 21, 7, 30, tzinfo=UTC)
SERVICES = ("ho-tich", "chung-thuc", "dat-dai")
COUNTERS = (SERVICES[:1], SERVICES[1:2], SERVICES[1:], SERVICES[::-1])


@dataclass(frozen=True)
class Person:
    token: str
    service: str
    rank: int
    issued_at: datetime

    @property
    def age(self) -> tuple[datetime, str]:
        return self.issued_at, self.token


@dataclass
class Day:
    """What happened: who came, who was called in which order, who still waits."""

    policy: CallPolicy
    now: datetime = START
    waiting: list[Person] = field(default_factory=list)
    called: list[Person] = field(default_factory=list)

    def come(self, service: str, rank: int) -> None:
        number = len(self.waiting) + len(self.called)
        self.waiting.append(Person(f"t{number:03d}", service, rank, self.now))

    def call(self, services: tuple[str, ...]) -> Person | None:
        person = next_ticket(self.waiting, self.called, services, self.policy, self.now)
        if person is not None:
            self.waiting.remove(person)
            self.called.append(person)
        return person

    def overtakers(self, person: Person) -> list[Person]:
        """Who came after ``person`` and was called before."""
        before = self.called[: self.called.index(person)] if person in self.called else self.called
        return [other for other in before if other.age > person.age]


policies = st.builds(
    CallPolicy,
    priority_bound=st.integers(0, 4),
    longest_wait_escape_min=st.sampled_from((0, 0, 1, 5, 30)),
    counter_order=st.sampled_from(("oldest_ticket", "listed")),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(SERVICES), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.sampled_from(COUNTERS), st.integers(0, 4)),
    ),
    max_size=60,
)
people = st.lists(st.tuples(st.sampled_from(SERVICES), st.integers(0, 1), st.integers(0, 50)), max_size=30).map(
    lambda facts: [
        Person(f"t{number:03d}", service, rank, START + timedelta(minutes=minute))
        for number, (service, rank, minute) in enumerate(facts)
    ]
)


def lived(policy: CallPolicy, steps: list[tuple[object, ...]], check: Callable[[Day, Person], None]) -> Day:
    """A day of arrivals and calls; ``check`` sees it right before each call."""
    day = Day(policy)
    for what, *more in steps:
        if isinstance(what, str):
            assert isinstance(more[0], int)
            day.come(what, more[0])
        else:
            assert isinstance(what, tuple)
            before = Day(policy, day.now, list(day.waiting), list(day.called))
            person = day.call(what)
            assert (person is None) == all(one.service not in what for one in before.waiting)
            if person is not None:
                check(before, person)
        assert isinstance(more[-1], int)
        day.now += timedelta(minutes=more[-1])
    return day


@given(policies, steps)
def test_nobody_is_overtaken_more_often_than_the_bound(policy: CallPolicy, steps: list[tuple[object, ...]]) -> None:
    day = lived(policy, steps, lambda *_: None)
    for person in (*day.called, *day.waiting):
        passed = [other for other in day.overtakers(person) if other.service == person.service]
        assert all(other.rank == 0 for other in passed)
        assert len(passed) <= (policy.priority_bound if person.rank else 0)


@given(policies, steps)
def test_in_a_class_of_a_service_it_is_first_come_first_served(
    policy: CallPolicy, steps: list[tuple[object, ...]]
) -> None:
    day = lived(policy, steps, lambda *_: None)
    for service in SERVICES:
        for rank in (0, 1):
            of_class = [person for person in day.called if (person.service, person.rank) == (service, rank)]
            assert of_class == sorted(of_class, key=lambda person: person.age)
            left = [person for person in day.waiting if (person.service, person.rank) == (service, rank)]
            assert not of_class or all(person.age > of_class[-1].age for person in left)


@given(st.integers(0, 4), steps)
def test_nobody_starves_at_a_counter_for_everything(bound: int, steps: list[tuple[object, ...]]) -> None:
    one_counter = [(SERVICES, step[-1]) if isinstance(step[0], tuple) else step for step in steps]
    day = lived(CallPolicy(bound), one_counter, lambda *_: None)
    for person in (*day.called, *day.waiting):
        assert len(day.overtakers(person)) <= (bound if person.rank else 0)


@given(policies, steps)
def test_whoever_has_waited_too_long_comes_first(policy: CallPolicy, steps: list[tuple[object, ...]]) -> None:
    def check(before: Day, person: Person) -> None:
        if policy.longest_wait_escape_min and before.now - person.issued_at <= policy.escape:
            tired = [one for one in before.waiting if before.now - one.issued_at > policy.escape]
            assert person.service not in {one.service for one in tired}

    lived(policy, steps, check)


@given(people, st.integers(1, 60), st.integers(0, 4), st.sampled_from(("oldest_ticket", "listed")))
def test_the_escape_knows_no_class_and_no_list(waiting: list[Person], escape: int, bound: int, order: str) -> None:
    policy = CallPolicy.from_mapping(
        {"priority_bound": bound, "longest_wait_escape_min": escape, "counter_order": order}
    )
    now = START + timedelta(minutes=51)
    tired = sorted((one for one in waiting if now - one.issued_at > policy.escape), key=lambda one: one.age)
    called: list[Person] = []
    for expected in tired:
        person = next_ticket(waiting, called, SERVICES, policy, now)
        assert person == expected
        waiting = [one for one in waiting if one != person]
        called.append(person)


@given(steps)
def test_a_bound_of_nothing_is_the_order_of_issue(steps: list[tuple[object, ...]]) -> None:
    def check(before: Day, person: Person) -> None:
        assert not [one for one in before.waiting if one.service == person.service and one.age < person.age]

    lived(CallPolicy(priority_bound=0), steps, check)


@given(steps)
def test_priority_comes_first_while_the_bound_allows(steps: list[tuple[object, ...]]) -> None:
    def check(before: Day, person: Person) -> None:
        if person.rank == 1:
            elders = [one for one in before.waiting if one.service == person.service and one.rank == 0]
            passed = [one for one in before.overtakers(person) if one.rank == 0]
            assert not elders or (len(passed) >= 2 and all(one.age > person.age for one in elders))

    lived(CallPolicy(priority_bound=2), steps, check)


@given(steps, st.permutations(SERVICES))
def test_a_list_is_worked_through_in_its_order(steps: list[tuple[object, ...]], listed: list[str]) -> None:
    def check(before: Day, person: Person) -> None:
        assert person.service == next(name for name in listed if any(one.service == name for one in before.waiting))

    all_in_order = [(tuple(listed), step[-1]) if isinstance(step[0], tuple) else step for step in steps]
    lived(CallPolicy(counter_order="listed"), all_in_order, check)


@given(people, people, policies, st.integers(0, 60), st.randoms())
def test_calling_one_by_one_gives_the_line(
    waiting: list[Person], gone: list[Person], policy: CallPolicy, minute: int, random: Random
) -> None:
    called = [Person(f"c{one.token}", one.service, one.rank, one.issued_at) for one in gone]
    now = START + timedelta(minutes=minute)
    policy = CallPolicy(policy.priority_bound, policy.longest_wait_escape_min)
    expected, left, order = line(waiting, called, policy, now), list(waiting), []
    while left:
        random.shuffle(left)
        person = next_ticket(left, called, SERVICES, policy, now)
        assert person is not None
        left.remove(person)
        called.append(person)
        order.append(person)
    assert order == expected
    assert next_ticket(left, called, SERVICES, policy, now) is None


def test_after_two_who_came_later_it_is_the_other_one_s_turn() -> None:
    day = Day(CallPolicy())
    for rank in (0, 1, 1, 0, 0, 0, 0):
        day.come("ho-tich", rank)
        day.now += timedelta(minutes=1)
    called = [day.call(("ho-tich",)) for _ in range(7)]
    assert [person.rank for person in called if person is not None] == [0, 0, 0, 1, 1, 0, 0]
    assert [person.token for person in day.called] == ["t000", "t003", "t004", "t001", "t002", "t005", "t006"]


def test_there_are_two_classes() -> None:
    assert {priority.rank for priority in Priority} == {0, 1}  # the SQL of call_next looks for these


def test_rules_are_read_and_what_is_missing_has_its_default() -> None:
    assert CallPolicy.from_mapping({"max_extensions": 1, "target_wait_min": 20}) == CallPolicy(2, 0, "oldest_ticket")
    rules = {"priority_bound": 0, "longest_wait_escape_min": 45, "counter_order": "listed"}
    assert CallPolicy.from_mapping(rules) == CallPolicy(0, 45, "listed")
    assert CallPolicy.from_mapping(rules).escape == timedelta(minutes=45)
    with pytest.raises(ValueError, match="priority_bound"):
        CallPolicy.from_mapping({"priority_bound": 21})


def test_the_wall_says_what_the_policy_is() -> None:
    assert sentence(CallPolicy(), "en") == (
        "Priority citizens are called first, but nobody is overtaken by more than two of them who came later for the "
        "same service."
    )
    assert sentence(CallPolicy(12, 45, "listed"), "en") == (
        "Priority citizens are called first, but nobody is overtaken by more than 12 of them who came later for the "
        "same service. Whoever has waited more than 45 minutes is called before everybody else. "
        "A counter for several services calls them one service after the other."
    )
    assert sentence(CallPolicy(1, 45), "vi") == (
        "Người thuộc diện ưu tiên được gọi trước, nhưng mỗi người khác chỉ phải nhường tối đa một người ưu tiên đến "
        "sau cho cùng loại việc. Ai đã đợi quá 45 phút được gọi trước tất cả."
    )
    assert sentence(CallPolicy(0), "vi") == "Mọi người được gọi theo thứ tự lấy số."


@given(policies, policies)
def test_what_is_said_tells_policies_apart(one: CallPolicy, other: CallPolicy) -> None:
    for language in ("vi", "en"):
        assert (sentence(one, language) == sentence(other, language)) == (one == other)
