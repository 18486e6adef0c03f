"""`make bench`: what a status read costs the service, beside named peers, in one run.

Every process that answers is pinned to one core; the generator, PostgreSQL and Redis share another. Rounds are
interleaved (A B C …, A B C …), so that a slow moment of the machine meets everybody.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError

from service.embedded import ServerStartError
from tests.benchmarks.generator import Job, Yield, draw
from tests.benchmarks.report import MARKS, Measured, judge, markdown
from tests.benchmarks.stage import Cores, Server, Stage, StageError

HOT_DOSSIERS = 100
LEAST_SHARE = 0.85
"""The part of a variant's reads that the layer it is about must have answered. Hot dossiers are asked for anew in Redis
every 0.5 s: 200 reads a second that are not local, which show when the machine is slow."""
_READS = re.compile(r'^motcua_cache_reads_total\{layer="(\w+)",topic="(\w+)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True)
class Variant:
    """One line of the table: what is asked of which server, and the topic and layer that must have answered."""

    name: str
    title: str
    server: Server
    paths: list[str]
    topic: str = ""
    layer: str = ""


def variants(stage: Stage) -> list[Variant]:
    """Start everything and fill every cache."""
    near, far = stage.service("near", local_age=0.5), stage.service("far", local_age=0.0)
    stage.fill_redis(near)
    tickets = [f"/api/v1/tickets/{token}" for token in stage.issue_tickets(near)]
    dossiers = [f"/api/v1/dossiers/{code}" for code in stage.codes]
    return [
        Variant("empty", "aiohttp, empty handler", stage.peer("empty_aiohttp"), ["/"]),
        Variant("a1", "(a) ticket, office snapshot in memory", near, tickets, "hall", "local"),
        Variant("a2", f"(a) {HOT_DOSSIERS} dossiers in memory", near, dossiers[:HOT_DOSSIERS], "dossier", "local"),
        Variant("b", f"(b) {len(dossiers):,} dossiers from Redis", far, dossiers, "dossier", "redis"),
        Variant("aiohttp", "aiohttp + one Redis GET", stage.peer("aiohttp_redis"), dossiers),
        Variant("fastapi", "FastAPI + uvicorn + one Redis GET", stage.peer("fastapi_redis"), dossiers),
    ]


def measure(variant: Variant, arguments: argparse.Namespace, cores: Cores) -> tuple[Yield, float]:
    """One round of one variant, and the share of its reads that the right layer answered.

    Raises StageError when an answer was wrong or another layer gave it.
    """
    before = cache_reads(variant.server, variant.topic)
    found = draw(
        Job(
            variant.server.port,
            variant.server.pid,
            variant.paths,
            arguments.seconds,
            arguments.warm_up,
            core=cores.others,
        )
    )
    if found.errors or not found.answers:
        raise StageError(f"{variant.title}: {found.errors} wrong answers beside {found.answers} good ones")
    reads = cache_reads(variant.server, variant.topic)
    reads.subtract(before)
    share = right_share(variant.layer, reads, found.asked)
    if share < LEAST_SHARE:
        raise StageError(
            f"{variant.title}: of {found.asked} reads {variant.layer} answered {share:.1%} ({dict(reads)})"
        )
    return found, share


def cache_reads(server: Server, topic: str) -> Counter[str]:
    """The service's own count of its reads of ``topic``, by layer; nothing for a peer."""
    if not server.admin_port:
        return Counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.admin_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return Counter({layer: int(float(count)) for layer, of, count in _READS.findall(text) if of == topic})


def right_share(layer: str, reads: Mapping[str, int], asked: int) -> float:
    """The part of ``asked`` reads that ``layer`` answered, 0 to 1; 1 for a peer, which has no layers.

    From memory came what no farther layer was asked for, whether the service counts that or not.
    """
    if not layer:
        return 1.0
    if layer == "local":
        return 1 - sum(count for other, count in reads.items() if other != "local") / asked
    return reads.get(layer, 0) / asked


def run(arguments: argparse.Namespace, cores: Cores, say: Callable[[str], None]) -> list[Measured]:
    """Every variant, round by round."""
    with Stage(cores) as stage:
        limit = draw(Job((bare := stage.peer("ready_bytes")).port, bare.pid, ["/"], 2.0, core=cores.others))
        say(f"the generator draws {limit.rate:,.0f} requests/s at most")
        table = [(variant, Measured(variant.name, variant.title, variant.layer)) for variant in variants(stage)]
        for number in range(arguments.rounds):
            for variant, measured in table:
                measured.add(*measure(variant, arguments, cores))
            line = "  ".join(f"{measured.name} {measured.yields[-1].cost:.1f}" for _, measured in table)
            say(f"round {number + 1} of {arguments.rounds}, CPU µs per request: {line}")
    return [measured for _, measured in table]


def main() -> int:
    """Measure, print the table, return 1 if a mark is missed by more than its noise, 2 if it could not be measured."""
    parser = argparse.ArgumentParser(prog="status_reads", description="Status reads beside named peers.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="measured seconds a variant and round (3)")
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds before them (0.5)")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="also write the table there")
    arguments = parser.parse_args()
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        sys.stderr.write("bench: two cores are needed, one for the server and one for the generator\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then too
    try:
        found = run(arguments, Cores(usable[0], usable[1]), lambda line: print(line, file=sys.stderr, flush=True))
    except (StageError, ServerStartError, SubprocessError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    text = markdown(found)
    print(text)
    if arguments.markdown is not None:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")
    return 0 if all(judge(mark, found).held for mark in MARKS) else 1


if __name__ == "__main__":
    sys.exit(main())
