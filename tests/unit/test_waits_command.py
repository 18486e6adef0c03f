"""``motcua waits evaluate`` as people and scripts call it."""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.commands.waits import waits
from tests.waits_days import HEADER, rows, write
from tickets.waits.baselines import BASELINES, STRONGER

SCORE = {"n", "mean_abs_error_min", "median_abs_error_min", "share_within_5_min", "bias_min"}


def evaluate(file: Path, *arguments: str, until: str = "2026-03-14") -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(waits, ["evaluate", str(file), "--train-until", until, *arguments])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("recorded") / "days.csv", rows(days=20, seed=2))


def test_it_writes_the_figures_of_the_contract(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    result = evaluate(recorded, "--json", str(out))
    assert result.exit_code == 0, result.output
    figures = json.loads(out.read_bytes())
    assert set(figures["estimate"]) == SCORE | {"band_coverage", "band_width_min"}
    assert all(set(figures[name]) == SCORE for name in BASELINES)
    assert {figures[name]["n"] for name in ("estimate", *BASELINES)} == {figures["estimate"]["n"]}
    assert set(figures["stronger"]) == set(STRONGER)
    assert figures["shortfalls"] == []
    assert (len(figures["learned_from"]), len(figures["days"])) == (12, 8)
    assert sum(day["n"] for day in figures["days"].values()) == figures["estimate"]["n"]
    assert set(figures["left_out"]) == {"not_reached", "flawed"}


def test_it_prints_a_table_and_the_same_for_a_compressed_file(recorded: Path, tmp_path: Path) -> None:
    packed = tmp_path / "days.csv.xz"
    packed.write_bytes(lzma.compress(recorded.read_bytes()))
    plain, compressed = evaluate(recorded), evaluate(packed)
    assert plain.stdout == compressed.stdout
    for name in ("estimate", "estimate 2026-03-21", *(name.replace("_", " ") for name in BASELINES + STRONGER)):
        assert f"\n{name} " in plain.stdout
    assert "learned from 12 days before" in plain.stdout
    assert "days.csv" in plain.stderr


def test_a_missed_target_is_status_1(recorded: Path, tmp_path: Path) -> None:
    lines = recorded.read_text(encoding="utf-8").splitlines()[1:]
    few = write(tmp_path / "few.csv", [line for line in lines if line.split(",")[1] < "2026-03-04"])
    result = evaluate(few, until="2026-03-03")
    assert result.exit_code == 1
    assert "MISSED: " in result.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{HEADER}\nHall,2026-03-02,8h,7,Papers,A015,3,2,10\n".encode(), "line 2, column time: '8h'"),
        (f"{HEADER}\n".encode() + b"Hall,\xff\n", "line 2: not UTF-8"),
        (f"{HEADER}\n".encode() + b"x" * 20_000, "line 2: longer than"),
        (b"", "line 1: column office is missing"),
        (f"{HEADER}\n".encode(), "no finished wait before 2026-03-14: nothing to learn from"),
    ],
)
def test_a_bad_file_is_status_2_and_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    result = evaluate(bad)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{bad}: {told}" in result.stderr.splitlines()[-1]


def test_no_file_and_a_broken_archive_are_status_2(tmp_path: Path) -> None:
    assert "No such file" in evaluate(tmp_path / "none.csv").stderr
    broken = tmp_path / "broken.csv.xz"
    for content in (b"no archive", lzma.compress(HEADER.encode() * 100)[:60]):
        broken.write_bytes(content)
        result = evaluate(broken)
        assert result.exit_code == 2, result.output
        assert str(broken) in result.stderr.splitlines()[-1]


def test_figures_that_cannot_be_written_are_status_2(recorded: Path, tmp_path: Path) -> None:
    result = evaluate(recorded, "--json", str(tmp_path / "none" / "figures.json"))
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_as_a_program(tmp_path: Path) -> None:
    program = "from service.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "waits", "evaluate", str(tmp_path / "none.csv"), "--train-until", "2026-03-14"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("motcua: ")
    assert len(done.stderr.splitlines()) == 1
