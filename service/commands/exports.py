"""``motcua export``: dossiers in the form that ``motcua import`` reads."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, datetime
from typing import cast

import click

from kit.database import DatabaseUnavailable
from office.directory import Directory, UnknownOffice
from service.commands.database import CommandError, open_database
from tracking.exchange.exports import Format, Wanted, pages

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def export() -> None:
    """Write dossiers for another system to standard output."""


@export.command("dossiers")
@click.option("--office", "office_id", required=True, metavar="ID", help="The office that received them.")
@click.option("--from", "first", required=True, type=DAY, metavar="DAY", help="The first day of receipt.")
@click.option("--to", "last", required=True, type=DAY, metavar="DAY", help="The last one.")
@click.option("--format", "format_", type=click.Choice(["csv", "jsonl"]), default="csv", help="jsonl has steps.")
def export_dossiers(office_id: str, first: datetime, last: datetime, format_: str) -> None:
    """Write the dossiers an office received in these days, without anything about a person."""
    try:
        asyncio.run(_write(office_id, first.date(), last.date(), cast(Format, format_)))
    except UnknownOffice:
        raise CommandError(f"--office: there is no office {office_id!r}") from None
    except DatabaseUnavailable as error:
        raise CommandError(f"PostgreSQL did not answer: {error}") from None
    except BrokenPipeError:
        sys.stderr.close()  # the reader has what it wanted; Python would complain once more at the end


async def _write(office_id: str, first: date, last: date, format_: Format) -> None:
    async with open_database() as database:
        calendar = (await Directory(database).detail(office_id)).calendar
        async for piece in pages(database, Wanted(office_id, first, last, calendar.timezone), format_):
            click.echo(piece, nl=False)
