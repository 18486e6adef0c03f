"""``motcua import``: load real offices and dossiers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import click

from kit.database import Database, DatabaseUnavailable
from office.catalogue import CatalogueError
from office.catalogue import read as read_catalogue
from office.catalogue import write as write_catalogue
from service.commands.database import CommandError, open_database
from tracking.deadlines import DeadlinePolicy
from tracking.imports import ImportFileError, Outcome, import_file

SHOWN_ERRORS = 20
FILE = click.Path(exists=False, dir_okay=False, path_type=Path)


@click.group(name="import")
def import_() -> None:
    """Load offices or dossiers from a file."""


@import_.command("offices")
@click.argument("file", type=FILE)
def import_offices(file: Path) -> None:
    """Add or update the agencies, procedures and offices in FILE.toml. A wrong file changes nothing."""
    try:
        offices = asyncio.run(_offices(file))
    except (CatalogueError, DatabaseUnavailable) as error:
        raise CommandError(str(error)) from None
    click.echo(f"{offices} offices loaded from {file}")


@import_.command("dossiers")
@click.argument("file", type=FILE)
@click.option("--skip-bad", is_flag=True, help="Keep the good rows of a file that has bad ones.")
def import_dossiers(file: Path, skip_bad: bool) -> None:
    """Add or update the dossiers in FILE.csv or FILE.jsonl. A bad row is named by its line; then nothing is kept."""
    try:
        with file.open("rb") as opened:
            lines = sum(1 for _ in opened)
        with click.progressbar(length=lines, label=file.name, file=sys.stderr) as bar:
            outcome = asyncio.run(_dossiers(file, skip_bad, bar.update))
            bar.update(lines - bar.pos)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    except (ImportFileError, DatabaseUnavailable) as error:
        raise CommandError(str(error)) from None
    _report(file, outcome)


async def _offices(file: Path) -> int:
    catalogue = read_catalogue(file)
    async with open_database() as database:
        await load_offices(database, file)
    return len(catalogue.office)


async def load_offices(database: Database, file: Path) -> None:
    """Write the catalogue in ``file`` in one transaction. Raises CatalogueError, DatabaseUnavailable."""
    catalogue = read_catalogue(file)
    for office in catalogue.office:
        try:
            DeadlinePolicy.from_mapping(
                {key: value for key, value in office.policy.items() if key == "transfer_cutoff"}
            )
        except ValueError as error:
            raise CatalogueError(f"{file}: office {office.id}: policy: {error}") from None
    try:
        async with database.transaction() as connection:
            await write_catalogue(connection, catalogue)
    except asyncpg.UniqueViolationError as error:
        raise CatalogueError(f"{file}: {error.detail}") from None


async def _dossiers(file: Path, skip_bad: bool, progress: Callable[[int], None]) -> Outcome:
    async with open_database() as database, database.connection() as connection:
        return await import_file(connection, file, skip_bad=skip_bad, progress=progress)


def _report(file: Path, outcome: Outcome) -> None:
    for error in outcome.errors[:SHOWN_ERRORS]:
        click.echo(f"{file}, line {error.line}: {error.reason}", err=True)
    if len(outcome.errors) > SHOWN_ERRORS:
        click.echo(f"{file}: {len(outcome.errors) - SHOWN_ERRORS} more bad lines", err=True)
    if not outcome.kept:
        raise CommandError(f"{file}: nothing was kept because of {len(outcome.errors)} bad lines (see --skip-bad)")
    unchanged = outcome.rows - outcome.added - outcome.changed - len(outcome.errors)
    click.echo(
        f"{outcome.rows} rows: {outcome.added} added, {outcome.changed} changed, {unchanged} unchanged, "
        f"{len(outcome.errors)} skipped"
    )
