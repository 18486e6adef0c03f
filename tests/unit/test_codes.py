"""Dossier codes: strict when issued, tolerant when read."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from office.model import AGENCY_CODE
from tracking.codes import LONGEST_INPUT, Code, MalformedCode, issue, parse

REAL_CODES = [
    "H26.18-260921-0007",
    "000.17.22.H56-210531-0001",
    "000.A0.01.H26-210212-9090",
    "38.98.H29-210519-0013",
    "G22.99.08-260921-896048",
    "G09.20-20260609-0092637",
]
PLAIN = "H26.18-260921-0007"
EVERY_DASH = [chr(n) for n in range(0x10000) if unicodedata.category(chr(n)) == "Pd"] + ["\u2212", "\u00ad"]
AGENCIES = st.from_regex(r"([0-9A-Z]{2,3}\.){1,3}[A-Z][0-9]{2}|[A-Z][0-9]{2}(\.[0-9A-Z]{1,3}){0,5}", fullmatch=True)


@pytest.mark.parametrize("code", REAL_CODES)
def test_real_codes_are_their_own_canonical_spelling(code: str) -> None:
    assert parse(code) == Code(code)
    assert str(parse(code)) == code


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@pytest.mark.parametrize(
    "typed",
    [
        PLAIN.lower(),
        f"  {PLAIN}\r\n",
        f"*{PLAIN}*",
        f"* {PLAIN} *",
        full_width(PLAIN),
        full_width(PLAIN.lower()),
        "H26.18-２６０９２１-0007",
        "H26.18 - 260921 - 0007",
        "H26.18\u00a0\u2013\u00a0260921\u2014 0007",
        f"https://motcua.example/d/{PLAIN}",
        f"https://motcua.example/d/{PLAIN.lower()}?lang=en#top",
        f"https://motcua.example/find?lang=en&code={PLAIN}",
        f"http://localhost:8080/api/v1/dossiers/{PLAIN}/",
        "https://motcua.example/find?code=H26.18%2D260921%2D0007",
        "H26.18%2d260921%2d0007",
    ],
)
def test_what_people_type_and_scanners_send(typed: str) -> None:
    assert parse(typed).text == PLAIN


@pytest.mark.parametrize("dash", EVERY_DASH, ids=lambda dash: f"U+{ord(dash):04X}")
def test_any_dash_is_a_dash(dash: str) -> None:
    assert parse(PLAIN.replace("-", dash)).text == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "*",
        "**",
        "H26.18",
        "H26.18-260921",
        "H26.18-260921-007",
        "H26.18-260921-00000007",
        "H26.18-2609211-0007",
        "H26.18-2609-0007",
        "H2.18-260921-0007",
        "H26.1800-260921-0007",
        "H26.1.2.3.4.5.6-260921-0007",
        "1.H26-260921-0007",
        "11.22.33.44.H26-260921-0007",
        "H26.18-260921-0007x",
        "xH26.18-260921-0007",
        "H26.18 260921 0007",
        "H26.18-260921-0007\n1",
        "H26.18-260921-00*07",
        "Đ26.18-260921-0007",
        "H26.18-260921-000\u0667",
        "H\u0662\u0666-260921-0007",
        "H26.18-260921-0007\0",
        "https://motcua.example/d/",
        "x" * (LONGEST_INPUT + 1),
        f"https://motcua.example/{'a' * LONGEST_INPUT}/{PLAIN}",
    ],
)
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(MalformedCode):
        parse(text)


@given(st.text(max_size=60) | st.text(alphabet="Hh26.-*/%?=＊－ \u2013\u0667\ud800\0", max_size=60))
@example("H26.18-260921-0007/\ud800")
@example("%ff%fe/%00")
def test_parse_answers_or_says_malformed(text: str) -> None:
    try:
        code = parse(text)
    except MalformedCode:
        return
    assert code.text.isascii()
    assert parse(code.text) == code
    assert 0 <= code.year <= 9999


@given(AGENCIES, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 9_999_999))
def test_what_is_issued_is_read_back(agency: str, day: date, serial: int) -> None:
    code = issue(agency, day, serial)
    assert code.text == f"{agency}-{day:%y%m%d}-{serial:04d}"
    assert parse(code.text) == code
    assert parse(f"*{code.text.lower()}*") == code
    assert code.year == day.year


@pytest.mark.parametrize(
    ("agency", "day", "serial"),
    [
        ("", date(2026, 9, 21), 1),
        ("h26.18", date(2026, 9, 21), 1),
        ("H26.18-", date(2026, 9, 21), 1),
        ("H\u0662\u0666", date(2026, 9, 21), 1),
        ("H26.18", date(2026, 9, 21), 0),
        ("H26.18", date(2026, 9, 21), -1),
        ("H26.18", date(2026, 9, 21), 10_000_000),
        ("H26.18", date(1999, 12, 31), 1),
        ("H26.18", date(2100, 1, 1), 1),
    ],
)
def test_what_cannot_be_issued(agency: str, day: date, serial: int) -> None:
    with pytest.raises(MalformedCode):
        issue(agency, day, serial)


@pytest.mark.parametrize(
    ("code", "year"),
    [(PLAIN, 2026), ("G09.20-20260609-0092637", 2026), ("H26-000101-0001", 2000), ("H26-19991231-0001", 1999)],
)
def test_the_year_comes_out_of_the_code(code: str, year: int) -> None:
    assert parse(code).year == year


def test_agency_codes() -> None:
    for code in REAL_CODES:
        assert re.fullmatch(AGENCY_CODE, code.rsplit("-", 2)[0])
    assert not re.fullmatch(AGENCY_CODE, "h26")
    assert not re.fullmatch(AGENCY_CODE, PLAIN)
