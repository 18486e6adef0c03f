"""The command line ``motcua``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

COMMANDS = {
    "serve": ("service.commands.serve", "serve"),
    "migrate": ("service.commands.serve", "migrate"),
    "import": ("service.commands.imports", "import_"),
    "export": ("service.commands.exports", "export"),
    "due": ("service.commands.due", "due"),
    "staff": ("service.commands.staff", "staff"),
    "waits": ("service.commands.waits", "waits"),
}


class _Commands(click.Group):
    """Loads a command's module only when the command is called or described: ``motcua due`` need not know the
    database.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="motcua")
def motcua() -> None:
    """Queue tickets and dossier tracking for one-stop public offices."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script. Wrong use ends with one line on stderr and exit status 2."""
    try:
        motcua.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"motcua: {error.format_message()}", err=True)
        raise SystemExit(error.exit_code) from None
    except click.Abort:
        raise SystemExit(130) from None
