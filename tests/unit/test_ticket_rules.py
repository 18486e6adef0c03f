"""Ticket states and the moves between them, priority classes, and tokens."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tickets.ticket import MOVES, MoveNotAllowed, Priority, State, new_token, parse_token

DAY = date(2026, 9, 21)
CONTRACT = "waiting called serving served no_show parked cancelled expired"
DAYS = st.dates(date(2020, 1, 1), date(2999, 12, 31))
KEYS = st.from_regex(r"[a-z0-9]{2,6}", fullmatch=True)


def test_the_states_are_the_contract() -> None:
    assert " ".join(State) == CONTRACT


@pytest.mark.parametrize(
    ("name", "sources", "target"),
    [
        ("recall", {"called"}, "called"),
        ("start", {"called"}, "serving"),
        ("finish", {"serving"}, "served"),
        ("no-show", {"called"}, "no_show"),
        ("cancel", {"waiting", "called", "parked"}, "cancelled"),
    ],
)
def test_moves(name: str, sources: set[str], target: str) -> None:
    move = MOVES[name]
    assert (move.name, set(move.sources), move.target) == (name, sources, target)


def test_nothing_leaves_a_final_state_or_returns_to_the_line() -> None:
    final = {state for state in State if state.is_final}
    assert final == {State.SERVED, State.NO_SHOW, State.CANCELLED, State.EXPIRED}
    for move in MOVES.values():
        assert not final & set(move.sources)
        assert move.target is not State.WAITING


def test_a_refused_move_says_what_would_do() -> None:
    text = str(MoveNotAllowed(MOVES["cancel"], State.SERVED))
    assert text == "cancel needs a ticket that is waiting, called, parked; this one is served"


def test_everybody_with_a_reason_comes_before_everybody_without() -> None:
    ranks = {priority: priority.rank for priority in Priority}
    assert ranks.pop(Priority.NORMAL) == 1
    assert set(ranks.values()) == {0}


@given(KEYS, DAYS)
@example("dmo", date(2020, 1, 1))
def test_a_token_says_office_and_day(office_key: str, day: date) -> None:
    token = new_token(office_key, day)
    assert parse_token(token.text) == token
    assert (token.office_key, token.day, str(token)) == (office_key, day, token.text)


def test_a_token_holds_128_bits_nobody_can_guess() -> None:
    secrets = [new_token("dmo", DAY).text.rsplit(".", 1)[1] for _ in range(2000)]
    assert len(set(secrets)) == 2000
    assert all(len(secret) == 22 for secret in secrets)  # 22 × 6 bits hold 16 bytes
    for place in range(21):  # every place takes (nearly) every one of 64 characters; the last one carries 2 bits
        assert math.log2(len({secret[place] for secret in secrets})) > 5.9


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "..",
        "dmo",
        "dmo.1s7",
        "dmo.1s7.",
        "dmo.1s7." + "A" * 21,
        "dmo.1s7." + "A" * 23,
        "d.1s7." + "A" * 22,
        "toolong.1s7." + "A" * 22,
        "DMO.1s7." + "A" * 22,
        "dmo.1S7." + "A" * 22,
        "dmo.12345." + "A" * 22,
        "dmo.." + "A" * 22,
        "dmo.1s7." + "A" * 21 + "=",
        "dmo.1s7." + "A" * 22 + "\n",
        "dmo.\u0661s7." + "A" * 22,
        "dmo.1s7." + "\u00c4" * 22,
        "dmo.1s7." + "A" * 100_000,
    ],
)
def test_junk_is_no_token(junk: str) -> None:
    assert parse_token(junk) is None


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9]{1,7}\.[0-9a-z]{0,5}\.[A-Za-z0-9_-]{20,24}"))
def test_any_text_is_a_token_or_none(text: str) -> None:
    token = parse_token(text)
    assert token is None or token.text == text


def test_the_largest_day_is_still_a_date() -> None:
    token = parse_token("zzzzzz.zzzz." + "z" * 22)
    assert token is not None
    assert token.day.year < 9999
