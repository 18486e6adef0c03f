"""Which words of its own an office may have, and whether they work, before anybody is written to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from tracking.notices import wording
from tracking.notices.facts import Values, facts
from tracking.notices.letters import Kind
from tracking.notices.queue import Trigger
from tracking.status import Status

CHANNELS = ("email", "sms", "phone")
KINDS = frozenset(
    {f"letter:{kind}" for kind in Kind}
    | {f"message:{trigger}:{channel}" for trigger in Trigger for channel in CHANNELS}
)
_AT = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)
_NAMED = ("applicant_name", "procedure_name", "office_name", "office_address", "agency_name", "reason")
_ROW: Mapping[str, object] = {
    **dict.fromkeys((*_NAMED, *(f"{name}_en" for name in _NAMED)), "…"),
    "language": "vi",
    "code": "H26.18-260921-0001",
    "status": Status.PROCESSING,
    **dict.fromkeys(("received_at", "due_at", "finished_at"), _AT),
    "appointment_on": date(2026, 9, 21),
    "clock_stopped_at": None,
    "amount_due": 1,
    "originals_held": True,
    "token": "A" * 32,
    "details": {"missing": ["…"], "guidance": "…", "purpose": "…", "before": "2026-09-21"},
}
SAMPLE: Values = {**facts(_ROW, "https://motcua.example", _AT), "late": True}
"""Every value that a wording may name, none of them empty."""


def check(kind: str, body: str) -> None:
    """Raise wording.BrokenWording unless ``body`` may be the office's own words for ``kind``, one of ``KINDS``."""
    if kind not in KINDS:
        raise wording.BrokenWording("there is no such letter or message")
    wording.check(body, SAMPLE)
