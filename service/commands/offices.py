"""Reading one office's rules from the database, for commands."""

from __future__ import annotations

import asyncio

import click

from kit.database import DatabaseUnavailable
from office.calendar import Calendar
from office.directory import Directory, UnknownOffice
from office.policies import Policies
from service.commands.database import open_database


class NoSuchOffice(click.ClickException):
    """One line on stderr, exit status 2."""

    exit_code = 2


def calendar_and_policies(office_id: str) -> tuple[Calendar, Policies]:
    """The office's calendar and the rules it goes by. Unknown office: NoSuchOffice."""
    return asyncio.run(_read(office_id))


async def _read(office_id: str) -> tuple[Calendar, Policies]:
    async with open_database() as database:
        try:
            detail = await Directory(database).detail(office_id)
        except UnknownOffice:
            raise NoSuchOffice(f"--office: there is no office {office_id!r}") from None
        except DatabaseUnavailable as error:
            raise NoSuchOffice(f"PostgreSQL did not answer: {error}") from None
    return detail.calendar, detail.policies
