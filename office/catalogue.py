"""The file in which a province describes its agencies, procedures and offices (TOML), and writing it to the
database.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kit import sql
from kit.database import Connection
from office.calendar import Calendar
from office.model import AGENCY_CODE

_sql = sql.load("office")
LARGEST_FILE = 16 * 1024 * 1024

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
AgencyCode = Annotated[str, Field(pattern=f"^{AGENCY_CODE}$", max_length=40)]
ProcedureCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z.\-]{1,40}$")]


class CatalogueError(Exception):
    """The file cannot be used; the text is one line with file, line and key."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Agency(_Table):
    """``[[agency]]``"""

    code: AgencyCode
    name: Name
    name_en: Name


class Limit(_Table):
    """One version of a procedure's time limit, in force from ``valid_from``."""

    valid_from: date
    limit: Annotated[str, Field(pattern=r"^\d{1,3}[dh]$")]


class Procedure(_Table):
    """``[[procedure]]``"""

    code: ProcedureCode
    name: Name
    name_en: Name
    field: Name
    field_en: Name
    limits: Annotated[Sequence[Limit], Field(min_length=1, max_length=100)]


class Service(_Table):
    """``[[office.service]]``"""

    id: Slug
    name: Name
    name_en: Name
    prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,2}$")]
    expected_minutes: Annotated[float, Field(gt=0, le=600)]
    procedures: Sequence[ProcedureCode] = ()


class Counter(_Table):
    """``[[office.counter]]``"""

    id: Slug
    name: Name
    services: Annotated[Sequence[Slug], Field(min_length=1)]


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
    policy: Mapping[str, str | int | float | bool] = {}
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
        services = {service.id for service in self.service}
        for counter in self.counter:
            if unknown := set(counter.services) - services:
                raise ValueError(f"counter {counter.id} names unknown service {min(unknown)!r}")
        return self


class Catalogue(_Table):
    """The whole file."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    agency: Sequence[Agency] = ()
    procedure: Sequence[Procedure] = ()
    office: Sequence[Office] = ()

    @model_validator(mode="after")
    def _references_fit(self) -> Catalogue:
        _no_doubles("agency code", (agency.code for agency in self.agency))
        _no_doubles("procedure code", (procedure.code for procedure in self.procedure))
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


def read(path: Path) -> Catalogue:
    """The checked file. Raises CatalogueError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CatalogueError(f"{path}: not UTF-8") from None
    if len(text) > LARGEST_FILE:
        raise CatalogueError(f"{path}: larger than {LARGEST_FILE // 1024 // 1024} MiB")
    try:
        return Catalogue.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: {error}") from None
    except RecursionError:
        raise CatalogueError(f"{path}: nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise CatalogueError(f"{path}, line {_line_of(text, first['loc'])}: {place}: {reason}") from None


def _line_of(text: str, location: tuple[int | str, ...]) -> int:
    """The line of a key, or of the table that should hold it: tables are counted by their headers."""
    lines = text.splitlines()
    line, header, index = 0, "", 0
    parts = list(location)
    while len(parts) >= 2 and isinstance(parts[1], int):
        header = f"{header}.{parts[0]}".lstrip(".")
        index = parts[1]
        pattern = re.compile(rf"\s*\[\[\s*{re.escape(header)}\s*\]\]")
        starts = [number for number in range(line, len(lines)) if pattern.match(lines[number])]
        if index >= len(starts):
            return line + 1
        line = starts[index]
        parts = parts[2:]
    if parts:
        key = re.compile(rf"\s*(\[[\w.]*)?{re.escape(str(parts[0]))}\s*[=\]]")
        for number in range(line + 1 if header else 0, len(lines)):
            if key.match(lines[number]):
                return number + 1
            if header and re.match(r"\s*\[\[", lines[number]):
                break
    return line + 1


async def write(connection: Connection, catalogue: Catalogue) -> None:
    """Add or update everything in the file, inside the caller's transaction. Nothing that exists is deleted.

    Raises CatalogueError for a reference to what neither the file nor the database has.
    """
    for agency in catalogue.agency:
        await _sql.agency_put.run(connection, code=agency.code, name=agency.name, name_en=agency.name_en)
    for procedure in catalogue.procedure:
        await _write_procedure(connection, procedure)
    await _check_references(connection, catalogue)
    for office in catalogue.office:
        await _write_office(connection, office)
    for office in catalogue.office:
        await _sql.office_parent_put.run(connection, id=office.id, parent_id=office.parent)


async def _check_references(connection: Connection, catalogue: Catalogue) -> None:
    known = await _sql.known.row(connection)
    assert known is not None
    offices = set(known["offices"]) | {office.id for office in catalogue.office}
    for office in catalogue.office:
        needed = {
            "agency": (set(office.agencies), set(known["agencies"])),
            "office": ({*office.replaced_by, *([office.parent] if office.parent else [])}, offices),
            "procedure": (
                {code for service in office.service for code in service.procedures},
                set(known["procedures"]),
            ),
        }
        for what, (wanted, there) in needed.items():
            if missing := wanted - there:
                raise CatalogueError(f"office {office.id}: there is no {what} {min(missing)!r}")
        for counter in office.counter:
            owner = await _sql.counter_owner.value(connection, id=counter.id)
            if owner not in (None, office.id):
                raise CatalogueError(f"office {office.id}: counter {counter.id!r} belongs to office {owner}")


async def _write_procedure(connection: Connection, procedure: Procedure) -> None:
    await _sql.procedure_put.run(
        connection,
        code=procedure.code,
        name=procedure.name,
        name_en=procedure.name_en,
        field=procedure.field,
        field_en=procedure.field_en,
    )
    for limit in procedure.limits:
        await _sql.procedure_limit_put.run(
            connection, procedure_code=procedure.code, valid_from=limit.valid_from, time_limit=limit.limit
        )


async def _write_office(connection: Connection, office: Office) -> None:
    await _sql.office_put.run(
        connection,
        id=office.id,
        short_key=office.short_key,
        name=office.name,
        name_en=office.name_en,
        kind=office.kind,
        address=office.address,
        valid_from=office.valid_from,
        valid_to=office.valid_to,
        replaced_by=list(office.replaced_by),
        calendar=office.calendar,
        policy=office.policy,
    )
    await _sql.office_agencies_clear.run(connection, office_id=office.id)
    for code in dict.fromkeys(office.agencies):
        await _sql.office_agency_put.run(connection, office_id=office.id, agency_code=code)
    await _sql.service_procedures_clear.run(connection, office_id=office.id)
    for position, service in enumerate(office.service):
        await _sql.service_put.run(
            connection,
            office_id=office.id,
            id=service.id,
            name=service.name,
            name_en=service.name_en,
            prefix=service.prefix,
            expected_minutes=service.expected_minutes,
            position=position,
        )
        for code in dict.fromkeys(service.procedures):
            await _sql.service_procedure_put.run(
                connection, office_id=office.id, service_id=service.id, procedure_code=code
            )
    for position, counter in enumerate(office.counter):
        await _sql.counter_put.run(
            connection,
            id=counter.id,
            office_id=office.id,
            name=counter.name,
            position=position,
            skills=list(counter.services),
        )
