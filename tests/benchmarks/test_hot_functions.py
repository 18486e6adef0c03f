"""The functions that every read or every change of a line goes through: run by `make bench`, skipped by `make test`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from kit.snapshot import Snapshot
from tickets import line, policy
from tickets.hall import HallView
from tickets.ticket import State, new_token, parse_token
from tickets.waiting import Pace, estimate
from tracking import codes

NOW = datetime(2026, 9, 21, 9, 30, tzinfo=UTC)
WAITING = 200


@pytest.fixture
def hall() -> line.Hall:
    """One office with two open counters and WAITING tickets over two services, every tenth with priority."""
    return line.Hall(
        office="tay-ho",
        version=7,
        as_of=NOW,
        services=[line.Service("ho-tich", "Hộ tịch", 10.0, 9, 84.0), line.Service("dat-dai", "Đất đai", 20.0)],
        counters=[line.Counter("tay-ho-1", ("ho-tich",)), line.Counter("tay-ho-2", ("ho-tich", "dat-dai"))],
        tickets=list(_tickets()),
    )


def _tickets() -> Iterator[line.Ticket]:
    for number in range(WAITING):
        yield line.Ticket(
            token=new_token("tyh", NOW.date()).text,
            number=f"A{number + 1:03d}",
            service=("ho-tich", "dat-dai")[number % 2],
            rank=0 if number % 10 == 0 else 1,
            state=State.WAITING,
            issued_at=NOW - timedelta(seconds=30 * (WAITING - number)),
        )


@pytest.fixture
def snapshot(hall: line.Hall) -> Snapshot:
    """The hall as the cache carries it."""
    body = orjson.dumps(line.open_data(hall)) + b"\n" + orjson.dumps(line.places(hall))
    return Snapshot(key="hall:tay-ho", version=hall.version, as_of=1_790_000_000_000_000, body=body)


@pytest.fixture
def dossier() -> Snapshot:
    """A level 0 answer of usual size."""
    return Snapshot(
        key="dossier:H26.18-260921-0007", version=3, as_of=1_790_000_000_000_000, body=b'{"x":"' + b"x" * 520 + b'"}'
    )


def test_code_parsed(benchmark: BenchmarkFixture) -> None:
    assert benchmark(codes.parse, "H26.18-260921-0007").text == "H26.18-260921-0007"


def test_code_parsed_as_scanned(benchmark: BenchmarkFixture) -> None:
    assert benchmark(codes.parse, "*h26.18–260921–0007*").text == "H26.18-260921-0007"


def test_token_parsed(benchmark: BenchmarkFixture) -> None:
    assert benchmark(parse_token, new_token("tyh", NOW.date()).text) is not None


def test_dossier_unpacked(benchmark: BenchmarkFixture, dossier: Snapshot) -> None:
    assert benchmark(Snapshot.unpack, dossier.key, dossier.pack()) == dossier


def test_hall_unpacked(benchmark: BenchmarkFixture, snapshot: Snapshot) -> None:
    assert benchmark(Snapshot.unpack, snapshot.key, snapshot.pack()) == snapshot


def test_first_answer_of_a_hall(benchmark: BenchmarkFixture, snapshot: Snapshot, hall: line.Hall) -> None:
    token = hall.tickets[-1].token
    answer = benchmark(lambda: HallView(snapshot, "").answer(token))
    assert orjson.loads(answer)["number"] == hall.tickets[-1].number


def test_ready_answer_of_a_hall(benchmark: BenchmarkFixture, snapshot: Snapshot, hall: line.Hall) -> None:
    view, token = HallView(snapshot, ""), hall.tickets[-1].token
    view.answer(token)
    assert orjson.loads(benchmark(view.answer, token))["number"] == hall.tickets[-1].number


def test_places_of_a_hall(benchmark: BenchmarkFixture, hall: line.Hall) -> None:
    assert len(benchmark(line.places, hall)) == WAITING


def test_line_in_call_order(benchmark: BenchmarkFixture, hall: line.Hall) -> None:
    assert benchmark(policy.line, hall.tickets, (), hall.policy, NOW)[0] is hall.tickets[0]


def test_wait_estimated(benchmark: BenchmarkFixture) -> None:
    assert benchmark(estimate, 17, Pace(10.0, 2.5, 1, 9, 84.0)).p50 > 0
