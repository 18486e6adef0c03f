"""``motcua due`` as people and scripts call it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from service.commands.due import due


def run(*arguments: str) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(due, arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--received", "2026-08-21T15:30", "--limit", "3d"],
            ["2026-08-21T15:30:00+07:00", "2026-08-22T07:30:00+07:00", "2026-08-26T17:00:00+07:00"],
        ),
        (
            ["--received", "2026-08-28 16:00", "--limit", "0d"],
            ["2026-08-28T16:00:00+07:00", "2026-09-03T07:30:00+07:00", "2026-09-03T17:00:00+07:00"],
        ),
        (
            ["--received", "2026-08-20T02:00Z", "--limit", "4h"],
            ["2026-08-20T09:00:00+07:00", "2026-08-20T09:00:00+07:00", "2026-08-20T15:00:00+07:00"],
        ),
        (
            ["--received", "2026-08-20 09:00:00+07:00", "--limit", "8h"],
            ["2026-08-20T09:00:00+07:00", "2026-08-20T09:00:00+07:00", "2026-08-21T09:30:00+07:00"],
        ),
        (
            ["--received", "2026-08-20T16:00", "--limit", "1d", "--online"],
            ["2026-08-20T16:00:00+07:00", "2026-08-20T16:00:00+07:00", "2026-08-21T17:00:00+07:00"],
        ),
    ],
)
def test_json(arguments: list[str], expected: list[str]) -> None:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert json.loads(result.stdout) == dict(zip(("received", "handed_over", "due"), expected, strict=True))


def test_text_in_both_languages() -> None:
    result = run("--received", "2026-08-21 15:30", "--limit", "3d")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Tiếp nhận / received        15:30 Thứ Sáu (Fri) 21/08/2026",
        "Chuyển xử lý / handed over  07:30 Thứ Bảy (Sat) 22/08/2026",
        "Hạn giải quyết / due        17:00 Thứ Tư (Wed) 26/08/2026",
    ]


@pytest.mark.parametrize(
    ("received", "limit", "names"),
    [
        ("yesterday", "3d", "--received 'yesterday'"),
        ("2026-08-21", "3d", "--received '2026-08-21'"),
        ("2026-02-30T08:00", "3d", "--received '2026-02-30T08:00'"),
        ("2026-08-21T25:00", "3d", "--received '2026-08-21T25:00'"),
        ("0206-08-21T08:00", "3d", "0206-08-21"),
        ("2100-12-31T16:00", "3d", "2101-01-01"),
        ("2026-08-21T08:00", "3", "limit '3'"),
        ("2026-08-21T08:00", "9999d", "limit 9999d"),
        ("2026-08-21T08:00", "3d\n4d", "limit '3d"),
    ],
)
def test_bad_input_is_one_line_and_status_2(received: str, limit: str, names: str) -> None:
    result = run("--received", received, "--limit", limit, "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert names in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_an_office_nothing_of_the_database_is_loaded() -> None:
    program = (
        "import sys\n"
        "from service.commands.due import due\n"
        "due(['--received', '2026-08-21T15:30', '--limit', '3d'], standalone_mode=False)\n"
        "print(*sorted({'asyncpg', 'redis', 'aiohttp', 'aiosql', 'pydantic'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""
