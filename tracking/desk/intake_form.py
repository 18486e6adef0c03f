"""The intake form: what is offered, what was typed, and the same body as the API's made of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multidict import MultiDict
from pydantic import ValidationError

from office.folding import fold, has_words
from office.model import GroupKind, OfficeDetail, Procedure, RequiredPaper
from tracking.case_api import IntakeBody
from tracking.desk.forms import Fault, Faults, Location, faults_of, lines

_FIELDS: Mapping[Location, str] = {
    ("post", "recipient"): "recipient",
    ("post", "address"): "post_address",
    ("post", "phone"): "post_phone",
    ("papers",): "more_papers",
    ("missing",): "papers",
}
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be handed in: a procedure, or an interlinked group of them. ``fee`` is in đồng, of all parts."""

    kind: str
    """``procedure`` or ``group``: the field of the body that names it."""
    code: str
    name: str
    name_en: str
    papers: tuple[RequiredPaper, ...]
    fee: int
    time_limit: str | None = None
    agency: str | None = None
    """Who decides, by code; None for groups: each part has its own."""


def offers(detail: OfficeDetail, kinds: Mapping[str, GroupKind], typed: str = "") -> list[Offered]:
    """What the office takes in with every word of ``typed``, the best match first."""
    by_code = {procedure.code: procedure for procedure in detail.procedures}
    found = [_of_procedure(procedure) for procedure in detail.find_procedures(typed)]
    for kind in kinds.values():
        parts = [by_code[part.procedure] for part in kind.parts if part.procedure in by_code]
        if len(parts) == len(kind.parts) and has_words(f"{kind.id} {kind.name} {kind.name_en}", typed):
            found.append(_of_group(kind, parts))
    return sorted(found, key=lambda one: _rank(one, fold(typed))) if typed else found


def offered(detail: OfficeDetail, kinds: Mapping[str, GroupKind], asked: Mapping[str, str]) -> Offered | None:
    """What ``procedure`` or ``group`` in ``asked`` names; None if the office does not take it in."""
    return next((one for one in offers(detail, kinds) if asked.get(one.kind) == one.code), None)


def _of_procedure(procedure: Procedure) -> Offered:
    return Offered(
        "procedure", procedure.code, procedure.name, procedure.name_en, procedure.papers, procedure.fee,
        procedure.time_limit, procedure.agency,
    )  # fmt: skip


def _of_group(kind: GroupKind, parts: Sequence[Procedure]) -> Offered:
    papers = {paper.name: paper for part in parts for paper in part.papers}
    return Offered(
        "group", kind.id, kind.name, kind.name_en, tuple(papers.values()), sum(part.fee for part in parts)
    )  # fmt: skip


def _rank(one: Offered, typed: str) -> tuple[bool, bool, int]:
    names = (fold(one.name), fold(one.name_en))
    return fold(one.code) != typed, not any(typed in name for name in names), len(one.name)


def blank(one: Offered, **known: str) -> MultiDict[str]:
    """The form as it opens: no paper is ticked, originals are held where the public notice asks for them."""
    fields = [("channels", "email"), ("channels", "sms"), ("channel", "counter"), ("language", "vi")]
    fields += [("original", str(position)) for position, paper in enumerate(one.papers) if paper.original]
    fields += [("agency", one.agency or "")]
    return MultiDict([*fields, *known.items()])


def body_of(typed: MultiDict[str], one: Offered) -> tuple[IntakeBody | None, Faults]:
    """The body of the intake, or what is wrong with which field."""
    try:
        body = IntakeBody.model_validate(_fields(typed, one))
    except ValidationError as error:
        return None, {**faults_of(error, _field_of), **_own_faults(typed, missing=False)}
    faults = _own_faults(typed, missing=bool(body.missing))
    return (None, faults) if faults else (body, {})


def _fields(typed: MultiDict[str], one: Offered) -> dict[str, object]:
    handed_in = _ticked(typed, one)
    missing = [paper.name for position, paper in enumerate(one.papers) if position not in handed_in]
    originals = typed.getall("original", [])
    papers = [
        {"name": paper.name, "original": str(position) in originals}
        for position, paper in enumerate(one.papers)
        if position in handed_in
    ] + [{"name": name} for name in lines(typed.get("more_papers", ""))]
    notice = typed.get("notice", "")
    return {
        "applicant": _applicant(typed),
        one.kind: one.code,
        "channel": typed.get("channel", "counter"),
        "agency": (typed.get("other_agency", "").upper() or typed.get("agency") or None) if one.agency else None,
        "papers": papers,
        "missing": missing,
        "reason": typed.get("reason") or None if missing else None,
        "guidance": typed.get("guidance") or None if missing else None,
        "notice": int(notice) if notice.isascii() and notice.isdecimal() and len(notice) < 20 else notice or None,
        "ticket": typed.get("ticket") or None,
        "fee_paid": "fee_paid" in typed and one.fee > 0,
        "post": _post(typed),
    }


def _ticked(typed: MultiDict[str], one: Offered) -> set[int]:
    if "complete" in typed:
        return set(range(len(one.papers)))
    return {position for position in range(len(one.papers)) if str(position) in typed.getall("paper", [])}


def _applicant(typed: MultiDict[str]) -> dict[str, object]:
    email, phone = typed.get("email") or None, typed.get("phone") or None
    addresses = {"email": email, "sms": phone, "phone": phone}
    return {
        "name": typed.get("name", ""),
        "id_number": _SPACES.sub("", typed.get("id_number", "")).upper() or None,
        "phone": phone,
        "email": email,
        "address": typed.get("address") or None,
        # E-mail and SMS are ticked from the start and mean: if there is an address.
        "channels": [channel for channel in dict.fromkeys(typed.getall("channels", [])) if addresses.get(channel, "-")],
        "language": typed.get("language", "vi"),
    }


def _post(typed: MultiDict[str]) -> dict[str, object] | None:
    recipient, address, phone = (typed.get(name, "") for name in ("recipient", "post_address", "post_phone"))
    if not (recipient or address or phone):
        return None
    return {"recipient": recipient or typed.get("name", ""), "address": address, "phone": phone or None}


def _own_faults(typed: MultiDict[str], *, missing: bool) -> dict[str, Fault]:
    # A call is ticked by hand: whoever asks for one leaves a number.
    faults: dict[str, Fault] = {}
    if "phone" in typed.getall("channels", []) and not typed.get("phone"):
        faults["phone"] = "required"
    for name in ("reason", "guidance") if missing else ():
        if not typed.get(name):
            faults[name] = "required"
    return faults


def _field_of(location: Location) -> str:
    if location[0] == "applicant":
        return str(location[1])
    return _FIELDS.get(location[:2], _FIELDS.get(location[:1], str(location[0])))
