"""Every setting of the service: one typed, bounded value object read once from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, PostgresDsn, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = ("DATABASE_URL", "REDIS_URL")
"""Settings that may hold a password: each can also be read from the file that NAME_FILE points to."""


class SettingsError(Exception):
    """A setting is missing, malformed or out of bounds; the text is one line that names it."""


class Settings(BaseSettings):
    """What the operator may set. Durations are in seconds.

    ``database_url`` and ``redis_url`` left out mean: start an own PostgreSQL, an own Redis in ``data_dir``.
    """

    model_config = SettingsConfigDict(env_prefix="MOTCUA_", frozen=True, extra="ignore")

    database_url: Annotated[str | None, Field(validation_alias="DATABASE_URL")] = None
    redis_url: Annotated[str | None, Field(validation_alias="REDIS_URL", pattern=r"^(rediss?|unix)://.+")] = None

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=lambda: os.cpu_count() or 1)
    data_dir: Path = Path("var")
    demo: bool = False

    admin_host: str = "127.0.0.1"
    admin_port: Annotated[int, Field(ge=1, le=65535)] = 9464
    """First admin port; every worker takes the first free one of ``admin_port … admin_port + workers``."""

    public_url: Annotated[str | None, Field(pattern=r"^https?://[^/\s]+$")] = None
    """What QR codes and printed addresses begin with; left out: the address the browser asked for."""

    log_level: Annotated[str, Field(pattern=r"^(debug|info|warning|error)$")] = "info"

    database_pool_size: Annotated[int, Field(ge=2, le=200)] = 10
    database_acquire_timeout: Annotated[float, Field(ge=0.05, le=30)] = 0.5
    database_command_timeout: Annotated[float, Field(ge=0.05, le=30)] = 1.4
    redis_timeout: Annotated[float, Field(ge=0.01, le=5)] = 0.2
    cache_local_age: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How long a worker may answer from its own memory without asking Redis; the staleness bound is 1 s."""
    cache_local_entries: Annotated[int, Field(ge=100, le=10_000_000)] = 20_000
    cache_redis_ttl: Annotated[int, Field(ge=1, le=7 * 86400)] = 3600


def load(**overrides: object) -> Settings:
    """Read the environment, with ``overrides`` (from the command line, None = not given) on top.

    Raises SettingsError with one line naming the first wrong setting by its environment name.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in SECRETS:
        if path := os.environ.get(f"{name}_FILE"):
            try:
                given[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{name}_FILE: cannot read {path}: {error.strerror}") from None
    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # pydantic checks the values, and says what is wrong with them
        if settings.database_url is not None:
            TypeAdapter(PostgresDsn).validate_python(settings.database_url)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "DATABASE_URL"
        name = field if field in SECRETS else f"MOTCUA_{field.upper()}"
        raise SettingsError(f"{name}: {first['msg']}") from None
    return settings
