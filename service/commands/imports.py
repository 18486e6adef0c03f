"""``motcua import``: load real offices and dossiers."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import click

from kit.database import Database, DatabaseUnavailable
from office.catalogue import CatalogueError
from office.catalogue import read as read_catalogue
from office.catalogue import write as write_catalogue
from office.entries import Wording
from office.policies import QUEUE_RULES, Rules, check_queue_rules
from service.commands.database import CommandError, open_database
from tracking.exchange.files import ImportFileError
from tracking.exchange.imports import ORIGIN, Outcome, import_file
from tracking.exchange.state import SLUG
from tracking.notices import own
from tracking.notices.wording import BrokenWording
from tracking.policy import NAMES, Policy

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
@click.option("--origin", default=ORIGIN, metavar="NAME", help="A short name of the system that the file comes from.")
def import_dossiers(file: Path, skip_bad: bool, origin: str) -> None:
    """Add or update the dossiers in FILE.csv or FILE.jsonl. A bad row is named by its line; then nothing is kept."""
    if not re.fullmatch(SLUG, origin):
        raise CommandError(f"--origin {origin[:40]!r}: expected a short name of small letters, digits and dashes")
    try:
        with file.open("rb") as opened:
            lines = sum(1 for _ in opened)
        with click.progressbar(length=lines, label=file.name, file=sys.stderr) as bar:
            outcome = asyncio.run(_dossiers(file, skip_bad, origin, bar.update))
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
        _check_rules(f"{file}: office {office.id}: policy", office.policy)
        for change in office.policy_change:
            _check_rules(f"{file}: office {office.id}: policy_change of {change.valid_from}", change.rules)
        for wording in office.wording:
            _check_wording(f"{file}: office {office.id}: wording {wording.kind} ({wording.language})", wording)
    try:
        async with database.transaction() as connection:
            await write_catalogue(connection, catalogue)
    except CatalogueError as error:
        raise CatalogueError(f"{file}: {error}") from None
    except asyncpg.UniqueViolationError as error:
        raise CatalogueError(f"{file}: {error.detail}") from None


def _check_rules(place: str, rules: Rules) -> None:
    if unknown := sorted(rules.keys() - {*NAMES, *QUEUE_RULES}):
        raise CatalogueError(f"{place}: {unknown[0]}: there is no such rule")
    try:
        Policy.from_mapping(rules)
        check_queue_rules(rules)
    except ValueError as error:
        raise CatalogueError(f"{place}: {error}") from None


def _check_wording(place: str, wording: Wording) -> None:
    try:
        own.check(wording.kind, wording.body)
    except BrokenWording as error:
        raise CatalogueError(f"{place}: {' '.join(str(error).split())}") from None


async def _dossiers(file: Path, skip_bad: bool, origin: str, progress: Callable[[int], None]) -> Outcome:
    async with open_database() as database, database.connection() as connection:
        return await import_file(connection, file, skip_bad=skip_bad, origin=origin, progress=progress)


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
