"""``motcua serve`` and ``motcua migrate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.commands.database import CommandError, database_url, load_settings
from service.settings import described
from service.supervisor import PrepareError, run


class _WithSettings(click.Command):
    """Its help ends with every environment variable: what one has to know to deploy."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Environment"):
            formatter.write_dl(list(described()))


@click.command(cls=_WithSettings)
@click.option("--host", metavar="H", help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=int, metavar="P", help="Port to listen on.")
@click.option("--workers", type=int, metavar="N", help="Worker processes.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="D",
    help="Where embedded servers keep their data.",
)
@click.option(
    "--demo",
    is_flag=True,
    default=None,
    help="Load the demo offices, dossiers and a demo clerk. [MOTCUA_DEMO]",
)
def serve(host: str | None, port: int | None, workers: int | None, data_dir: Path | None, demo: bool | None) -> None:
    """Run the service until it is interrupted.

    Without DATABASE_URL and REDIS_URL (or DATABASE_URL_FILE, REDIS_URL_FILE) it starts its own PostgreSQL and Redis in
    the data folder and stops them with itself. It prints one line "ready http://…" when it answers. Metrics and health
    are on MOTCUA_ADMIN_HOST (127.0.0.1), ports MOTCUA_ADMIN_PORT (9464) and up, one per worker: /metrics /livez
    /readyz.
    """
    from service.prepare import prepare  # noqa: PLC0415 - the database driver is not for every command

    settings = load_settings(host=host, port=port, workers=workers, data_dir=data_dir, demo=demo)
    sys.exit(run(settings, prepare))


@click.command()
def migrate() -> None:
    """Bring the database to the current schema."""
    from service.prepare import migrate_database  # noqa: PLC0415 - as above

    with database_url(load_settings()) as url:
        try:
            done = migrate_database(url)
        except PrepareError as error:
            raise CommandError(str(error)) from None
    click.echo("\n".join([*done, "the database is current"]))
