"""Dossier codes: strict when issued, tolerant when read.

The grammar accepts every real code seen (``H26.18-260921-0007``, ``000.17.22.H56-210531-0001``,
``G09.20-20260609-0092637``). A code names an agency, a day and a serial; it is never used for routing and never reused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from office.model import AGENCY_CODE

_AGENCY = re.compile(AGENCY_CODE, re.ASCII)
_CODE = re.compile(rf"(?P<agency>{AGENCY_CODE})-(?P<day>\d{{8}}|\d{{6}})-(?P<serial>\d{{4,7}})", re.ASCII)
# The soft hyphen, the minus sign, and what Unicode calls dash punctuation (Pd) and NFKC leaves as it is.
_DASHES = re.compile(
    r"\s*[-\u00ad\u2212\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0]\s*"
)
LONGEST_INPUT = 500
LONGEST_PLAIN = 50


class MalformedCode(ValueError):
    """The text is not a dossier code, and holds none."""


@dataclass(frozen=True, slots=True)
class Code:
    """A dossier code that fits the grammar, in its canonical spelling."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def year(self) -> int:
        """The year that the code's date begins with, 2000–2099 for six digits; dossiers are partitioned by it."""
        day = self.text.rsplit("-", 2)[1]
        return int(day[:4]) if len(day) == 8 else 2000 + int(day[:2])


def issue(agency: str, day: date, serial: int) -> Code:
    """The code of the ``serial``-th dossier (from 1) that ``agency`` takes in on ``day``. Raises MalformedCode."""
    if not _AGENCY.fullmatch(agency) or not 1 <= serial <= 9_999_999 or not 2000 <= day.year <= 2099:
        raise MalformedCode(f"cannot issue a code for agency {agency!r}, day {day}, serial {serial}")
    return Code(f"{agency}-{day:%y%m%d}-{serial:04d}")


def parse(text: str) -> Code:
    """The code in what a person typed, pasted or scanned.

    Trims, upper-cases, folds full-width characters and every kind of dash, strips the ``*`` of Code-39 scanners, and
    takes the code out of a whole address. Raises MalformedCode.
    """
    if is_canonical(text):
        return Code(text)  # as programs send it: nine tenths of the work saved
    if len(text) > LONGEST_INPUT:
        raise MalformedCode("too long for a dossier code")
    plain = unicodedata.normalize("NFKC", unquote(text)).upper()
    plain = _DASHES.sub("-", plain).strip().strip("*").strip()
    if "/" in plain:
        plain = _last_code_of_address(plain)
    if not _CODE.fullmatch(plain):
        raise MalformedCode("not a dossier code")
    return Code(plain)


def _last_code_of_address(address: str) -> str:
    parts = re.split(r"[/?#&=\s]+", address)
    return next((part for part in reversed(parts) if _CODE.fullmatch(part)), "")


def is_canonical(text: str) -> bool:
    """Whether ``text`` is a dossier code spelled just so."""
    return len(text) < LONGEST_PLAIN and _CODE.fullmatch(text) is not None
