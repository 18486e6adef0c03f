"""The tables of the file in which a province describes its agencies, procedures, groups and offices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from office.calendar import Calendar
from office.model import AGENCY_CODE

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
AgencyCode = Annotated[str, Field(pattern=f"^{AGENCY_CODE}$", max_length=40)]
ProcedureCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z.\-]{1,40}$")]
Rules = Mapping[str, Annotated[str, Field(pattern=r"^[^\x00]*$")] | int | float | bool]
MOST_PAPERS = 30
LARGEST_FEE = 10**12
LONGEST_WORDING = 4000


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Agency(_Table):
    """``[[agency]]``"""

    code: AgencyCode
    name: Name
    name_en: Name


class Limit(_Table):
    """One version of a procedure's time limit and fee (whole đồng), in force from ``valid_from``."""

    valid_from: date
    limit: Annotated[str, Field(pattern=r"^[0-9]{1,3}[dh]$")]
    fee: Annotated[int, Field(strict=True, ge=0, le=LARGEST_FEE)] = 0


class Paper(_Table):
    """One line of what has to be handed in."""

    name: Name
    name_en: Name
    original: Annotated[bool, Field(strict=True)]


class Procedure(_Table):
    """``[[procedure]]``"""

    code: ProcedureCode
    name: Name
    name_en: Name
    field: Name
    field_en: Name
    limits: Annotated[Sequence[Limit], Field(min_length=1, max_length=100)]
    papers: Annotated[Sequence[Paper], Field(max_length=MOST_PAPERS)] = ()
    letter: Literal["thanks", "marriage", "birth", "condolence"] | None = None
    four_steps: Annotated[bool, Field(strict=True)] = False

    @field_validator("limits")
    @classmethod
    def _one_limit_a_day(cls, value: Sequence[Limit]) -> Sequence[Limit]:
        _no_doubles("valid_from", (str(limit.valid_from) for limit in value))
        return value


class GroupPart(_Table):
    """``[[group.part]]``: ``after`` are the positions, from 0, of the parts that must be granted before."""

    procedure: ProcedureCode
    after: Annotated[Sequence[Annotated[int, Field(strict=True, ge=0)]], Field(max_length=9)] = ()


class Group(_Table):
    """``[[group]]``: procedures that one intake opens together."""

    id: Slug
    name: Name
    name_en: Name
    part: Annotated[Sequence[GroupPart], Field(min_length=2, max_length=10)]

    @field_validator("part")
    @classmethod
    def _parts_wait_for_earlier_ones(cls, value: Sequence[GroupPart]) -> Sequence[GroupPart]:
        for position, part in enumerate(value):
            _no_doubles(f"part {position}: after", map(str, part.after))
            if late := [other for other in part.after if other >= position]:
                raise ValueError(f"part {position} cannot come after part {late[0]}: that is no earlier one (from 0)")
        return value


class Service(_Table):
    """``[[office.service]]``"""

    id: Slug
    name: Name
    name_en: Name
    prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,2}$")]
    expected_minutes: Annotated[float, Field(gt=0, le=600)]
    procedures: Sequence[ProcedureCode] = ()
    agencies: Mapping[ProcedureCode, AgencyCode] = {}
    """Who decides; a procedure that is left out is decided by the office's first agency."""

    @model_validator(mode="after")
    def _agencies_decide_its_procedures(self) -> Service:
        if unknown := self.agencies.keys() - set(self.procedures):
            raise ValueError(f"agencies names {min(unknown)!r}, which is not one of the procedures")
        return self


class Counter(_Table):
    """``[[office.counter]]``"""

    id: Slug
    name: Name
    services: Annotated[Sequence[Slug], Field(min_length=1)]


class PolicyChange(_Table):
    """``[[office.policy_change]]``: rules that hold from a day on."""

    valid_from: date
    rules: Annotated[Rules, Field(min_length=1)]


class Wording(_Table):
    """``[[office.wording]]``: its own words for a letter or message; which there are, tracking knows."""

    kind: Annotated[str, Field(pattern=r"^(letter|message):[a-z_:]{1,60}$")]
    language: Literal["vi", "en"]
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_WORDING, pattern=r"^[^\x00]*$")]


class Office(_Table):
    """``[[office]]``"""

    id: Slug
    short_key: Annotated[str, Field(pattern=r"^[a-z0-9]{2,6}$")]
    name: Name
    name_en: Name
    kind: Literal["province_centre", "branch", "commune", "point", "district"]
    parent: Slug | None = None
    agencies: Annotated[Sequence[AgencyCode], Field(min_length=1)]
    valid_from: date
    valid_to: date | None = None
    replaced_by: Sequence[Slug] = ()
    address: Name | None = None
    calendar: Mapping[str, Any] = {}
    policy: Rules = {}
    policy_change: Sequence[PolicyChange] = ()
    wording: Annotated[Sequence[Wording], Field(max_length=100)] = ()
    service: Sequence[Service] = ()
    counter: Sequence[Counter] = ()

    @field_validator("calendar")
    @classmethod
    def _calendar_works(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return Calendar.from_mapping(value).to_mapping()

    @model_validator(mode="after")
    def _parts_fit(self) -> Office:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        _no_doubles("service id", (service.id for service in self.service))
        _no_doubles("prefix", (service.prefix for service in self.service))
        _no_doubles("policy_change valid_from", (str(change.valid_from) for change in self.policy_change))
        _no_doubles("wording", (f"{wording.kind} ({wording.language})" for wording in self.wording))
        self._one_agency_decides()
        services = {service.id for service in self.service}
        for counter in self.counter:
            if unknown := set(counter.services) - services:
                raise ValueError(f"counter {counter.id} names unknown service {min(unknown)!r}")
        return self

    def _one_agency_decides(self) -> None:
        decides: dict[str, str] = {}
        for service in self.service:
            for procedure, agency in service.agencies.items():
                if decides.setdefault(procedure, agency) != agency:
                    raise ValueError(f"two services name different agencies for procedure {procedure!r}")

    def deciding(self, procedure: str) -> str:
        """The code of the agency that decides on what is handed in here."""
        named = (service.agencies.get(procedure) for service in self.service)
        return next(filter(None, named), self.agencies[0])


class Catalogue(_Table):
    """The whole file."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    agency: Sequence[Agency] = ()
    procedure: Sequence[Procedure] = ()
    office: Sequence[Office] = ()
    group: Sequence[Group] = ()

    @model_validator(mode="after")
    def _references_fit(self) -> Catalogue:
        _no_doubles("agency code", (agency.code for agency in self.agency))
        _no_doubles("procedure code", (procedure.code for procedure in self.procedure))
        _no_doubles("group id", (group.id for group in self.group))
        _no_doubles("office id", (office.id for office in self.office))
        _no_doubles("short_key", (office.short_key for office in self.office))
        _no_doubles("counter id", (counter.id for office in self.office for counter in office.counter))
        return self


def _no_doubles(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is there twice")
        seen.add(value)
