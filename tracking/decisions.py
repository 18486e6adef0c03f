"""What an action changes: decided from the case, the office's rules and the moment. Pure; nothing is read or written.

The rules are the one-stop mechanism's as the domain notes give them under "Process rules"; whoever breaks one hears
which (``tracking.rules``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from office.calendar import Calendar
from tracking.case import Case, Outcome
from tracking.deadlines import Limit, due, hand_over
from tracking.policy import Policy
from tracking.rules import RuleBroken
from tracking.workflow import MOVES, NEEDS, Action, ActionNotAllowed, MissingDetail, Wish, allowed

RESOLUTION = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force for one dossier: its office's policy on the day of receipt, and its calendar."""

    policy: Policy
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Decision:
    """The case afterwards, and what has to be written down and said."""

    case: Case
    details: Mapping[str, object] = field(default_factory=dict)
    triggers: tuple[str, ...] = ()
    """What the applicant is told about (``tracking.notices``)."""
    apology: Literal["late", "extension"] | None = None


def decide(case: Case, action: Action, wish: Wish, rules: Rules, now: datetime) -> Decision:
    """The outcome of ``action`` at ``now``, which carries an offset.

    Raises ActionNotAllowed, MissingDetail, RuleBroken (which rule, with its figure, in both languages).
    """
    if action not in allowed(case):
        raise ActionNotAllowed(action, case)
    if missing := tuple(name for name in NEEDS.get(action, ()) if not getattr(wish, name)):
        raise MissingDetail(action, missing)
    target = MOVES[action][case.status] or case.status
    after = replace(case, status=target, version=case.version + 1)
    effect = _EFFECTS.get(action)
    return effect(after, wish, rules, now) if effect else Decision(after)


def begin(case: Case, rules: Rules, *, online: bool) -> Case:
    """The case with its clock started at the moment of receipt: handed over, due, promised."""
    handed_over = hand_over(case.received_at, rules.calendar, rules.policy.deadlines, online=online)
    if case.limit is None:
        return replace(case, handed_over_at=handed_over)
    return _promised(replace(case, handed_over_at=handed_over), due(handed_over, case.limit, rules.calendar))


def _promised(case: Case, due_at: datetime) -> Case:
    # The day that the due time closes, also where a day's hours end at 24:00.
    return replace(case, due_at=due_at, appointment_on=(due_at - RESOLUTION).date())


def _accept(case: Case, _: Wish, rules: Rules, __: datetime) -> Decision:
    begun = begin(case, rules, online=case.channel == "online")
    return Decision(begun, _clock(begun), ("accepted",))


def _decline(case: Case, _: Wish, __: Rules, ___: datetime) -> Decision:
    return Decision(case, triggers=("not_accepted",))


def _request_supplement(case: Case, wish: Wish, rules: Rules, now: datetime) -> Decision:
    policy, calendar = rules.policy, rules.calendar
    if case.supplements >= policy.max_supplements:
        raise RuleBroken.max_supplements(policy.max_supplements)
    began = case.handed_over_at if case.supplements and case.handed_over_at else case.received_at
    last_day = calendar.add_working_days(calendar.local(began).date(), policy.supplement_within_days)
    if calendar.local(now).date() > last_day:
        raise RuleBroken.supplement_within(policy.supplement_within_days, last_day)
    after = replace(case, supplements=case.supplements + 1, clock_stopped_at=now)
    details = {"missing": list(wish.missing), "guidance": wish.guidance}
    return Decision(after, details, ("supplement",))


def _receive_supplement(case: Case, wish: Wish, rules: Rules, now: datetime) -> Decision:
    handed_over = hand_over(now, rules.calendar, rules.policy.deadlines, online=wish.online)
    if case.limit is not None and rules.policy.supplement_clock == "restart":
        after = _clock_runs_again(case, _stopped_at(case, handed_over, now), handed_over, rules.calendar)
        return _moved(case, _promised(after, due(handed_over, case.limit, rules.calendar)))
    return _go_on(case, handed_over, rules.calendar, now)


def _resume(case: Case, _: Wish, rules: Rules, now: datetime) -> Decision:
    if case.clock_stopped_at is None:
        return Decision(case)
    return _go_on(case, hand_over(now, rules.calendar, rules.policy.deadlines), rules.calendar, now)


def _stopped_at(case: Case, handed_over: datetime, now: datetime) -> datetime:
    # What was asked for before the hand-over stopped a clock that had not begun: nothing of the limit was used then.
    stopped_at = case.clock_stopped_at or now
    return min(handed_over, max(stopped_at, case.handed_over_at or stopped_at))


def _go_on(case: Case, handed_over: datetime, calendar: Calendar, now: datetime) -> Decision:
    stopped_at = _stopped_at(case, handed_over, now)
    after = _clock_runs_again(case, stopped_at, handed_over, calendar)
    if case.limit is None or case.due_at is None or stopped_at > case.due_at:
        return Decision(after)  # nothing was promised, or what was overdue stays so
    return _moved(case, _promised(after, _continued(case.due_at, case.limit, stopped_at, handed_over, calendar)))


