"""The file in which a province describes its agencies, procedures, groups and offices (TOML): reading it, and writing
it to the database.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from kit import sql
from kit.database import Connection
from office.entries import Catalogue, Office, Procedure

_sql = sql.load("office")
LARGEST_FILE = 16 * 1024 * 1024


class CatalogueError(Exception):
    """The file cannot be used; the text is one line with file, line and key."""


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
    line, header = 0, ""
    parts = list(location)
    while len(parts) >= 2 and isinstance(parts[1], int):
        inner = f"{header}.{parts[0]}".lstrip(".")
        index = parts[1]
        pattern = re.compile(rf"\s*\[\[\s*{re.escape(inner)}\s*\]\]")
        starts = [number for number in range(line, len(lines)) if pattern.match(lines[number])]
        if index >= len(starts):
            break  # an array inside a table: its key's line is as near as one gets
        header, line = inner, starts[index]
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
    for group in catalogue.group:
        parts = [part.model_dump() for part in group.part]
        await _sql.group_kind_put.run(connection, id=group.id, name=group.name, name_en=group.name_en, parts=parts)
    for office in catalogue.office:
        await _write_office(connection, office)
    for office in catalogue.office:
        await _sql.office_parent_put.run(connection, id=office.id, parent_id=office.parent)


async def _check_references(connection: Connection, catalogue: Catalogue) -> None:
    known = await _sql.known.row(connection)
    assert known is not None
    offices = set(known["offices"]) | {office.id for office in catalogue.office}
    for group in catalogue.group:
        if missing := {part.procedure for part in group.part} - set(known["procedures"]):
            raise CatalogueError(f"group {group.id}: there is no procedure {min(missing)!r}")
    for office in catalogue.office:
        needed = {
            "agency": (_agencies_of(office), set(known["agencies"])),
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


def _agencies_of(office: Office) -> set[str]:
    return {*office.agencies, *(agency for service in office.service for agency in service.agencies.values())}


async def _write_procedure(connection: Connection, procedure: Procedure) -> None:
    await _sql.procedure_put.run(
        connection,
        code=procedure.code,
        name=procedure.name,
        name_en=procedure.name_en,
        field=procedure.field,
        field_en=procedure.field_en,
        papers=[paper.model_dump() for paper in procedure.papers],
        letter=procedure.letter,
        four_steps=procedure.four_steps,
    )
    for limit in procedure.limits:
        await _sql.procedure_limit_put.run(
            connection,
            procedure_code=procedure.code,
            valid_from=limit.valid_from,
            time_limit=limit.limit,
            fee=limit.fee,
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
    await _sql.office_policies_clear.run(connection, office_id=office.id)
    for change in office.policy_change:
        await _sql.office_policy_put.run(
            connection, office_id=office.id, valid_from=change.valid_from, rules=change.rules
        )
    await _sql.office_wordings_clear.run(connection, office_id=office.id)
    for wording in office.wording:
        await _sql.office_wording_put.run(connection, office_id=office.id, **wording.model_dump())
    await _write_services(connection, office)
    for position, counter in enumerate(office.counter):
        await _sql.counter_put.run(
            connection,
            id=counter.id,
            office_id=office.id,
            name=counter.name,
            position=position,
            skills=list(counter.services),
        )


async def _write_services(connection: Connection, office: Office) -> None:
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
                connection,
                office_id=office.id,
                service_id=service.id,
                procedure_code=code,
                agency_code=office.deciding(code),
            )
