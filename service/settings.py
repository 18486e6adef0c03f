"""Every setting of the service: one typed, bounded value object read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PostgresDsn, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tracking.notices.mail import MailServer

SECRETS = ("DATABASE_URL", "REDIS_URL", "MOTCUA_PAYMENT_SECRET", "MOTCUA_SMTP_URL", "MOTCUA_SMS_TOKEN")
"""Settings that may hold a password: each can also be read from the file that NAME_FILE points to."""


class SettingsError(Exception):
    """A setting is missing, malformed or out of bounds; the text is one line that names it."""


def _setting(description: str, **bounds: float | str | None) -> object:
    return Field(description=description, **bounds)  # type: ignore[call-overload]  # bounds are Field's own keywords


def _mail_server(url: str | None) -> str | None:
    if url is not None:
        MailServer.parse(url)
    return url


class Settings(BaseSettings):
    """What the operator may set; ``motcua serve --help`` prints each description. Durations are in seconds."""

    model_config = SettingsConfigDict(env_prefix="MOTCUA_", frozen=True, extra="ignore")

    database_url: Annotated[
        str | None, _setting("PostgreSQL 15 or newer; left out: an own one is started", validation_alias="DATABASE_URL")
    ] = None
    redis_url: Annotated[
        str | None,
        _setting(
            "Redis or Valkey 6.2 or newer; left out: an own one is started",
            validation_alias="REDIS_URL",
            pattern=r"^(rediss?|unix)://.+",
        ),
    ] = None
    host: Annotated[str, _setting("address to listen on; 0.0.0.0 for all")] = "127.0.0.1"
    port: Annotated[int, _setting("port to listen on", ge=1, le=65535)] = 8080
    workers: Annotated[int, _setting("worker processes", ge=1, le=256)] = os.cpu_count() or 1
    data_dir: Annotated[Path, _setting("folder of the own servers' data and of the lock")] = Path("var")
    demo: Annotated[bool, _setting("load the demo offices and dossiers, and a demo clerk")] = False
    admin_host: Annotated[str, _setting("address of /metrics, /livez and /readyz; never a public one")] = "127.0.0.1"
    admin_port: Annotated[int, _setting("first admin port; each worker takes the next free one", ge=1, le=65000)] = 9464
    public_url: Annotated[
        str | None,
        _setting(
            "what QR codes begin with; left out: the address that the browser used", pattern=r"^https?://[^/\s]+$"
        ),
    ] = None
    payment_secret: Annotated[
        str | None,
        _setting(
            "what the bank signs its word on payments with, 24 characters or more; left out: none is taken",
            validation_alias="MOTCUA_PAYMENT_SECRET",
            min_length=24,
        ),
    ] = None
    smtp_url: Annotated[
        str | None,
        AfterValidator(_mail_server),
        _setting(
            "mail server, smtp://user:password@host:port?tls=starttls (or implicit, none); left out: no e-mail is sent",
            validation_alias="MOTCUA_SMTP_URL",
        ),
    ] = None
    mail_from: Annotated[
        str | None,
        _setting("the address that e-mails come from", pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}$"),
    ] = None
    sms_url: Annotated[str | None, _setting("SMS gateway; left out: no SMS is sent", pattern=r"^https?://[^\s@]+$")] = (
        None
    )
    sms_token: Annotated[
        str | None,
        _setting("bearer token of the SMS gateway", validation_alias="MOTCUA_SMS_TOKEN", pattern=r"^[\x21-\x7e]+$"),
    ] = None
    webhook_private: Annotated[bool, _setting("let webhooks lead to this machine and into private networks")] = False
    log_level: Annotated[str, _setting("debug, info, warning or error", pattern=r"^(debug|info|warning|error)$")] = (
        "info"
    )
    database_pool_size: Annotated[int, _setting("connections to PostgreSQL per worker", ge=2, le=200)] = 10
    database_acquire_timeout: Annotated[float, _setting("longest wait for a free connection", ge=0.05, le=30)] = 0.5
    database_command_timeout: Annotated[float, _setting("longest wait for one command", ge=0.05, le=30)] = 1.4
    redis_timeout: Annotated[float, _setting("longest wait for Redis before it is left alone", ge=0.01, le=5)] = 0.2
    cache_local_age: Annotated[
        float, _setting("how long a worker answers from memory without asking Redis", ge=0, le=0.5)
    ] = 0.5
    cache_local_entries: Annotated[int, _setting("status answers kept in a worker's memory", ge=100, le=10_000_000)] = (
        20_000
    )
    cache_redis_ttl: Annotated[int, _setting("how long Redis keeps a status answer", ge=1, le=7 * 86400)] = 3600


def environment_name(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field.upper() in SECRETS else f"MOTCUA_{field.upper()}"


def described() -> Iterator[tuple[str, str]]:
    """Every environment variable with its meaning and default, for people."""
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f" [{field.default}]"
        also = f" (or {environment_name(name)}_FILE)" if environment_name(name) in SECRETS else ""
        yield environment_name(name), f"{field.description}{also}{default}"


def load(**overrides: object) -> Settings:
    """Read the environment, with ``overrides`` (from the command line, None = not given) on top.

    Raises SettingsError with one line naming the first wrong setting by its environment name.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in SECRETS:
        if path := os.environ.get(f"{name}_FILE"):
            try:
                given[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}_FILE: cannot read {path}: {error}") from None
    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # pydantic checks the values
        if settings.database_url is not None:
            TypeAdapter(PostgresDsn).validate_python(settings.database_url)
        if settings.smtp_url is not None and settings.mail_from is None:
            raise SettingsError("MOTCUA_MAIL_FROM: needed where MOTCUA_SMTP_URL is set")
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "database_url"
        raise SettingsError(f"{environment_name(field)}: {first['msg']}") from None
    return settings
