"""Reading recorded snapshots, and what they tell about waits."""

from __future__ import annotations

from datetime import date

import pytest

from tests.waits_days import HEADER
from tickets.waits.learning import Learner
from tickets.waits.recorded import Line, Unknown
from tickets.waits.snapshots import Reading, SnapshotError, read_snapshots

ROW = "Hall,2026-03-02,08:05,7,Papers,A015,3,2,10"
DAY = date(2026, 3, 2)


def test_a_row_is_read() -> None:
    (reading,) = read_snapshots([HEADER, ROW])
    assert reading == Reading(DAY, "Hall/7", 485, "A", 15, 3, 2, 10.0)


def test_columns_may_stand_in_any_order_and_a_number_may_be_missing() -> None:
    names, values = HEADER.split(","), ROW.replace("A015", "").split(",")
    (reading,) = read_snapshots([",".join([*reversed(names), "more"]), ",".join([*reversed(values), "x"])])
    assert (reading.queue, reading.number, reading.waiting) == ("Hall/7", None, 3)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (ROW.replace("2026-03-02", "02.03.2026"), "line 3, column date: '02.03.2026'"),
        (ROW.replace("08:05", "24:05"), "line 3, column time: '24:05'"),
        (ROW.replace("A015", "015A"), "line 3, column last_called: '015A'"),
        (ROW.replace(",3,2,", ",-3,2,"), "line 3, column waiting: '-3'"),
        (ROW.replace(",3,2,", ",3,two,"), "line 3, column counters_open: 'two'"),
        (ROW.replace(",10", ",inf"), "line 3, column published_minutes: 'inf'"),
        (ROW.replace("Hall", " "), "line 3, column office: empty"),
        (ROW.replace(",7,", ",,"), "line 3, column queue_id: empty"),
        ("Hall,2026-03-02,08:05", "line 3: column queue_id is missing: the row has 3 fields"),
        ('Hall,"2026-03-02"x', "line 3: "),
    ],
)
def test_a_bad_row_is_named_by_line_and_column(bad: str, told: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        list(read_snapshots([HEADER, ROW, bad]))
    assert str(caught.value).startswith(told)


def test_a_missing_column_and_an_empty_file_are_named() -> None:
    for lines in ([HEADER.replace("waiting", "people"), ROW], []):
        with pytest.raises(SnapshotError, match=r"line 1: column (waiting|office) is missing"):
            list(read_snapshots(lines))


def real(*told: tuple[int, str, int]) -> list[float | Unknown]:
    """The waits behind readings (minute, number shown, waiting)."""
    line = Line(Learner())
    for minute, shown, waiting in told:
        number = int(shown[1:]) if shown else None
        line.read(Reading(DAY, "Hall/7", minute, shown[:1], number, waiting, 1, 0))
    line.close()
    return [question.real for question in line.asked]


def test_a_wait_ends_when_the_number_is_reached_or_passed() -> None:
    assert real((480, "A001", 3), (485, "A003", 0), (490, "A004", 0)) == [10.0]
    assert real((480, "A001", 3), (485, "", 2), (490, "A006", 0)) == [10.0]


def test_who_is_never_reached_is_left_out() -> None:
    assert real((480, "A001", 3), (485, "A003", 0)) == [Unknown.NOT_REACHED]


@pytest.mark.parametrize(
    "flaw",
    [(485, "B050", 0), (485, "A000", 0), (485, "A032", 0), (501, "A002", 0)],
    ids=["another series", "a step back", "a jump", "a gap"],
)
def test_a_wait_across_a_flaw_is_left_out(flaw: tuple[int, str, int]) -> None:
    assert real((480, "A001", 3), flaw, (505, "A033", 0)) == [Unknown.FLAWED]


def test_a_flaw_spoils_only_the_waits_across_it() -> None:
    assert real((480, "A001", 1), (485, "A002", 4), (490, "A902", 2), (495, "A904", 0)) == [5.0, Unknown.FLAWED, 5.0]
