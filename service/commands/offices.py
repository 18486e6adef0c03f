"""Reading one office's rules from the database, for commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import click

from kit.database import DatabaseUnavailable
from office.calendar import Calendar
from office.directory import Directory, UnknownOffice
from service.commands.database import open_database


class NoSuchOffice(click.ClickException):
    """One line on stderr, exit status 2."""

    exit_code = 2


def calendar_and_policy(office_id: str) -> tuple[Calendar, Mapping[str, object]]:
    """The office's calendar and the part of its policy that deadlines follow. Unknown office: NoSuchOffice."""
    return asyncio.run(_read(office_id))


async def _read(office_id: str) -> tuple[Calendar, Mapping[str, object]]:
    async with open_database() as database:
        try:
            detail = await Directory(database).detail(office_id)
        except UnknownOffice:
            raise NoSuchOffice(f"--office: there is no office {office_id!r}") from None
        except DatabaseUnavailable as error:
            raise NoSuchOffice(f"PostgreSQL did not answer: {error}") from None
    policy = {name: value for name, value in detail.policy.items() if name == "transfer_cutoff"}
    return detail.calendar, policy
