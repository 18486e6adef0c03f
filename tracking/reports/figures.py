"""The figures of a report, each with the definition that is printed beside it. Pure.

``Tally`` holds what the database counted; ``figures`` makes of it what people read. Sources: the one-stop mechanism's
reports and index 766 as the domain notes give them under "Reports".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil


class Reading(StrEnum):
    """By which rules a report is read: the one-stop decree's, or the national index 766's."""

    LAW = "law"
    INDEX = "766"


class Result(StrEnum):
    """What came of a dossier, as ``sql/reports.sql`` says it. Every dossier has exactly one."""

    BEFORE = "before"
    ON = "on"
    LATE = "late"
    OPEN = "open"
    OVERDUE = "overdue"
    WAITING = "waiting"
    UNDATED = "undated"
    NOT_ACCEPTED = "not_accepted"
    STOPPED = "stopped"


IN_TIME = (Result.BEFORE, Result.ON)
JUDGED = (*IN_TIME, Result.LATE, Result.OVERDUE, Result.WAITING)
HALF_HOUR = 30


@dataclass(slots=True)
class Tally:
    """Counts of one set of dossiers. Tallies of disjoint sets add up."""

    law: Counter[str] = field(default_factory=Counter)
    index: Counter[str] = field(default_factory=Counter)
    timed: int = 0
    minutes: int = 0
    """Working minutes without supplement waits, of the ``timed`` ones."""
    stopped: int = 0
    """Working minutes of their supplement waits."""
    whole_times: Counter[int] = field(default_factory=Counter)
    """Half hours, rounded up, waits included → dossiers."""
    net_times: Counter[int] = field(default_factory=Counter)
    finished: int = 0
    at_counter: int = 0
    on_the_spot: int = 0

    def add(self, other: Tally) -> None:
        """Add the counts of another set."""
        self.law.update(other.law)
        self.index.update(other.index)
        self.whole_times.update(other.whole_times)
        self.net_times.update(other.net_times)
        for name in ("timed", "minutes", "stopped", "finished", "at_counter", "on_the_spot"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def received(self) -> int:
        """All of them."""
        return self.law.total()

    def results(self, reading: Reading) -> Counter[str]:
        """Result → dossiers."""
        return self.law if reading is Reading.LAW else self.index


@dataclass(frozen=True, slots=True)
class Others:
    """What is counted apart from the dossiers themselves, for the same offices and period."""

    scores: Mapping[int, int] = field(default_factory=dict)
    """Score 1 to 5 → ratings."""
    apologies_owed: int = 0
    apologies_sent: int = 0
    letters: Mapping[str, int] = field(default_factory=dict)
    feedback_received: int = 0
    feedback_judged: int = 0
    """Answered in time, or past the day on which the answer was due."""
    feedback_in_time: int = 0
    channels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``value`` (None: nothing to count), ``n`` it was counted over, and what it means.

    Percentages are 0 to 100 with two decimals, times are working hours.
    """

    name: str
    value: float | None
    n: int
    definition: Definition

    def as_json(self) -> dict[str, object]:
        """What the API shows."""
        return {
            "value": self.value,
            "n": self.n,
            "definition_vi": self.definition.vi,
            "definition_en": self.definition.en,
        }


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure is called and means. ``unit``: ``percent``, ``hours`` or nothing for a count."""

    label: str
    label_en: str
    vi: str
    en: str
    unit: str = ""


_JUDGED_VI = "hồ sơ tiếp nhận trong kỳ đã xong hoặc đã qua hạn (không tính hồ sơ không được tiếp nhận và dừng xử lý)"
_JUDGED_EN = "dossiers received in the period that are finished or past due (not accepted and stopped ones left out)"
_STRICT_VI = (
    " Theo chỉ số 766: trễ cả khi bị yêu cầu bổ sung từ 2 lần, hoặc khi bổ sung 1 lần mà thời gian xử lý không kể thời "
    "gian chờ vượt thời hạn (8 giờ là 1 ngày, không tính ngày chuyển hồ sơ)."
)
_STRICT_EN = (
    " Index 766: also late with 2 or more supplement requests, or with 1 if the processing time without the wait is "
    "over the time limit (8 hours make a day, the day of hand-over not counted)."
)
_WHOLE_VI, _WHOLE_EN = "kể cả thời gian chờ bổ sung", "waits for supplements included"
_NET_VI, _NET_EN = "đã trừ thời gian chờ bổ sung", "waits for supplements subtracted"
_TIME_VI = "từ lần chuyển đầu tiên đến khi có kết quả, giờ làm việc"
_TIME_EN = "from the first hand-over to the result, in working hours"


def _results(reading: Reading) -> dict[str, Definition]:
    vi, en = ("", "") if reading is Reading.LAW else (_STRICT_VI, _STRICT_EN)
    wait_vi, wait_en = (_WHOLE_VI, _WHOLE_EN) if reading is Reading.LAW else (_NET_VI, _NET_EN)
    return {
        "on_time_percent": Definition(
            "Trước và đúng hạn", "Before or on time", f"(Trước hạn + đúng hạn) trên {_JUDGED_VI}.{vi}",
            f"(Before + on time) of the {_JUDGED_EN}.{en}", "percent",
        ),
        "before": Definition(
            "Trước hạn", "Before", "Có kết quả trước ngày hẹn ít nhất một ngày.",
            "The result came on an earlier day than the due day.",
        ),
        "on": Definition(
            "Đúng hạn", "On time", "Có kết quả trong ngày đến hạn, không quá giờ đến hạn.",
            "The result came on the due day, by the due time.",
        ),
        "late": Definition("Trễ hạn", "Late", f"Có kết quả sau hạn.{vi}", f"The result came after the due time.{en}"),
        "overdue": Definition(
            "Quá hạn, chưa xong", "Overdue, open", f"Chưa có kết quả và đã quá hạn.{vi}",
            f"No result yet, past due.{en}",
        ),
        "waiting": Definition(
            "Chờ bổ sung, đã qua ngày hẹn", "Waiting for supplement, past the date",
            "Chưa có kết quả, đã qua hạn nhưng đồng hồ dừng vì chờ người nộp bổ sung.",
            "No result yet and past due, but the clock stands while the applicant's supplement is awaited.",
        ),
        "mean_working_hours": Definition(
            "Thời gian xử lý trung bình", "Mean processing time", f"Trung bình, {_TIME_VI}, {wait_vi}.",
            f"Mean, {_TIME_EN}, {wait_en}.", "hours",
        ),
        "p90_working_hours": Definition(
            "Thời gian xử lý P90", "P90 processing time",
            f"90 % hồ sơ xong trong thời gian này (làm tròn lên nửa giờ), {_TIME_VI}, {wait_vi}.",
            f"90 % were done within this time (rounded up to half hours), {_TIME_EN}, {wait_en}.", "hours",
        ),
    }  # fmt: skip


DEFINITIONS: Mapping[Reading, Mapping[str, Definition]] = {reading: _results(reading) for reading in Reading}
COMMON: Mapping[str, Definition] = {
    "received": Definition(
        "Tiếp nhận", "Received", "Hồ sơ tiếp nhận trong kỳ, mọi trạng thái.",
        "Dossiers received in the period, whatever became of them.",
    ),
    "finished": Definition(
        "Có kết quả", "Finished", "Kết quả có trong kỳ, dù tiếp nhận khi nào; không tính hồ sơ không được tiếp nhận và "
        "dừng xử lý.", "Results of the period, whenever received; not accepted and stopped ones left out.",
    ),
    "open": Definition(
        "Đang xử lý, trong hạn", "Open, not yet due", "Tiếp nhận trong kỳ, chưa có kết quả, chưa đến hạn.",
        "Received in the period, no result yet, not yet due.",
    ),
    "undated": Definition(
        "Không rõ hạn", "No due date known", "Tiếp nhận trong kỳ, không có hạn hoặc không rõ ngày xong: không xét.",
        "Received in the period without a due date, or done on an unknown date: not judged.",
    ),
    "not_accepted": Definition(
        "Không được tiếp nhận", "Not accepted", "Tiếp nhận trong kỳ, trạng thái 3: không xét đúng hạn.",
        "Received in the period, status 3: not judged.",
    ),
    "stopped": Definition(
        "Dừng xử lý", "Stopped", "Tiếp nhận trong kỳ, trạng thái 8: không xét đúng hạn.",
        "Received in the period, status 8: not judged.",
    ),
    "four_steps_percent": Definition(
        "Thủ tục làm 4 bước tại chỗ", "Procedures in four steps on the spot",
        "Thủ tục được giao làm 4 bước tại chỗ và có quá nửa hồ sơ nộp tại quầy trong kỳ được trả kết quả ngay trong "
        "ngày nhận, trên mọi thủ tục có hồ sơ trong kỳ.",
        "Procedures marked for four steps of whose dossiers handed in at the counter more than half were returned on "
        "the day of receipt, of all procedures with dossiers in the period.", "percent",
    ),
    **{
        f"channel_{channel}_percent": Definition(
            f"Kênh {vi}", f"Channel: {en}", f"Hồ sơ nhận {vi} trên hồ sơ tiếp nhận trong kỳ.",
            f"Dossiers received {there} of all received in the period.", "percent",
        )
        for channel, vi, en, there in (
            ("counter", "trực tiếp", "counter", "at the counter"),
            ("online", "trực tuyến", "online", "online"),
            ("post", "bưu chính", "post", "by post"),
        )
    },
    "very_satisfied_percent": Definition(
        "Rất hài lòng", "Very satisfied", "Đánh giá 5 trên 5, trong các đánh giá của kỳ.",
        "Scores of 5 out of 5, of the period's ratings.", "percent",
    ),
    "satisfied_percent": Definition(
        "Hài lòng", "Satisfied", "Đánh giá 3 hoặc 4 trên 5, trong các đánh giá của kỳ.",
        "Scores of 3 or 4 out of 5, of the period's ratings.", "percent",
    ),
    "not_satisfied_percent": Definition(
        "Không hài lòng", "Not satisfied", "Đánh giá 1 hoặc 2 trên 5, trong các đánh giá của kỳ.",
        "Scores of 1 or 2 out of 5, of the period's ratings.", "percent",
    ),
    "apologies_owed": Definition(
        "Thư xin lỗi phải gửi", "Apologies owed", "Phát sinh trong kỳ vì trễ hạn hoặc gia hạn.",
        "Arisen in the period from a late or an extended dossier.",
    ),
    "apologies_sent": Definition(
        "Thư xin lỗi đã gửi", "Apologies sent", "Trong số phát sinh trong kỳ.", "Of those that arose in the period.",
    ),
    **{
        f"letters_{kind}": Definition(
            vi, en, "Thư in hoặc gửi trong kỳ, mỗi hồ sơ một thư.",
            "Letters printed or sent in the period, one a dossier.",
        )
        for kind, vi, en in (
            ("thanks", "Thư cảm ơn", "Letters of thanks"),
            ("marriage", "Thư chúc mừng kết hôn", "Congratulations on a marriage"),
            ("birth", "Thư chúc mừng khai sinh", "Congratulations on a birth"),
            ("condolence", "Thư chia buồn", "Letters of condolence"),
            ("apology", "Thư xin lỗi", "Letters of apology"),
        )
    },
    "feedback_received": Definition(
        "Phản ánh, kiến nghị", "Feedback and petitions", "Nhận trong kỳ.", "Received in the period.",
    ),
    "feedback_in_time_percent": Definition(
        "Phản ánh được trả lời đúng hạn", "Feedback answered in time",
        "Trả lời trong hạn, trên số nhận trong kỳ đã được trả lời đúng hạn hoặc đã đến hạn trả lời.",
        "Answered by the due day, of those received in the period and answered in time or already due.", "percent",
    ),
}  # fmt: skip


def definition(name: str, reading: Reading) -> Definition:
    """What the figure of that name means."""
    return DEFINITIONS[reading].get(name) or COMMON[name]


def of_dossiers(tally: Tally, reading: Reading) -> dict[str, Figure]:
    """The figures that every table of a report shows."""
    results, n = tally.results(reading), sum(tally.results(reading)[result] for result in JUDGED)
    minutes = tally.minutes + (tally.stopped if reading is Reading.LAW else 0)
    times = tally.whole_times if reading is Reading.LAW else tally.net_times
    values: dict[str, tuple[float | None, int]] = {
        "received": (tally.received, tally.received),
        "finished": (tally.finished, tally.finished),
        "on_time_percent": (percent(sum(results[result] for result in IN_TIME), n), n),
        **{result.value: (results[result], n) for result in JUDGED},
        "mean_working_hours": (round(minutes / tally.timed / 60, 2) if tally.timed else None, tally.timed),
        "p90_working_hours": (p90_hours(times), times.total()),
    }
    return {name: Figure(name, value, n, definition(name, reading)) for name, (value, n) in values.items()}


def of_office(tally: Tally, others: Others, procedures: int, in_four_steps: int, reading: Reading) -> dict[str, Figure]:
    """The figures of the whole report. ``in_four_steps`` of ``procedures`` with dossiers are done on the spot."""
    received, ratings = tally.received, sum(others.scores.values())
    scores = [others.scores.get(score, 0) for score in range(6)]
    apart = (Result.OPEN, Result.UNDATED, Result.NOT_ACCEPTED, Result.STOPPED)
    values: dict[str, tuple[float | None, int]] = {
        **{result.value: (tally.results(reading)[result], received) for result in apart},
        "four_steps_percent": (percent(in_four_steps, procedures), procedures),
        **{
            f"channel_{channel}_percent": (percent(others.channels.get(channel, 0), received), received)
            for channel in ("counter", "online", "post")
        },
        "very_satisfied_percent": (percent(scores[5], ratings), ratings),
        "satisfied_percent": (percent(scores[3] + scores[4], ratings), ratings),
        "not_satisfied_percent": (percent(scores[1] + scores[2], ratings), ratings),
        "apologies_owed": (others.apologies_owed, others.apologies_owed),
        "apologies_sent": (others.apologies_sent, others.apologies_owed),
        **{
            f"letters_{kind}": (others.letters.get(kind, 0), sum(others.letters.values()))
            for kind in ("thanks", "marriage", "birth", "condolence", "apology")
        },
        "feedback_received": (others.feedback_received, others.feedback_received),
        "feedback_in_time_percent": (percent(others.feedback_in_time, others.feedback_judged), others.feedback_judged),
    }
    whole = {name: Figure(name, value, n, definition(name, reading)) for name, (value, n) in values.items()}
    return of_dossiers(tally, reading) | whole


def percent(part: int, n: int) -> float | None:
    """``part`` of ``n`` in percent with two decimals; None of nothing."""
    return round(part * 100 / n, 2) if n else None


def p90_hours(times: Mapping[int, int]) -> float | None:
    """Hours within which 90 % of ``times`` (half hours → how many) lie, by nearest rank; None of nothing."""
    rank, seen = ceil(sum(times.values()) * 9 / 10), 0
    for half_hours in sorted(times):
        seen += times[half_hours]
        if seen >= rank:
            return half_hours * HALF_HOUR / 60
    return None
