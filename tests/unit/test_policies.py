"""Which rules hold where and when: a table by hand, and a model that asks office by office."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.policies import LONGEST_WAIT, OfficeRules, Policies, PolicyChange, check_queue_rules

PROVINCE = OfficeRules(
    {"max_extensions": 1, "feedback_answer_days": 10},
    (
        PolicyChange(date(2026, 1, 1), {"feedback_answer_days": 7}),
        PolicyChange(date(2026, 7, 1), {"feedback_answer_days": 5, "max_extensions": 2}),
    ),
)
BRANCH = OfficeRules({"target_wait_min": 20})
POINT = OfficeRules({"max_extensions": 0}, (PolicyChange(date(2026, 3, 1), {"target_wait_min": 15}),))
LINE = Policies((PROVINCE, BRANCH, POINT))


@pytest.mark.parametrize(
    ("day", "answer_days", "extensions", "wait"),
    [
        ("2025-12-31", 10, 0, 20),
        ("2026-01-01", 7, 0, 20),
        ("2026-02-28", 7, 0, 20),
        ("2026-03-01", 7, 0, 15),
        ("2026-07-01", 5, 0, 15),  # the province's later word does not reach what the point says itself
    ],
)
def test_the_rules_of_a_day(day: str, answer_days: int, extensions: int, wait: int) -> None:
    assert LINE.on(date.fromisoformat(day)) == {
        "feedback_answer_days": answer_days,
        "max_extensions": extensions,
        "target_wait_min": wait,
    }


def test_without_offices_there_are_no_rules() -> None:
    assert Policies(()).on(date(2026, 1, 1)) == {}
    assert Policies((OfficeRules({}),)).on(date(2026, 1, 1)) == {}


def test_asking_changes_nothing() -> None:
    first = dict(LINE.on(date(2026, 8, 1)))
    LINE.on(date(2025, 1, 1))
    assert LINE.on(date(2026, 8, 1)) == first
    assert PROVINCE.base == {"max_extensions": 1, "feedback_answer_days": 10}


DAY = date(2026, 1, 1)
rules = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9))
offices = st.builds(
    lambda base, changes: OfficeRules(
        base, tuple(PolicyChange(DAY + timedelta(days=after), changes[after]) for after in sorted(changes))
    ),
    rules,
    st.dictionaries(st.integers(0, 20), rules, max_size=4),
)


@given(st.lists(offices, max_size=4), st.integers(-1, 21), st.sampled_from("abcd"))
def test_the_nearest_office_that_names_a_rule_has_the_word(line: list[OfficeRules], after: int, name: str) -> None:
    day = DAY + timedelta(days=after)
    said = []
    for office in reversed(line):
        own = [change.rules for change in office.changes if change.valid_from <= day]
        said += [rules[name] for rules in (*reversed(own), office.base) if name in rules]
    assert Policies(tuple(line)).on(day).get(name) == (said[0] if said else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("target_wait_min", wait) for wait in (0, -1, LONGEST_WAIT + 1, 15.0, True, "15")),
        *(("priority_bound", bound) for bound in (-1, 21, 2.0, False, "2", None)),
        *(("longest_wait_escape_min", wait) for wait in (-1, LONGEST_WAIT + 1, True, 1.5)),
        *(("counter_order", order) for order in ("newest_ticket", "", None, 0, ["listed"])),
    ],
)
def test_a_wrong_rule_about_queues_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        check_queue_rules({name: value})


def test_right_rules_about_queues() -> None:
    check_queue_rules({})
    for escape, bound, order in ((0, 0, "oldest_ticket"), (LONGEST_WAIT, 20, "listed")):
        rules = {"target_wait_min": 1, "priority_bound": bound, "longest_wait_escape_min": escape}
        check_queue_rules(rules | {"counter_order": order})
