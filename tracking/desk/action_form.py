"""The forms of the actions: which inputs each has, and the wish made of what was typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from multidict import MultiDict
from pydantic import ValidationError

from tracking.case_api import ActionBody
from tracking.desk.forms import Faults, faults_of, lines
from tracking.workflow import NEEDS, Action, Wish

INPUTS: Mapping[Action, tuple[str, ...]] = {
    Action.DECLINE: ("reason",),
    Action.REQUEST_SUPPLEMENT: ("missing", "reason", "guidance"),
    Action.RECEIVE_SUPPLEMENT: ("online",),
    Action.REQUEST_PAYMENT: ("amount", "purpose"),
    Action.RECEIVE_PAYMENT: ("amount", "method", "reference"),
    Action.EXTEND: ("appointment_on", "reason"),
    Action.REFUSE: ("reason",),
    Action.RETURN: ("originals_returned",),
    Action.WITHDRAW: ("reason",),
    Action.STOP: ("reason",),
}
"""The inputs of an action in the order of its form; every one in ``NEEDS`` is among them."""

_MONEY = re.compile(r"[\s.,]|đồng|đ|₫|vnd|vnđ", re.IGNORECASE)
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


def wish_of(action: Action, typed: MultiDict[str]) -> tuple[Wish | None, Faults]:
    """What is said with the action, or what is wrong with which field."""
    fields = {name: value for name in INPUTS.get(action, ()) if (value := _value(name, typed)) is not None}
    try:
        wish = ActionBody.model_validate(fields).wish()
    except ValidationError as error:
        return None, faults_of(error, lambda place: str(place[0]))
    needed = NEEDS.get(action, ())
    absent = [name for name in INPUTS.get(action, ()) if name in needed and not getattr(wish, name)]
    return (None, dict.fromkeys(absent, "required")) if absent else (wish, {})


def _value(name: str, typed: MultiDict[str]) -> object:
    text = typed.get(name, "")
    if name in ("online", "originals_returned"):
        return name in typed
    if name == "missing":
        return lines(text)
    if not text:
        return None
    if name == "amount":
        plain = _MONEY.sub("", text)
        return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 20 else text
    if name == "appointment_on" and (found := _DAY.fullmatch(text)):
        day, month, year = found.groups()
        return f"{year}-{month:>02}-{day:>02}"
    return text
