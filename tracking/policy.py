"""What an office decides about the life of its dossiers. Pure.

The rules and their defaults are the one-stop mechanism's as the domain notes give them under "Process rules"; none is a
constant of the program. Offices inherit from their parent, each rule has the version of the day a dossier came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal, Self

from office.hours import format_clock, parse_clock
from tracking.deadlines import DeadlinePolicy

SupplementClock = Literal["restart", "pause"]
FormSet = Literal["2018", "2025"]

_CHOICES: Mapping[str, tuple[str, ...]] = {"supplement_clock": ("restart", "pause"), "form_set": ("2018", "2025")}
_BOUNDS: Mapping[str, tuple[int, int]] = {
    "max_intake_notices": (0, 9),
    "supplement_within_days": (0, 60),
    "max_supplements": (0, 99),
    "extension_notice_days": (0, 60),
    "max_extensions": (0, 9),
    "feedback_answer_days": (1, 120),
    "four_steps_share_percent": (0, 100),
}
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for one dossier. Days are working days of the receiving office."""

    transfer_cutoff: timedelta = timedelta(hours=15)
    """Taken in person later than that: handed over at the start of the next working day."""
    max_intake_notices: int = 1
    """How often an applicant may be sent away for missing papers: once, completely."""
    supplement_within_days: int = 3
    """A supplement may be asked for until the close of that working day after receipt."""
    supplement_clock: SupplementClock = "restart"
    """What the time limit does when the supplement arrives: from zero, or on from where it stood."""
    max_supplements: int = 99
    """How often; by law not bounded, index 766 counts the second as late."""
    extension_notice_days: int = 1
    """An extension is announced at least so many working days before the dossier is due."""
    max_extensions: int = 1
    feedback_answer_days: int = 10
    """Within which feedback and petitions are answered."""
    four_steps_share_percent: int = 50
    """The share of procedures that are to be done on the spot: 60 in a province, 50 below."""
    form_set: FormSet = "2025"
    rating_criteria: str = ""
    """The office's own questions of the rating form, one a line."""
    bank_bin: str = ""
    """Napas number of the office's bank (six digits); without it no VietQR is shown."""
    bank_account: str = ""
    bank_account_name: str = ""

    @property
    def deadlines(self) -> DeadlinePolicy:
        """What counting needs."""
        return DeadlinePolicy(self.transfer_cutoff)

    @classmethod
    def from_mapping(cls, rules: Mapping[str, object]) -> Self:
        """Read the rules that are ours out of an office's policy; what is left out has its default.

        ValueError names a wrong one. Other parts of the service keep their rules in the same mapping.
        """
        return cls(**{name: _read(name, rules[name]) for name in NAMES if name in rules})


NAMES = tuple(field.name for field in fields(Policy))


def _read(name: str, value: object) -> Any:
    if name == "transfer_cutoff":
        return value if isinstance(value, timedelta) else parse_clock(value, name)
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ValueError(f"{name}: {value!r} is none of {', '.join(_CHOICES[name])}")
        return value
    if name in _BOUNDS:
        least, most = _BOUNDS[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{name}: {value!r} is no whole number from {least} to {most}")
        return value
    longest = LONGEST_TEXT * 10 if name == "rating_criteria" else LONGEST_TEXT
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name}: expected text of at most {longest} characters")
    if name == "bank_bin" and value and not (value.isascii() and value.isdecimal() and len(value) == 6):
        raise ValueError(f"bank_bin: {value!r} is no number of six digits")
    return value


def described(policy: Policy) -> dict[str, object]:
    """The rules as ``from_mapping`` reads them, ready for JSON."""
    values = {name: getattr(policy, name) for name in NAMES}
    return values | {"transfer_cutoff": format_clock(policy.transfer_cutoff)}
