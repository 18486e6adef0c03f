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

AGENCY = r"(?:(?:[0-9A-Z]{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(?:\.[0-9A-Z]{1,3}){0,5})"
_AGENCY = re.compile(AGENCY)
_CODE = re.compile(rf"(?P<agency>{AGENCY})-(?P<day>\d{{8}}|\d{{6}})-(?P<serial>\d{{4,7}})")
_DASHES = re.compile(r"\s*[-\u00ad\u058a\u2010-\u2015\u2212\ufe58\ufe63\uff0d]\s*")
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
    if not _AGENCY.fullmatch(agency) or not 1 <= serial <= 9_999_999:
        raise MalformedCode(f"cannot issue a code for agency {agency!r}, serial {serial}")
    return Code(f"{agency}-{day:%y%m%d}-{serial:04d}")


def parse(text: str) -> Code:
    """The code in what a person typed, pasted or scanned.

    Trims, upper-cases, folds full-width characters and every kind of dash, strips the ``*`` of Code-39 scanners, and
    takes the code out of a whole address. Raises MalformedCode.
    """
    if len(text) < LONGEST_PLAIN and _CODE.fullmatch(text):
        return Code(text)  # what programs send is canonical already: nine tenths of the work saved
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


def is_agency(text: str) -> bool:
    """Whether ``text`` is an agency code as the grammar has it."""
    return _AGENCY.fullmatch(text) is not None
