"""Figures of the reports, counted by hand."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from tracking.reports.charts import MOST_BARS, STEP, WIDTH, chart
from tracking.reports.figures import COMMON, DEFINITIONS, Others, Reading, Tally, of_dossiers, of_office, p90_hours
from tracking.reports.numbers import number, shown
from tracking.reports.period import Period, WrongPeriod
from tracking.reports.report import Counted, Line, ProcedureName, build

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TALLY = Tally(
    law=Counter(before=4, on=3, late=1, overdue=1, waiting=1, open=5, not_accepted=2, stopped=1, undated=1),
    index=Counter(before=3, on=3, late=2, overdue=2, open=5, not_accepted=2, stopped=1, undated=1),
    timed=8,
    minutes=4_800,
    stopped=960,
    whole_times=Counter({2: 7, 40: 1}),
    net_times=Counter({2: 7, 8: 1}),
    finished=9,
    at_counter=4,
    on_the_spot=3,
)


def test_shares_count_what_is_finished_or_past_due() -> None:
    law, index = (of_dossiers(TALLY, reading) for reading in Reading)
    assert (law["received"].value, law["finished"].value) == (19, 9)
    assert (law["on_time_percent"].value, law["on_time_percent"].n) == (70.0, 10)
    assert (index["on_time_percent"].value, index["late"].value, index["overdue"].value) == (60.0, 2, 2)
    assert [law[name].value for name in ("before", "on", "late", "overdue", "waiting")] == [4, 3, 1, 1, 1]


def test_the_demo_year_by_hand() -> None:
    tally = Tally(law=Counter(before=2_000, on=198, late=359, overdue=28, waiting=14))
    figure = of_dossiers(tally, Reading.LAW)["on_time_percent"]
    assert (figure.value, figure.n) == (84.57, 2_599)
    assert (shown(figure, "vi"), shown(figure, "en")) == ("84,57\u00a0%", "84.57%")


def test_waits_for_supplements_are_subtracted_in_the_index_reading_only() -> None:
    law, index = (of_dossiers(TALLY, reading) for reading in Reading)
    assert (law["mean_working_hours"].value, law["mean_working_hours"].n) == (12.0, 8)
    assert (index["mean_working_hours"].value, index["mean_working_hours"].n) == (10.0, 8)
    assert (law["p90_working_hours"].value, index["p90_working_hours"].value) == (20.0, 4.0)


@pytest.mark.parametrize(
    ("times", "hours"), [({}, None), ({1: 1}, 0.5), ({2: 9, 30: 1}, 1.0), ({2: 89, 30: 11}, 15.0), ({0: 3}, 0.0)]
)
def test_p90_is_the_nearest_rank(times: dict[int, int], hours: float | None) -> None:
    assert p90_hours(times) == hours


def test_what_is_counted_apart() -> None:
    others = Others(
        scores={5: 712, 4: 200, 3: 70, 2: 10, 1: 8}, apologies_owed=4, apologies_sent=3, letters={"thanks": 423},
        feedback_received=5, feedback_judged=4, feedback_in_time=3, channels={"counter": 10, "online": 9},
    )  # fmt: skip
    figures = of_office(TALLY, others, 8, 5, Reading.LAW)
    expected = {
        "very_satisfied_percent": (71.2, 1_000), "satisfied_percent": (27.0, 1_000),
        "not_satisfied_percent": (1.8, 1_000), "four_steps_percent": (62.5, 8), "apologies_owed": (4, 4),
        "apologies_sent": (3, 4), "letters_thanks": (423, 423), "letters_birth": (0, 423),
        "feedback_in_time_percent": (75.0, 4), "channel_counter_percent": (52.63, 19),
        "channel_post_percent": (0.0, 19),
        "not_accepted": (2, 19), "stopped": (1, 19), "undated": (1, 19), "open": (5, 19),
    }  # fmt: skip
    assert {name: (figures[name].value, figures[name].n) for name in expected} == expected


def test_nothing_at_all_divides_by_nothing() -> None:
    figures = of_office(Tally(), Others(), 0, 0, Reading.LAW)
    assert all(figure.value in (None, 0) for figure in figures.values())
    assert shown(figures["on_time_percent"], "vi") == "–"


def test_every_figure_says_what_it_is_in_both_languages() -> None:
    for reading in Reading:
        for name, figure in of_office(TALLY, Others(), 1, 1, reading).items():
            shown_json = figure.as_json()
            assert figure.name == name
            assert shown_json["definition_vi"] and shown_json["definition_en"], name
            assert shown_json["definition_vi"] != shown_json["definition_en"], name
    assert "766" in DEFINITIONS[Reading.INDEX]["on_time_percent"].vi
    assert not set(COMMON) & set(DEFINITIONS[Reading.LAW])


@pytest.mark.parametrize(
    ("text", "first", "past"),
    [
        ("2026-07", "2026-07-01", "2026-08-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-q3", "2026-07-01", "2026-10-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026", "2026-01-01", "2027-01-01"),
        ("2025-07..2026-06", "2025-07-01", "2026-07-01"),
    ],
)
def test_periods(text: str, first: str, past: str) -> None:
    period = Period.parse(text)
    assert [at.isoformat() for at in period.bounds(ZONE)] == [f"{first}T00:00:00+07:00", f"{past}T00:00:00+07:00"]
    assert str(period) == text.upper()
    assert str(period.shifted(1).shifted(-1)) == text.upper()
    assert period.shifted(1).bounds(ZONE)[0] == period.bounds(ZONE)[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-13",
        "2026-Q5",
        "2026-7",
        "1999-01",
        "2026-Q",
        "2026-07-01",
        "٢٠٢٦",
        "2026-06..2026-05",
        "2025-06..2026-06",
    ],
)
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(WrongPeriod):
        Period.parse(text)


def test_names_of_periods() -> None:
    names = [Period.parse(text).name(language) for text in ("2026-07", "2026-Q3", "2026") for language in ("vi", "en")]
    assert names == ["tháng 7/2026", "July 2026", "quý 3/2026", "Q3 2026", "năm 2026", "2026"]


def test_numbers_as_people_write_them() -> None:
    assert [number(1571, language) for language in ("vi", "en")] == ["1.571", "1,571"]
    assert number(0.5, "vi", 1) == "0,5"
    assert number(None, "en") == "–"


def counted(procedure: str, **results: int) -> Counted:
    tallies = [Tally(law=Counter(results), index=Counter(results), at_counter=4, on_the_spot=3) for _ in range(2)]
    return Counted({"here": tallies[0]}, {procedure: tallies[1]}, {"counter": sum(results.values())})


def test_tables_add_up() -> None:
    names = {
        "1.1": ProcedureName("1.1", "Khai sinh", "Birth", "Hộ tịch", "Civil status", four_steps=True),
        "1.2": ProcedureName("1.2", "Khai tử", "Death", "Hộ tịch", "Civil status", four_steps=False),
    }
    months = [counted("1.1", before=5), counted("1.2", late=2), counted("1.1", on=1)]
    offices = {"here": ("Đây", "Here"), "below": ("Dưới", "Below")}
    report = build(Period.parse("2026-Q3"), months, Others(), names, offices, four_steps_target=50)
    received = {table: [(line.key, line.tally.received) for line in lines] for table, lines in report.tables.items()}
    assert received == {
        "month": [("2026-07", 5), ("2026-08", 2), ("2026-09", 1)],
        "quarter": [("2026-Q3", 8)],
        "field": [("Hộ tịch", 8)],
        "procedure": [("1.1", 6), ("1.2", 2)],
        "office": [("here", 8), ("below", 0)],
    }
    figure = report.figures(Reading.LAW)["four_steps_percent"]
    assert (figure.value, figure.n) == (50.0, 2)
    assert months[0].offices["here"].received == 5  # adding up changes no part


def test_bars_fit_the_drawing() -> None:
    lines = [Line(str(n), f"P{n}", f"P{n}", Tally(law=Counter(before=n, late=1, open=2))) for n in range(20, 0, -1)]
    drawn = chart(lines, Reading.LAW)
    assert drawn is not None
    assert (len(drawn.bars), drawn.left_out, drawn.height) == (MOST_BARS, 8, MOST_BARS * STEP)
    assert drawn.bars[0].whole == WIDTH
    for bar in drawn.bars:
        assert 0 < bar.in_time + bar.rest < bar.whole + 0.2
    assert chart([Line("x", "x", "x", Tally())], Reading.LAW) is None
