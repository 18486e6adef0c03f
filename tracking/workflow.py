"""What may be done with a dossier in which status: the state machine, after the domain notes' "Statuses". Pure.

What an action changes, and what the rules say about it, stands in ``tracking.decisions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from tracking.case import Case
from tracking.status import Status

S = Status


class Action(StrEnum):
    """What a member of staff does with a dossier; the names stand in addresses and events."""

    REGISTER = "register"
    ACCEPT = "accept"
    DECLINE = "decline"
    TRANSFER = "transfer"
    REQUEST_SUPPLEMENT = "request-supplement"
    RECEIVE_SUPPLEMENT = "receive-supplement"
    REQUEST_PAYMENT = "request-payment"
    RECEIVE_PAYMENT = "receive-payment"
    EXTEND = "extend"
    REFUSE = "refuse"
    COMPLETE = "complete"
    RETURN = "return"
    RETURN_ORIGINALS = "return-originals"
    WITHDRAW = "withdraw"
    RESUME = "resume"
    STOP = "stop"


Target = Status | None
"""The status afterwards; None: it stays."""
MOVES: Mapping[Action, Mapping[Status, Target]] = {
    Action.ACCEPT: {S.REGISTERED: S.ACCEPTED},
    Action.DECLINE: {S.REGISTERED: S.NOT_ACCEPTED},
    Action.TRANSFER: {S.ACCEPTED: S.PROCESSING},
    Action.REQUEST_SUPPLEMENT: {S.ACCEPTED: S.SUPPLEMENT_REQUIRED, S.PROCESSING: S.SUPPLEMENT_REQUIRED},
    Action.RECEIVE_SUPPLEMENT: {S.SUPPLEMENT_REQUIRED: S.PROCESSING},
    Action.REQUEST_PAYMENT: {S.PROCESSING: S.PAYMENT_REQUIRED},
    Action.RECEIVE_PAYMENT: {
        S.PAYMENT_REQUIRED: S.PROCESSING, S.REGISTERED: None, S.ACCEPTED: None, S.PROCESSING: None,
        S.SUPPLEMENT_REQUIRED: None, S.WITHDRAWAL_REQUESTED: None, S.COMPLETED: None,
    },
    Action.EXTEND: {S.PROCESSING: None, S.PAYMENT_REQUIRED: None},
    Action.REFUSE: {S.PROCESSING: S.COMPLETED},
    Action.COMPLETE: {S.PROCESSING: S.COMPLETED},
    Action.RETURN: {S.COMPLETED: S.RETURNED},
    Action.RETURN_ORIGINALS: {S.NOT_ACCEPTED: None, S.STOPPED: None},
    Action.WITHDRAW: dict.fromkeys(
        (S.ACCEPTED, S.PROCESSING, S.SUPPLEMENT_REQUIRED, S.PAYMENT_REQUIRED), S.WITHDRAWAL_REQUESTED
    ),
    Action.RESUME: {S.WITHDRAWAL_REQUESTED: S.PROCESSING},
    Action.STOP: dict.fromkeys(
        (S.PROCESSING, S.SUPPLEMENT_REQUIRED, S.PAYMENT_REQUIRED, S.WITHDRAWAL_REQUESTED), S.STOPPED
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What is said with an action; which parts it needs stands in ``NEEDS``."""

    reason: str | None = None
    missing: tuple[str, ...] = ()
    guidance: str | None = None
    appointment_on: date | None = None
    amount: int | None = None
    purpose: str | None = None
    method: Literal["cash", "transfer"] = "cash"
    reference: str | None = None
    """The bank's own number of a transfer: the same one never pays twice."""
    originals_returned: bool = False
    online: bool = False
    """Whether the supplement came in online."""


NEEDS: Mapping[Action, tuple[str, ...]] = {
    Action.DECLINE: ("reason",),
    Action.REQUEST_SUPPLEMENT: ("reason", "missing"),
    Action.REQUEST_PAYMENT: ("amount", "purpose"),
    Action.RECEIVE_PAYMENT: ("amount",),
    Action.EXTEND: ("reason", "appointment_on"),
    Action.REFUSE: ("reason",),
    Action.WITHDRAW: ("reason",),
    Action.STOP: ("reason",),
}


class ActionNotAllowed(Exception):
    """The dossier's status does not allow the action; the text says what it does allow."""

    def __init__(self, action: Action, case: Case) -> None:
        self.allowed = allowed(case)
        names = ", ".join(self.allowed) or "nothing"
        super().__init__(
            f"{action}: không được phép khi hồ sơ ở trạng thái “{case.status.label}”; được phép: {names} · "
            f"not possible while {case.status.name.lower()}; allowed: {names}"
        )


class MissingDetail(ValueError):
    """The action needs something that was not said; ``fields`` are its names."""

    def __init__(self, action: Action, fields: tuple[str, ...]) -> None:
        super().__init__(f"{action} needs {', '.join(fields)}")
        self.fields = fields


def allowed(case: Case) -> list[Action]:
    """The actions that the case's status allows, in the order of the list; rules may still forbid one."""
    return [action for action, moves in MOVES.items() if case.status in moves and _makes_sense(action, case)]


def _makes_sense(action: Action, case: Case) -> bool:
    if action is Action.RECEIVE_PAYMENT:
        return case.amount_due > 0
    if action is Action.RETURN_ORIGINALS:
        return case.originals_held
    return True
