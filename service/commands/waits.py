"""``motcua waits``: how good the learned waiting times are."""

from __future__ import annotations

import lzma
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import IO

import click
import orjson

from tickets.waits.backtest import Backtest, NothingToScore, run
from tickets.waits.baselines import BASELINES, STRONGER
from tickets.waits.scores import Score
from tickets.waits.snapshots import Reading, SnapshotError, read_snapshots

_STEP_ROWS = 5_000
_LONGEST_LINE = 10_000
_HEAD = f"{'':<20}{'n':>8}{'mean':>8}{'median':>8}{'within 5':>10}{'bias':>8}{'band covers':>13}{'width':>8}"


class BadInput(click.ClickException):
    """A file that cannot be read or scored: one line on stderr, exit status 2."""

    exit_code = 2


@click.group()
def waits() -> None:
    """Judge the waiting times."""


@waits.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="SNAPSHOTS.csv[.xz]")
@click.option(
    "--train-until",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Learn on the days before it, score that day and the later ones.",
)
@click.option("--frozen", is_flag=True, help="Learn nothing more after DATE. In service learning goes on every night.")
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT", help="Write figures.")
def evaluate(file: Path, train_until: datetime, frozen: bool, out: Path | None) -> None:
    """Score the learned waiting time on recorded queue snapshots, with simple estimates beside it.

    Minutes throughout; an error is the forecast less the wait that the last person in line really had. Exit status 1
    if the estimate does not beat every baseline in mean error, median error and share within five minutes, or if
    its 80 % band covers less than 78 % or more than 82 % of the waits.
    """
    try:
        test = _run(file, train_until.date(), frozen)
        if out:
            out.write_bytes(orjson.dumps(test.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
    except (SnapshotError, NothingToScore, UnicodeDecodeError, lzma.LZMAError, EOFError) as error:
        raise BadInput(f"{file}: {error}") from None
    except OSError as error:
        raise BadInput(f"{error.filename or file}: {error.strerror or error}") from None
    click.echo(_table(test))
    if test.shortfalls():
        raise SystemExit(1)


def _run(file: Path, train_until: date, frozen: bool) -> Backtest:
    with file.open("rb") as raw:
        readings = _read(file, raw)
    with click.progressbar(length=len(readings), label="forecast and learn", file=sys.stderr) as bar:
        return run(readings, train_until, frozen=frozen, progress=bar.update)


def _read(file: Path, raw: IO[bytes]) -> list[Reading]:
    readings = []
    with (
        click.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar,
        lzma.open(raw) if file.suffix == ".xz" else nullcontext(raw) as opened,
    ):
        for reading in read_snapshots(_lines(opened)):
            readings.append(reading)
            if len(readings) % _STEP_ROWS == 0:
                bar.update(raw.tell() - bar.pos)
        bar.update(raw.tell() - bar.pos)
    return readings


def _lines(opened: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: opened.readline(_LONGEST_LINE), b""), start=1):
        if len(line) == _LONGEST_LINE:
            raise SnapshotError(f"line {number}: longer than {_LONGEST_LINE} bytes")
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise SnapshotError(f"line {number}: not UTF-8") from None


def _table(test: Backtest) -> str:
    score, band = test.estimate()
    rows = [
        _HEAD,
        f"{_row('estimate', score)}{band.band_coverage:>13.1%}{band.band_width_min:>8.1f}",
        *(_row(name.replace("_", " "), test.baseline(name)) for name in BASELINES + STRONGER),
        "",
    ]
    for day in test.scored:
        score, band = test.estimate(day)
        rows.append(f"{_row(f'estimate {day}', score)}{band.band_coverage:>13.1%}{band.band_width_min:>8.1f}")
    left_out = ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in test.left_out.items())
    rows += ["", f"learned from {len(test.taught)} days before; left out: {left_out or 'nobody'}"]
    return "\n".join([*rows, *(f"MISSED: {missed}" for missed in test.shortfalls())])


def _row(name: str, score: Score) -> str:
    return (
        f"{name:<20}{score.n:>8}{score.mean_abs_error_min:>8.2f}{score.median_abs_error_min:>8.2f}"
        f"{score.share_within_5_min:>10.1%}{score.bias_min:>8.2f}"
    )