def _clock_runs_again(case: Case, stopped_at: datetime, handed_over: datetime, calendar: Calendar) -> Case:
    waited = calendar.working_minutes_between(stopped_at, handed_over)
    return replace(
        case, clock_stopped_at=None, stopped_minutes=case.stopped_minutes + waited, handed_over_at=handed_over
    )


def _continued(
    due_at: datetime, limit: Limit, stopped_at: datetime, handed_over: datetime, calendar: Calendar
) -> datetime:
    # What was left of the limit when the clock stopped counts from ``handed_over``.
    if limit.unit == "h":
        return calendar.add_working_time(handed_over, calendar.working_minutes_between(stopped_at, due_at))
    day, last, left = calendar.local(stopped_at).date(), calendar.local(due_at - RESOLUTION).date(), 0
    while (day := calendar.add_working_days(day, 1)) <= last:
        left += 1
    return due(handed_over, Limit(left, "d"), calendar)


def _moved(before: Case, after: Case) -> Decision:
    details = {"before": before.appointment_on and before.appointment_on.isoformat(), **_clock(after)}
    if before.appointment_on == after.appointment_on:
        return Decision(after, details)
    return Decision(replace(after, appointment_changes=after.appointment_changes + 1), details, ("appointment",))


def _request_payment(case: Case, wish: Wish, _: Rules, __: datetime) -> Decision:
    assert wish.amount is not None
    details = {"amount": wish.amount, "purpose": wish.purpose}
    return Decision(replace(case, amount_due=case.amount_due + wish.amount), details, ("payment",))


def _receive_payment(case: Case, wish: Wish, _: Rules, __: datetime) -> Decision:
    if wish.amount != case.amount_due:
        raise RuleBroken.amount(case.amount_due)
    return Decision(replace(case, amount_due=0), {"amount": wish.amount, "method": wish.method})


def _extend(case: Case, wish: Wish, rules: Rules, now: datetime) -> Decision:
    policy, calendar, day = rules.policy, rules.calendar, wish.appointment_on
    assert day is not None
    if case.due_at is None or case.appointment_on is None:
        raise RuleBroken.nothing_to_extend()
    if case.extensions >= policy.max_extensions:
        raise RuleBroken.max_extensions(policy.max_extensions)
    due_day = calendar.local(case.due_at - RESOLUTION).date()
    if calendar.add_working_days(calendar.local(now).date(), policy.extension_notice_days) > due_day:
        raise RuleBroken.extension_notice(policy.extension_notice_days, due_day)
    if day <= max(due_day, case.appointment_on):
        raise RuleBroken.new_date_later(max(due_day, case.appointment_on))
    if not calendar.working_spans(day):
        raise RuleBroken.no_working_day(day)
    after = _promised(case, calendar.working_spans(day)[-1][1])
    return replace(_moved(case, replace(after, extensions=case.extensions + 1)), apology="extension")


def _end(outcome: Outcome) -> Callable[[Case, Wish, Rules, datetime], Decision]:
    def end(case: Case, _: Wish, rules: Rules, now: datetime) -> Decision:
        calendar = rules.calendar
        first = hand_over(case.received_at, calendar, rules.policy.deadlines, online=case.channel == "online")
        worked = calendar.working_minutes_between(first, now) if first < now else 0
        ended = replace(
            case,
            outcome=outcome,
            finished_at=now,
            processing_minutes=max(0, worked - case.stopped_minutes),
        )
        late = ended.is_late(now)
        trigger = "completed" if outcome == "granted" else "refused"
        return Decision(ended, {"late": late}, (trigger,), "late" if late else None)

    return end


def _return(case: Case, wish: Wish, _: Rules, now: datetime) -> Decision:
    if case.amount_due:
        raise RuleBroken.unpaid(case.amount_due)
    if case.originals_held and not wish.originals_returned:
        raise RuleBroken.originals()
    after = replace(case, returned_at=now, originals_held=False)
    return Decision(
        after, {"originals": int(case.originals_held)}, ("returned",), "late" if case.is_late(now) else None
    )


def _return_originals(case: Case, _: Wish, __: Rules, ___: datetime) -> Decision:
    return Decision(replace(case, originals_held=False))


def _stop(case: Case, _: Wish, __: Rules, ___: datetime) -> Decision:
    return Decision(replace(case, clock_stopped_at=None), triggers=("stopped",))


def _clock(case: Case) -> dict[str, object]:
    return {
        "due_at": case.due_at and case.due_at.isoformat(),
        "appointment_on": case.appointment_on and case.appointment_on.isoformat(),
    }


_EFFECTS: Mapping[Action, Callable[[Case, Wish, Rules, datetime], Decision]] = {
    Action.ACCEPT: _accept,
    Action.DECLINE: _decline,
    Action.REQUEST_SUPPLEMENT: _request_supplement,
    Action.RECEIVE_SUPPLEMENT: _receive_supplement,
    Action.REQUEST_PAYMENT: _request_payment,
    Action.RECEIVE_PAYMENT: _receive_payment,
    Action.EXTEND: _extend,
    Action.REFUSE: _end("refused"),
    Action.COMPLETE: _end("granted"),
    Action.RETURN: _return,
    Action.RETURN_ORIGINALS: _return_originals,
    Action.RESUME: _resume,
    Action.STOP: _stop,
}
