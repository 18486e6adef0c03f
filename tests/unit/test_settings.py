"""Settings: from the environment, bounded; a wrong one names itself and tells no secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, described, environment_name, load

URL = "postgresql://motcua:secret-word@db.example/motcua"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MOTCUA_") or name.removesuffix("_FILE") in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)


def test_without_anything_it_is_the_local_service() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.admin_port) == ("127.0.0.1", 8080, 9464)
    assert (settings.database_url, settings.redis_url, settings.demo) == (None, None, False)
    assert settings.workers == (os.cpu_count() or 1)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("REDIS_URL", "redis://cache.example:6379/0")
    monkeypatch.setenv("MOTCUA_PORT", "9000")
    monkeypatch.setenv("MOTCUA_DEMO", "true")
    monkeypatch.setenv("MOTCUA_PUBLIC_URL", "https://motcua.example")
    settings = load()
    assert (settings.database_url, settings.port, settings.demo) == (URL, 9000, True)
    assert settings.redis_url == "redis://cache.example:6379/0"
    assert settings.public_url == "https://motcua.example"


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_PORT", "9000")
    assert load(port=9001, host=None).port == 9001
    assert load(port=None).port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOTCUA_PORT", "0"),
        ("MOTCUA_PORT", "65536"),
        ("MOTCUA_PORT", "80a"),
        ("MOTCUA_WORKERS", "0"),
        ("MOTCUA_WORKERS", "257"),
        ("MOTCUA_ADMIN_PORT", "0"),
        ("MOTCUA_DEMO", "perhaps"),
        ("MOTCUA_LOG_LEVEL", "loud"),
        ("MOTCUA_PUBLIC_URL", "motcua.example"),
        ("MOTCUA_PUBLIC_URL", "https://motcua.example/path"),
        ("MOTCUA_DATABASE_POOL_SIZE", "1"),
        ("MOTCUA_DATABASE_POOL_SIZE", "201"),
        ("MOTCUA_DATABASE_ACQUIRE_TIMEOUT", "0"),
        ("MOTCUA_DATABASE_COMMAND_TIMEOUT", "31"),
        ("MOTCUA_DATABASE_COMMAND_TIMEOUT", "nan"),
        ("MOTCUA_REDIS_TIMEOUT", "6"),
        ("MOTCUA_CACHE_LOCAL_AGE", "-1"),
        ("MOTCUA_CACHE_LOCAL_AGE", "2"),
        ("MOTCUA_CACHE_LOCAL_ENTRIES", "99"),
        ("MOTCUA_CACHE_REDIS_TTL", "0"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://db.example/motcua"),
        ("DATABASE_URL", "db.example"),
        ("REDIS_URL", "cache.example:6379"),
        ("REDIS_URL", "http://cache.example"),
    ],
)
def test_a_wrong_setting_names_itself(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_no_error_repeats_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("DATABASE_URL", "mysql://u:secret-word@x/y"), ("REDIS_URL", "http://u:secret-word@x")):
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError) as caught:
            load()
        assert "secret-word" not in str(caught.value)
        monkeypatch.delenv(name)


def test_a_secret_can_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert load().database_url == URL


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_read_names_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match=f"^REDIS_URL_FILE: cannot read {tmp_path / 'url'}"):
        load()


def test_a_wrong_secret_in_a_file_is_refused_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("nonsense")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match=r"^DATABASE_URL"):
        load()


def test_help_tells_every_setting() -> None:
    told = dict(described())
    assert set(told) == {environment_name(field) for field in Settings.model_fields}
    assert all(len(text) > 10 for text in told.values())
    assert "DATABASE_URL_FILE" in told["DATABASE_URL"]
