"""Bars of a small chart, measured for a template to draw. Pure. Lengths are units of the drawing, WIDTH across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracking.reports.figures import IN_TIME, Reading
from tracking.reports.report import Line

WIDTH = 340
STEP = 40
MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: ``in_time``, ``rest`` (late, overdue, waiting) and ``open`` are lengths of its three parts."""

    name: str
    name_en: str
    y: int
    received: int
    percent: float | None
    in_time: float
    rest: float
    whole: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under each other; ``height`` of the drawing."""

    bars: Sequence[Bar]
    height: int
    left_out: int
    """Lines that have no bar."""


def chart(lines: Sequence[Line], reading: Reading) -> Chart | None:
    """The first lines as bars, the longest across the drawing; None if there is nothing to draw."""
    shown = [line for line in lines if line.tally.received][:MOST_BARS]
    if not shown:
        return None
    scale = WIDTH / max(line.tally.received for line in shown)
    bars = [_bar(line, place * STEP, scale, reading) for place, line in enumerate(shown)]
    left_out = sum(line.tally.received > 0 for line in lines) - len(shown)
    return Chart(bars, len(bars) * STEP, left_out)


def _bar(line: Line, y: int, scale: float, reading: Reading) -> Bar:
    figures, results = line.figures(reading), line.tally.results(reading)
    in_time = sum(results[result] for result in IN_TIME)
    judged = figures["on_time_percent"].n
    return Bar(
        line.name,
        line.name_en,
        y,
        line.tally.received,
        figures["on_time_percent"].value,
        round(in_time * scale, 1),
        round((judged - in_time) * scale, 1),
        round(line.tally.received * scale, 1),
    )
