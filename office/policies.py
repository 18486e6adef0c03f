"""Which rules an office goes by on a day: its own and those of the offices above it, each from its date on. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

Rules = Mapping[str, object]

PRINTER = re.compile(r"tcp://(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:]+\]):(?P<port>[1-9][0-9]{0,4})")
"""The rule ``kiosk_printer``: where the kiosk's printer listens; empty: the kiosk's browser prints."""
LAST_PORT = 65535
KIOSK_KEY = re.compile(r"[A-Za-z0-9_-]{16,100}")
"""The rule ``kiosk_key``: what a request must carry for that printer to print; empty: it never does."""
LONGEST_WAIT = 480
"""Minutes: a working day."""
_QUEUE_BOUNDS: Mapping[str, tuple[int, int]] = {
    "target_wait_min": (1, LONGEST_WAIT),
    "priority_bound": (0, 20),
    "longest_wait_escape_min": (0, LONGEST_WAIT),
}
_QUEUE_CHOICES: Mapping[str, tuple[str, ...]] = {"counter_order": ("oldest_ticket", "listed")}
QUEUE_RULES = frozenset({*_QUEUE_BOUNDS, *_QUEUE_CHOICES, "kiosk_key", "kiosk_printer"})
"""The rules about queues; those about dossiers are ``tracking.policy.NAMES``."""


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
    for name, (least, most) in _QUEUE_BOUNDS.items():
        value = rules.get(name, most)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{name}: {value!r} is no whole number from {least} to {most}")
    for name, choices in _QUEUE_CHOICES.items():
        if rules.get(name, choices[0]) not in choices:
            raise ValueError(f"{name}: {rules[name]!r} is none of {', '.join(choices)}")
    _check_kiosk(rules)


def _check_kiosk(rules: Rules) -> None:
    printer, key = rules.get("kiosk_printer", ""), rules.get("kiosk_key", "")
    address = PRINTER.fullmatch(printer) if isinstance(printer, str) else None
    if printer != "" and (address is None or int(address["port"]) > LAST_PORT):
        raise ValueError(f"kiosk_printer: {printer!r} is not like tcp://192.168.1.50:9100, nor empty")
    if key != "" and not (isinstance(key, str) and KIOSK_KEY.fullmatch(key)):
        raise ValueError("kiosk_key: it is not 16 to 100 letters, digits, hyphens and underscores, nor empty")
