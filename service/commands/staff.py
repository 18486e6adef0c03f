"""``motcua staff``: who may sign in."""

from __future__ import annotations

import asyncio

import asyncpg
import click

from kit.database import DatabaseUnavailable
from kit.sessions import Passwords, Role, put_staff
from service.commands.database import CommandError, open_database


@click.group()
def staff() -> None:
    """Manage who may sign in."""


@staff.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--office", required=True, metavar="OFFICE", help="Id of the member's office.")
@click.password_option(help="Left out: asked for.")
def add(name: str, role: str, office: str, password: str) -> None:
    """Add NAME, or give the one of that name a new role, office and password."""
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise CommandError("NAME: 1 to 100 printable characters")
    try:
        hashed = Passwords().hash(password)
        asyncio.run(_add(name.strip(), Role(role), office, hashed))
    except ValueError as error:
        raise CommandError(str(error)) from None
    except asyncpg.ForeignKeyViolationError:
        raise CommandError(f"--office: there is no office {office!r}") from None
    except DatabaseUnavailable as error:
        raise CommandError(f"PostgreSQL did not answer: {error}") from None
    click.echo(f"{name.strip()} may sign in as {role} at {office}")


async def _add(name: str, role: Role, office: str, hashed: str) -> None:
    async with open_database() as database, database.connection() as connection:
        await put_staff(connection, name=name, role=role, office=office, password_hash=hashed)
