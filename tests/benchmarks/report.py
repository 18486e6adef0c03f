"""The table of a benchmark run and its verdict. Pure, but for the versions and the processor it names."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles

from tests.benchmarks.generator import Yield

PACKAGES = ("aiohttp", "uvloop", "redis", "hiredis", "fastapi", "uvicorn", "httptools")


@dataclass
class Measured:
    """All rounds of one variant; ``layer`` is what had to answer, empty for a peer."""

    name: str
    title: str
    layer: str
    yields: list[Yield] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def add(self, found: Yield, share: float) -> None:
        """One more round."""
        self.yields.append(found)
        self.shares.append(share)

    @property
    def costs(self) -> list[float]:
        """CPU microseconds per request, by round."""
        return [found.cost for found in self.yields]


@dataclass(frozen=True)
class Mark:
    """``name`` may cost at most ``limit`` times what ``beside`` costs, in CPU time per request."""

    name: str
    beside: str
    limit: float


MARKS = (Mark("a1", "empty", 1.4), Mark("a2", "empty", 1.4), Mark("b", "empty", 2.0), Mark("b", "fastapi", 0.4))


LARGEST_NOISE = 0.1
"""Of a mark: a restless machine excuses no more than this."""


@dataclass(frozen=True)
class Verdict:
    """The median of a mark's ratio over the rounds, and its noise: the interquartile range of the rounds' ratios."""

    mark: Mark
    ratio: float
    noise: float

    @property
    def held(self) -> bool:
        """Whether the mark is reached, or missed by no more than the noise (of which a tenth of the mark counts)."""
        return self.ratio - min(self.noise, LARGEST_NOISE * self.mark.limit) <= self.mark.limit


def judge(mark: Mark, table: Sequence[Measured]) -> Verdict:
    """What the rounds say of one mark."""
    by_name = {measured.name: measured for measured in table}
    ratios = _ratios(by_name[mark.name], by_name[mark.beside])
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else (0.0, 0.0, 0.0)
    return Verdict(mark, median(ratios), high - low)


def _ratios(one: Measured, other: Measured) -> list[float]:
    return [mine / theirs for mine, theirs in zip(one.costs, other.costs, strict=True)]


def markdown(table: Sequence[Measured]) -> str:
    """The table with medians over the rounds, what became of the marks, and what it was measured with."""
    by_name = {measured.name: measured for measured in table}
    lines = [
        "| what answers the status read | requests/s | CPU µs / request | × empty handler | × FastAPI | answered by "
        "| cores busy: server, generator |",
        "|---|---:|---:|---:|---:|---|---:|",
        *(_row(measured, by_name["empty"], by_name["fastapi"]) for measured in table),
        "",
        *(_verdict(judge(mark, table), by_name) for mark in MARKS),
        "",
        _basis(table),
    ]
    return "\n".join(lines)


def _row(measured: Measured, empty: Measured, fastapi: Measured) -> str:
    cells = (
        measured.title,
        f"{median(found.rate for found in measured.yields):,.0f}",
        f"{median(measured.costs):.1f}",
        f"{median(_ratios(measured, empty)):.2f}",
        f"{median(_ratios(measured, fastapi)):.2f}",
        f"{measured.layer} {min(measured.shares):.1%}" if measured.layer else "–",
        f"{median(found.server_share for found in measured.yields):.0%}, "
        f"{median(found.generator_share for found in measured.yields):.0%}",
    )
    return f"| {' | '.join(cells)} |"


def _verdict(verdict: Verdict, by_name: dict[str, Measured]) -> str:
    mark = verdict.mark
    missed = "missed within the noise" if verdict.held else "MISSED"
    word = "reached" if verdict.ratio <= mark.limit else missed
    pair = f"{by_name[mark.name].title} / {by_name[mark.beside].title}"
    return f"- {word}: {pair} = {verdict.ratio:.2f} ± {verdict.noise:.2f}, mark ≤ {mark.limit}"


def _basis(table: Sequence[Measured]) -> str:
    first = table[0].yields
    return (
        f"Medians of {len(first)} interleaved rounds of {first[0].seconds:.0f} s, 64 kept-alive connections. "
        "The process that answers has one core, generator, Redis and PostgreSQL share another. "
        "Ratios are of CPU time per request within a round, ± is the interquartile range of the rounds' ratios; "
        f"a mark fails that is missed by more than that or by more than {LARGEST_NOISE:.0%}. "
        "Where neither core was busy, others had them, and requests/s say little. "
        f"Python {platform.python_version()}, {', '.join(_versions())}; {_processor()}."
    )


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
