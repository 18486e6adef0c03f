"""What one-stop systems tell each other about a dossier: the national sync fields, without any person. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tracking import codes
from tracking.status import Status

MOST_STEPS = 200
SLUG = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
"""How the system that a dossier comes from is named."""
VIET_NAM = ZoneInfo("Asia/Ho_Chi_Minh")


def _moment(value: object) -> object:
    # Pydantic would also take a plain number for seconds since 1970; nobody means that here.
    if not isinstance(value, str):
        return value
    text = value.strip()
    if len(text) == 14 and text.isascii() and text.isdecimal():  # as the national portal writes them, in its own time
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIET_NAM)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not a time with its offset, like 2026-09-21T08:00:00+07:00") from None


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("not a day like 2026-09-21") from None


def _status(value: object) -> object:
    if isinstance(value, str):
        text = value.strip().upper()
        return int(text) if text.isdecimal() else Status.__members__.get(text, value)
    return value


def _code(value: object) -> object:
    return codes.parse(value).text if isinstance(value, str) else value


# Far from the ends of what Python and PostgreSQL can count, where a change of offset overflows.
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC), strict=True),
    BeforeValidator(_moment),
]
Day = Annotated[date, Field(strict=True), BeforeValidator(_day)]
Reference = Annotated[str, Field(min_length=1, max_length=40)]
Line = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
StatusNumber = Annotated[int, Field(ge=1, le=10)]
Minutes = Annotated[int, Field(ge=0, le=10**7)]


class Step(BaseModel):
    """One step of the dossier's way through another system; who took it is left out, and refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)

    at: Moment
    name: Line
    status: StatusNumber | None = None
    agency: Line | None = None


class State(BaseModel):
    """How a dossier stands. ``due_at`` may be left out by systems that only know the promised day
    (``appointment_on``); what is left out of the clock (``handed_over_at``, ``time_limit``, ``processing_minutes``)
    is computed where the receiving office's calendar allows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    procedure: Reference
    receiving_office: Reference
    competent_agency: Reference
    channel: Literal["counter", "online", "post"]
    status: StatusNumber
    received_at: Moment
    handed_over_at: Moment | None = None
    time_limit: Annotated[str, Field(pattern=r"^[0-9]{1,5}[dh]$")] | None = None
    due_at: Moment | None = None
    appointment_on: Day | None = None
    appointment_changes: Annotated[int, Field(ge=0, le=99)] = 0
    clock_stopped_at: Moment | None = None
    stopped_minutes: Minutes = 0
    supplements: Annotated[int, Field(ge=0, le=99)] = 0
    processing_minutes: Minutes | None = None
    outcome: Literal["granted", "refused"] | None = None
    finished_at: Moment | None = None
    returned_at: Moment | None = None
    steps: Annotated[tuple[Step, ...], Field(max_length=MOST_STEPS, strict=False)] = ()

    @model_validator(mode="after")
    def _dates_fit(self) -> Self:
        if self.finished_at is not None and self.finished_at < self.received_at:
            raise ValueError("finished_at lies before received_at")
        if self.returned_at is not None and (self.finished_at is None or self.returned_at < self.finished_at):
            raise ValueError("returned_at needs a finished_at that is not later")
        return self


class DossierRow(State):
    """One row of an import file: ``status`` is 1–10 or its name, ``code`` may be spelled as people do.

    ``version`` left out means: whatever differs from what is stored is newer.
    """

    code: Annotated[str, BeforeValidator(_code)]
    status: Annotated[StatusNumber, BeforeValidator(_status)]
    public: bool = True
    version: Annotated[int, Field(ge=1, le=10**15)] | None = None


class Push(State):
    """The body of a push: strict, with the sender's version."""

    model_config = ConfigDict(strict=True)

    version: Annotated[int, Field(ge=1, le=10**15)]
    origin: Annotated[str, Field(pattern=SLUG)] = "push"


FIELDS = ("code", *(name for name in State.model_fields if name != "steps"), "public", "version")
"""The columns of a file, in order; ``steps`` stand beside them in JSON lines only."""
