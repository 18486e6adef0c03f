"""Which rules an office goes by on a day: its own and those of the offices above it, each from its date on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

Rules = Mapping[str, object]

QUEUE_RULES = frozenset({"target_wait_min"})
"""The rules about queues; those about dossiers are ``tracking.policy.NAMES``."""
LONGEST_WAIT = 480
"""Minutes: a working day."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Rules that replace those of the same name from ``valid_from`` on."""

    valid_from: date
    rules: Rules


@dataclass(frozen=True, slots=True)
class OfficeRules:
    """What one office says itself; ``changes`` ascend by their dates."""

    base: Rules
    changes: tuple[PolicyChange, ...] = ()

    def on(self, day: date) -> dict[str, object]:
        """Its own rules on ``day``."""
        found = dict(self.base)
        for change in self.changes:
            if change.valid_from <= day:
                found |= change.rules
        return found


@dataclass(frozen=True, slots=True)
class Policies:
    """The rules of a line of offices, from the root of the tree down to the office in question."""

    line: tuple[OfficeRules, ...]

    def on(self, day: date) -> Rules:
        """The rules in force on ``day``. What a nearer office says wins, also over a later word from above; a rule
        that nobody names is missing and has its default.
        """
        found: dict[str, object] = {}
        for office in self.line:
            found |= office.on(day)
        return found


def check_queue_rules(rules: Rules) -> None:
    """Raise ValueError, naming the rule, for one about queues that has a wrong value."""
    wait = rules.get("target_wait_min", LONGEST_WAIT)
    if not isinstance(wait, int) or isinstance(wait, bool) or not 1 <= wait <= LONGEST_WAIT:
        raise ValueError(f"target_wait_min: {wait!r} is no whole number from 1 to {LONGEST_WAIT}")
