"""The state machine and its rules: every transition of the list, each rule at its edge, and worked examples by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from office.calendar import Calendar
from tracking.case import Case
from tracking.deadlines import Limit
from tracking.decisions import Rules, begin, decide
from tracking.policy import Policy
from tracking.rules import RuleBroken
from tracking.status import Named, Status
from tracking.workflow import MOVES, Action, ActionNotAllowed, MissingDetail, Wish, allowed

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = Calendar.default()
RULES = Rules(Policy(), CALENDAR)
PAUSE = Rules(Policy(supplement_clock="pause"), CALENDAR)
EVERYTHING = Wish(
    reason="Lý do", missing=("Giấy chứng sinh",), appointment_on=date(2026, 12, 1), amount=50_000, purpose="Lệ phí",
    originals_returned=True,
)  # fmt: skip

# The domain notes' list: 1→2,3 · 2→4,5,7 · 4→5,6,7,8,9 · 5→4,7,8 · 6→4,7,8 · 7→8,4 · 9→10.
TRANSITIONS = {1: {2, 3}, 2: {4, 5, 7}, 4: {5, 6, 7, 8, 9}, 5: {4, 7, 8}, 6: {4, 7, 8}, 7: {8, 4}, 9: {10}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HANOI)


def received(text: str, limit: str | None = "3d", rules: Rules = RULES, **more: object) -> Case:
    """An accepted dossier with its clock started."""
    case = Case(
        code="H26.18-260921-0007", procedure=Named("1.1", "P"), receiving_office=Named("o", "O"),
        competent_agency=Named("H26.18", "A"), channel="counter", status=Status.ACCEPTED, received_at=at(text),
        limit=Limit.parse(limit) if limit else None,
    )  # fmt: skip
    return replace(begin(case, rules, online=False), **more)  # type: ignore[arg-type]  # fields of Case


def test_the_transitions_are_those_of_the_list() -> None:
    found: dict[int, set[int]] = {}
    for moves in MOVES.values():
        for source, target in moves.items():
            if target is not None:
                found.setdefault(int(source), set()).add(int(target))
    assert found == TRANSITIONS


@pytest.mark.parametrize(("action", "status"), list(product(MOVES, Status)))
def test_whatever_the_list_does_not_have_is_refused(action: Action, status: Status) -> None:
    case = received("2026-11-16T09:00", status=status, amount_due=50_000, originals_held=True)
    now = at("2026-11-17T09:00")
    if status in MOVES[action]:
        wish = replace(EVERYTHING, originals_returned=True)
        paid = replace(case, amount_due=0) if action is Action.RETURN else case
        assert decide(paid, action, wish, RULES, now).case.status == (MOVES[action][status] or status)
    else:
        with pytest.raises(ActionNotAllowed) as refused:
            decide(case, action, EVERYTHING, RULES, now)
        for name in allowed(case):
            assert name in str(refused.value)


@pytest.mark.parametrize(
    ("action", "status", "fields"),
    [
        (Action.DECLINE, 1, ("reason",)),
        (Action.REQUEST_SUPPLEMENT, 4, ("reason", "missing")),
        (Action.REQUEST_PAYMENT, 4, ("amount", "purpose")),
        (Action.EXTEND, 4, ("reason", "appointment_on")),
        (Action.REFUSE, 4, ("reason",)),
        (Action.WITHDRAW, 4, ("reason",)),
        (Action.STOP, 4, ("reason",)),
    ],
)
def test_what_an_action_needs_is_asked_for_by_name(action: Action, status: int, fields: tuple[str, ...]) -> None:
    with pytest.raises(MissingDetail) as missing:
        decide(received("2026-11-16T09:00", status=Status(status)), action, Wish(), RULES, at("2026-11-17T09:00"))
    assert missing.value.fields == fields


# Deadlines by hand. Hours: Mon–Fri 07:30–11:30 and 13:30–17:00; 24 Nov 2026 is a holiday, 22 Aug 2026 a make-up day,
# Tết 2027 is off from Thu 4 to Wed 10 February.


@pytest.mark.parametrize(
    ("taken", "limit", "handed_over", "due"),
    [
        ("2026-08-14T15:01", "1d", "2026-08-17T07:30", "2026-08-18T17:00"),  # Friday after the cut-off
        ("2026-08-15T08:00", "3d", "2026-08-17T07:30", "2026-08-20T17:00"),  # an ordinary Saturday
        ("2026-08-21T15:30", "3d", "2026-08-22T07:30", "2026-08-26T17:00"),  # into the make-up Saturday
        ("2027-02-03T10:00", "1d", "2027-02-03T10:00", "2027-02-11T17:00"),  # the day before Tết
        ("2027-02-03T15:30", "1d", "2027-02-11T07:30", "2027-02-12T17:00"),
        ("2026-11-23T10:00", "1d", "2026-11-23T10:00", "2026-11-25T17:00"),  # over 24 November
        ("2026-11-24T10:00", "0d", "2026-11-25T07:30", "2026-11-25T17:00"),  # and on it
        ("2026-08-20T10:00", "4h", "2026-08-20T10:00", "2026-08-20T16:00"),  # four hours across lunch
    ],
)
def test_the_clock_at_intake_by_hand(taken: str, limit: str, handed_over: str, due: str) -> None:
    case = received(taken, limit)
    assert (case.handed_over_at, case.due_at) == (at(handed_over), at(due))
    assert case.appointment_on == at(due).date()


def supplemented(case: Case, asked: str, came: str, rules: Rules, *, online: bool = False) -> Case:
    waiting = decide(case, Action.REQUEST_SUPPLEMENT, EVERYTHING, rules, at(asked)).case
    assert waiting.clock_stopped_at == at(asked)
    assert not waiting.is_late(at("2030-01-01T00:00"))
    return decide(waiting, Action.RECEIVE_SUPPLEMENT, Wish(online=online), rules, at(came)).case


@pytest.mark.parametrize(
    ("taken", "limit", "asked", "came", "restarted", "paused"),
    [
        # Received Mon 10 Aug, 5 days → Mon 17. Asked Tue 11 (Wed, Thu, Fri, Mon are left), came Thu 13 before the
        # cut-off: from zero Thu 20, with the four days left Wed 19.
        ("2026-08-10T09:00", "5d", "2026-08-11T10:00", "2026-08-13T10:00", "2026-08-20T17:00", "2026-08-19T17:00"),
        # Came at 15:01: handed over on Fri 14.
        ("2026-08-10T09:00", "5d", "2026-08-11T10:00", "2026-08-13T15:01", "2026-08-21T17:00", "2026-08-20T17:00"),
        # Over the make-up Saturday: asked Thu 20 (Fri left of 1d), came Fri 21 after the cut-off → Sat 22.
        ("2026-08-20T09:00", "1d", "2026-08-20T10:00", "2026-08-21T15:30", "2026-08-24T17:00", "2026-08-24T17:00"),
        # Eight hours from 9:00 end Tue 09:30 (2.5 + 3.5 + 2); asked Mon 10:00 leaves 7; came Tue 08:00.
        ("2026-08-10T09:00", "8h", "2026-08-10T10:00", "2026-08-11T08:00", "2026-08-12T08:30", "2026-08-11T17:00"),
        # Nothing is left on the day of the due date: the pause ends at the close of the day it arrives.
        ("2026-08-10T09:00", "0d", "2026-08-10T10:00", "2026-08-12T10:00", "2026-08-12T17:00", "2026-08-12T17:00"),
    ],
)
def test_restart_against_pause_by_hand(
    taken: str, limit: str, asked: str, came: str, restarted: str, paused: str
) -> None:
    for rules, due in ((RULES, restarted), (PAUSE, paused)):
        case = received(taken, limit)
        after = supplemented(case, asked, came, rules)
        assert after.due_at == at(due), rules.policy.supplement_clock
        assert after.clock_stopped_at is None
        assert after.appointment_changes == int(after.appointment_on != case.appointment_on)


@pytest.mark.parametrize(("limit", "due"), [("3d", "2026-08-19T17:00"), ("4h", "2026-08-14T11:30")])
def test_a_supplement_between_receipt_and_hand_over_costs_and_gives_no_time(limit: str, due: str) -> None:
    # Received Thu 13 after the cut-off: handed over Fri 14 at 07:30, also when papers are asked for and come before.
    case = received("2026-08-13T15:30", limit)
    for rules in (RULES, PAUSE):
        after = supplemented(case, "2026-08-13T16:00", "2026-08-13T16:30", rules)
        assert (after.due_at, after.stopped_minutes, after.appointment_changes) == (at(due), 0, 0)
        ended = decide(after, Action.COMPLETE, Wish(), rules, at("2026-08-14T09:30")).case
        assert ended.processing_minutes == 120


def test_online_supplements_know_no_cut_off() -> None:
    case = received("2026-08-10T09:00", "5d")
    assert supplemented(case, "2026-08-11T10:00", "2026-08-13T15:01", RULES, online=True).due_at == at(
        "2026-08-20T17:00"
    )


def test_what_was_overdue_when_the_clock_was_paused_stays_so() -> None:
    loose = Rules(Policy(supplement_clock="pause", supplement_within_days=30), CALENDAR)
    case = received("2026-08-10T09:00", "1d")
    waiting = decide(case, Action.REQUEST_SUPPLEMENT, EVERYTHING, loose, at("2026-08-12T10:00")).case
    assert waiting.is_late(at("2026-08-12T10:00"))
    after = decide(waiting, Action.RECEIVE_SUPPLEMENT, Wish(), loose, at("2026-08-20T10:00")).case
    assert after.due_at == case.due_at
    assert after.is_late(at("2026-08-20T10:00"))


def test_the_limit_of_the_day_of_receipt_stays_while_the_dossier_is_open() -> None:
    # The catalogue has another limit by the time the supplement comes; the case carries its own.
    case = received("2026-08-10T09:00", "5d")
    after = supplemented(case, "2026-08-11T10:00", "2026-09-03T10:00", RULES)
    assert str(after.limit) == "5d"
    assert after.due_at == at("2026-09-10T17:00")


def test_supplements_are_asked_for_within_three_working_days() -> None:
    case = received("2026-08-13T09:00", "9d", status=Status.PROCESSING)  # Thursday: Fri, Mon, Tue
    assert decide(case, Action.REQUEST_SUPPLEMENT, EVERYTHING, RULES, at("2026-08-18T23:59")).case.supplements == 1
    with pytest.raises(RuleBroken, match=r"3 ngày làm việc.*18/08/2026.*3 working days"):
        decide(case, Action.REQUEST_SUPPLEMENT, EVERYTHING, RULES, at("2026-08-19T00:00"))


def test_how_often_a_supplement_may_be_asked_for_is_policy() -> None:
    once = Rules(Policy(max_supplements=1), CALENDAR)
    after = supplemented(received("2026-08-10T09:00", "9d"), "2026-08-11T10:00", "2026-08-13T10:00", once)
    with pytest.raises(RuleBroken, match="at most once"):
        decide(after, Action.REQUEST_SUPPLEMENT, EVERYTHING, once, at("2026-08-13T11:00"))
    again = decide(after, Action.REQUEST_SUPPLEMENT, EVERYTHING, RULES, at("2026-08-13T11:00")).case
    assert again.supplements == 2


def extended(case: Case, now: str, to: date, rules: Rules = RULES) -> Case:
    return decide(case, Action.EXTEND, replace(EVERYTHING, appointment_on=to), rules, at(now)).case


def test_an_extension_is_announced_a_working_day_before_due() -> None:
    case = received("2026-08-12T09:00", "3d", status=Status.PROCESSING)  # Wednesday, due Mon 17
    after = extended(case, "2026-08-14T23:59", date(2026, 8, 21))
    assert (after.due_at, after.appointment_on) == (at("2026-08-21T17:00"), date(2026, 8, 21))
    assert (after.extensions, after.appointment_changes) == (1, 1)
    assert decide(case, Action.EXTEND, replace(EVERYTHING, appointment_on=date(2026, 8, 21)), RULES,
                  at("2026-08-14T23:59")).apology == "extension"  # fmt: skip
    with pytest.raises(RuleBroken, match=r"ít nhất 1 ngày làm việc.*17/08/2026"):
        extended(case, "2026-08-17T07:30", date(2026, 8, 21))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (date(2026, 8, 17), "later than 17/08/2026"),
        (date(2026, 8, 15), "later than"),
        (date(2026, 8, 23), "no working day"),
        (date(2026, 9, 2), "no working day"),
    ],
)
def test_an_extension_ends_on_a_later_working_day(to: date, reason: str) -> None:
    with pytest.raises(RuleBroken, match=reason):
        extended(received("2026-08-12T09:00", "3d", status=Status.PROCESSING), "2026-08-13T09:00", to)


def test_one_extension_unless_the_policy_says_otherwise() -> None:
    case = extended(received("2026-08-12T09:00", "3d", status=Status.PROCESSING), "2026-08-13T09:00", date(2026, 8, 21))
    with pytest.raises(RuleBroken, match=r"gia hạn 1 lần.*at most once"):
        extended(case, "2026-08-14T09:00", date(2026, 8, 27))
    twice = Rules(Policy(max_extensions=2), CALENDAR)
    assert extended(case, "2026-08-14T09:00", date(2026, 8, 27), twice).extensions == 2


def test_the_time_worked_leaves_out_what_the_citizen_took() -> None:
    # Mon 10 Aug 09:00 to Fri 14 Aug 09:00 are 30 working hours (6 + 7.5 + 7.5 + 7.5 + 1.5); the supplement took from
    # Tue 10:00 to Thu 10:00: 15 hours.
    after = supplemented(received("2026-08-10T09:00", "9d"), "2026-08-11T10:00", "2026-08-13T10:00", RULES)
    assert after.stopped_minutes == 15 * 60
    done = decide(after, Action.COMPLETE, Wish(), RULES, at("2026-08-14T09:00")).case
    assert done.processing_minutes == 15 * 60
    assert (done.outcome, done.status) == ("granted", Status.COMPLETED)


def test_late_results_owe_an_apology_and_early_ones_do_not() -> None:
    case = received("2026-08-10T09:00", "1d", status=Status.PROCESSING)
    for action in (Action.COMPLETE, Action.REFUSE):
        assert decide(case, action, EVERYTHING, RULES, at("2026-08-11T17:00")).apology is None
        late = decide(case, action, EVERYTHING, RULES, at("2026-08-11T17:00:01"))
        assert late.apology == "late" and late.details["late"] is True


def test_a_withdrawal_that_is_taken_back_during_a_supplement_goes_on_where_the_clock_stood() -> None:
    waiting = decide(
        received("2026-08-10T09:00", "5d"), Action.REQUEST_SUPPLEMENT, EVERYTHING, RULES, at("2026-08-11T10:00")
    ).case
    asked = decide(waiting, Action.WITHDRAW, EVERYTHING, RULES, at("2026-08-12T10:00")).case
    assert not asked.is_late(at("2026-12-31T00:00"))
    resumed = decide(asked, Action.RESUME, Wish(), RULES, at("2026-08-13T10:00")).case
    assert (resumed.status, resumed.due_at) == (Status.PROCESSING, at("2026-08-19T17:00"))


def test_originals_go_back_also_without_a_result() -> None:
    stopped = received("2026-08-10T09:00", status=Status.STOPPED, originals_held=True)
    assert allowed(stopped) == [Action.RETURN_ORIGINALS]
    after = decide(stopped, Action.RETURN_ORIGINALS, Wish(), RULES, at("2026-08-12T10:00")).case
    assert not after.originals_held
    assert not allowed(after)
