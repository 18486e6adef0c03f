"""The rules of an office: defaults, bounds, and that the documentation names every one of them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tracking.policy import NAMES, Policy, described

PAGE = Path(__file__).parents[2] / "docs/dossiers.md"


def test_the_defaults_are_the_domain_s() -> None:
    policy = Policy.from_mapping({})
    assert policy == Policy()
    assert policy.transfer_cutoff == timedelta(hours=15)
    assert (policy.max_intake_notices, policy.supplement_within_days, policy.max_extensions) == (1, 3, 1)
    assert (policy.extension_notice_days, policy.supplement_clock) == (1, "restart")


def test_what_is_read_can_be_written_and_read_again() -> None:
    rules = {"transfer_cutoff": "14:30", "supplement_clock": "pause", "max_extensions": 2, "bank_bin": "970436"}
    policy = Policy.from_mapping(rules)
    assert Policy.from_mapping(described(policy)) == policy
    assert {name: described(policy)[name] for name in rules} == rules


def test_rules_of_others_are_left_alone() -> None:
    assert Policy.from_mapping({"target_wait_min": 20}) == Policy()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transfer_cutoff", "25:00"),
        ("supplement_clock", "stop"),
        ("max_extensions", -1),
        ("max_extensions", 10),
        ("max_extensions", True),
        ("supplement_within_days", "3"),
        ("supplement_within_days", 1.5),
        ("form_set", 2018),
        ("bank_bin", "12345"),
        ("bank_bin", "１２３４５６"),
        ("bank_account_name", "x" * 201),
        ("rating_criteria", "x" * 2_001),
    ],
)
def test_a_wrong_rule_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Policy.from_mapping({name: value})


def test_the_documentation_has_every_rule_with_its_default() -> None:
    found = {}
    for line in PAGE.read_text().splitlines():
        if match := re.match(r"\| (`.+?`) \| `(.*?)` \|", line):
            for name in re.findall(r"`(\w+)`", match[1]):
                found[name] = match[2].strip('"')
    assert found == {name: str(value) for name, value in described(Policy()).items()}
    assert set(found) == set(NAMES)
