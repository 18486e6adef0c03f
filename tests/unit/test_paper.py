"""VietQR, barcodes and the choice of printed forms: values computed by others, and by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from tracking import codes
from tracking.case import Case, Event
from tracking.deadlines import Limit
from tracking.paper import wording
from tracking.paper.barcode import MODULES_MM, code128, qr
from tracking.paper.forms import EDITIONS, STEPS, Form, available, decision, punctuality, steps
from tracking.paper.pages import BARCODE_MM
from tracking.paper.record import Decision, Record
from tracking.paper.vietqr import LARGEST_AMOUNT, LONGEST_PURPOSE, crc, fold, payload, purpose
from tracking.status import Named, Status
from tracking.workflow import Action

CODE = "H26.18-260921-0007"
LONGEST_CODE = "H26.A1B.C2D.E3F.G4H.J5K-20260921-1234567"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 9, 21, 8, 30, tzinfo=UTC)

# Made by other people's generators, published with their projects; the second is the sample of Napas' own document.
PUBLISHED = [
    ("970415", "0011001932418", 120_000, "ủng hộ lũ lụt",
     "00020101021238570010A00000072701270006970415011300110019324180208QRIBFTTA530370454061200005802VN62170813"
     "ung ho lu lut6304C15C"),
    ("970436", "0011001800879", 100_000, "nhan tien",
     "00020101021238570010A00000072701270006970436011300110018008790208QRIBFTTA530370454061000005802VN62130809"
     "nhan tien6304D1EF"),
    ("970416", "257678859", 1_000, "Chuyen tien",
     "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA5303704540410005802VN62150811"
     "Chuyen tien6304BBB8"),
    ("970436", "1023456789", 1_943_000, "TT000069",
     "00020101021238540010A00000072701240006970436011010234567890208QRIBFTTA5303704540719430005802VN62120808"
     "TT0000696304A8E5"),
]  # fmt: skip


def test_the_checksum_is_crc_16_ccitt_false() -> None:
    assert crc("123456789") == 0x29B1
    assert crc("") == 0xFFFF


@pytest.mark.parametrize(("bank", "account", "amount", "said", "text"), PUBLISHED)
def test_vietqr_as_others_write_it(bank: str, account: str, amount: int, said: str, text: str) -> None:
    assert payload(bank, account, amount, said) == text


def objects(text: str) -> dict[str, str]:
    """The objects of an EMVCo text, read by the lengths it states."""
    found = {}
    while text:
        tag, length = text[:2], int(text[2:4])
        found[tag], text = text[4 : 4 + length], text[4 + length :]
        assert len(found[tag]) == length
    return found


@given(
    st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.from_regex(r"[0-9A-Z]{1,19}", fullmatch=True),
    st.integers(1, LARGEST_AMOUNT),
    st.text("aăâđêôơưáàảãạẵộỹ ĐÊZ09.-", min_size=1, max_size=LONGEST_PURPOSE).filter(lambda text: text.strip()),
)
def test_every_vietqr_reads_back(bank: str, account: str, amount: int, said: str) -> None:
    text = payload(bank, account, amount, said)
    read = objects(text)
    napas = objects(read["38"])
    beneficiary = objects(napas["01"])
    assert (beneficiary["00"], beneficiary["01"], int(read["54"])) == (bank, account, amount)
    assert objects(read["62"])["08"] == fold(said)
    assert (read["00"], read["01"], napas["00"], napas["02"]) == ("01", "12", "A000000727", "QRIBFTTA")
    assert (read["53"], read["58"], read["63"]) == ("704", "VN", f"{crc(text[:-4]):04X}")
    assert text.isascii()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bank_bin", ("97043", "1", 1, "x")),
        ("bank_bin", ("97043６", "1", 1, "x")),
        ("account", ("970436", "", 1, "x")),
        ("account", ("970436", "1" * 20, 1, "x")),
        ("account", ("970436", "12 34", 1, "x")),
        ("amount", ("970436", "1", 0, "x")),
        ("amount", ("970436", "1", -5, "x")),
        ("amount", ("970436", "1", LARGEST_AMOUNT + 1, "x")),
        ("purpose", ("970436", "1", 1, "")),
        ("purpose", ("970436", "1", 1, "¿?")),
        ("purpose", ("970436", "1", 1, "x" * 26)),
    ],
)
def test_what_no_bank_would_take_is_named(name: str, arguments: tuple[str, str, int, str]) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        payload(*arguments)


def test_the_code_survives_in_the_purpose() -> None:
    assert purpose(CODE) == CODE
    assert purpose(CODE, "lệ phí hộ tịch") == f"{CODE} le phi"
    assert purpose("000.17.22.H56-210531-0001", "lệ phí") == "000.17.22.H56-210531-0001"
    with pytest.raises(ValueError, match=r"^purpose: "):
        purpose("000.A0.01.H26-20210212-0009090")
    assert fold("Đặng  Thị Hoàng-Yến / số 5") == "Dang Thi Hoang-Yen so 5"


@pytest.mark.parametrize("code", [CODE, "000.17.22.H56-210531-0001", LONGEST_CODE])
def test_every_code_fits_across_the_receipt(code: str) -> None:
    assert codes.is_canonical(code)
    drawn = code128(code, widest_mm=BARCODE_MM)
    width = float(re.findall(r'width="([\d.]+)mm"', drawn)[0])
    modules = int(re.findall(r'viewBox="0 0 (\d+) 1"', drawn)[0])
    assert width <= BARCODE_MM
    assert width / modules == pytest.approx(MODULES_MM[0] if len(code) < 26 else MODULES_MM[1], abs=0.001)
    assert "style" not in drawn


def test_a_barcode_has_its_quiet_zones_and_bars_apart() -> None:
    drawn = code128(CODE, widest_mm=BARCODE_MM)
    modules = int(re.findall(r'viewBox="0 0 (\d+) 1"', drawn)[0])
    bars = [(int(at), int(at) + int(width)) for at, width in re.findall(r"M(\d+) 0h(\d+)v1h", drawn.split("#000")[1])]
    assert (bars[0][0], bars[-1][1]) == (10, modules - 10)
    assert all(end < start for (_, end), (start, _) in pairwise(bars))
    with pytest.raises(ValueError, match="do not fit into 40 mm"):
        code128(CODE, widest_mm=40)


@pytest.mark.parametrize("text", [CODE, LONGEST_CODE])
def test_another_decoder_reads_the_bars(text: str) -> None:
    drawn = code128(text, widest_mm=BARCODE_MM)
    modules = int(re.findall(r'viewBox="0 0 (\d+) 1"', drawn)[0])
    row = bytearray(b"\xff" * modules * 3)
    for at, width in re.findall(r"M(\d+) 0h(\d+)v1h", drawn.split("#000")[1]):
        row[int(at) * 3 : (int(at) + int(width)) * 3] = bytes(int(width) * 3)
    picture = memoryview(bytes(row) * 60).cast("B", (60, len(row)))
    assert [(code.text, code.format.name) for code in zxingcpp.read_barcodes(picture)] == [(text, "Code128")]


def test_a_qr_code_says_how_wide_it_is_and_nothing_of_style() -> None:
    drawn = qr("https://mot.cua/r/k7Qm2xV9bTn4LcR8wYf3Za", width_mm=26)
    assert 'width="26mm" height="26mm"' in drawn
    assert "style" not in drawn
    assert drawn.count("<svg") == drawn.count("</svg>") == 1


# Which forms, and what they say ------------------------------------------------------------------------------------

CASE = Case(
    CODE, Named("1.1", "Khai sinh"), Named("here", "Điểm một"), Named("H26.18", "Ủy ban"), "counter",
    Status.PROCESSING, NOW, due_at=NOW + timedelta(days=3), appointment_on=date(2026, 9, 24),
)  # fmt: skip


def event(action: str, status: Status, minutes: int = 0, **more: object) -> Event:
    reason = more.pop("reason", None)
    assert reason is None or isinstance(reason, str)
    return Event(minutes, NOW + timedelta(minutes=minutes), action, None, status, 1, 7, reason, more)


ACCEPTED = [event("register", Status.REGISTERED), event("accept", Status.ACCEPTED, 1, due_at="2026-09-24T10:00:00Z")]


@pytest.mark.parametrize(
    ("change", "events", "later", "forms"),
    [
        ({"status": Status.REGISTERED}, [ACCEPTED[0]], 0, "control-slip"),
        ({"status": Status.NOT_ACCEPTED}, [event("decline", Status.NOT_ACCEPTED)], 9, "refusal control-slip"),
        ({}, ACCEPTED, 0, "receipt control-slip"),
        ({}, [], 0, "receipt"),
        ({}, ACCEPTED, 4, "receipt apology control-slip"),
        ({}, [*ACCEPTED, event("request-supplement", Status.SUPPLEMENT_REQUIRED)], 0,
         "receipt supplement-request control-slip"),
        ({}, [*ACCEPTED, event("extend", Status.PROCESSING)], 0, "receipt extension control-slip"),
        ({"status": Status.COMPLETED, "outcome": "refused", "finished_at": NOW}, ACCEPTED, 9,
         "receipt refusal control-slip"),
        ({"status": Status.COMPLETED, "outcome": "granted", "finished_at": NOW}, ACCEPTED, 9, "receipt control-slip"),
        ({"status": Status.RETURNED, "outcome": "granted", "finished_at": NOW + timedelta(days=4)}, ACCEPTED, 9,
         "receipt apology control-slip"),
        ({"status": Status.STOPPED}, ACCEPTED, 9, "receipt stop-notice control-slip"),
    ],
)  # fmt: skip
def test_a_form_is_there_when_what_it_says_has_happened(
    change: dict[str, object], events: list[Event], later: int, forms: str
) -> None:
    case = replace(CASE, **change)  # type: ignore[arg-type]  # the table's columns have many types
    assert " ".join(available(case, events, NOW + timedelta(days=later))) == forms


def test_both_sets_have_every_form_and_seven_numbers_at_most() -> None:
    for edition in EDITIONS.values():
        assert set(edition.headings) == set(Form)
        numbers = {heading.number for heading in edition.headings.values()}
        assert numbers - {None} <= {f"0{n}" for n in range(1, 8)}
    assert {heading.number for heading in EDITIONS["2025"].headings.values()} == {f"0{n}" for n in range(1, 8)}
    assert EDITIONS["2025"].lookup and not EDITIONS["2018"].lookup


def test_the_last_request_is_the_one_that_is_printed() -> None:
    asked = [
        event("request-supplement", Status.SUPPLEMENT_REQUIRED, n, reason=f"lần {n}", missing=[f"giấy {n}"])
        for n in (5, 6)
    ]
    said = decision(Form.SUPPLEMENT_REQUEST, Record(CASE, [*ACCEPTED, *asked]), NOW)
    assert said == Decision(NOW + timedelta(minutes=6), "lần 6", ("giấy 6",))
    dates = {"before": "2026-09-24", "appointment_on": "2026-09-30", "due_at": "2026-09-30T10:00:00Z"}
    extended = event("extend", Status.PROCESSING, 9, reason="xác minh", **dates)
    said = decision(Form.EXTENSION, Record(CASE, [extended]), NOW)
    assert (said.before, said.appointment_on) == (date(2026, 9, 24), date(2026, 9, 30))
    apology = decision(Form.APOLOGY, Record(CASE, ACCEPTED, apology_reason="chờ xác minh"), NOW)
    assert (apology.at, apology.reason, apology.before) == (NOW, "chờ xác minh", date(2026, 9, 24))
    pushed = replace(CASE, status=Status.STOPPED)
    assert decision(Form.STOP_NOTICE, Record(pushed, []), NOW) == Decision(NOW)


def test_the_control_slip_has_every_step_with_the_limit_then_in_force() -> None:
    events = [
        *ACCEPTED,
        event("extend", Status.PROCESSING, 60, reason="xác minh", due_at="2026-09-30T10:00:00+00:00"),
        event("complete", Status.COMPLETED, 120, late=False),
        event("pushed", Status.RETURNED, 180),
    ]
    lines = steps(Record(CASE, events, staff={7: "lan"}), ZONE)
    assert [line.what for line in lines] == [
        "Đăng ký hồ sơ", "Tiếp nhận hồ sơ", "Gia hạn, xin lỗi và hẹn lại", "Có kết quả giải quyết", "Đã trả kết quả"
    ]  # fmt: skip
    due = [line.due_at and wording.short_moment(line.due_at) for line in lines]
    assert due == [None, "17:00 24/09/2026", *["17:00 30/09/2026"] * 3]
    assert [line.outcome for line in lines] == [None, None, None, "Trước hạn", None]
    assert {line.who for line in lines} == {"lan"}
    assert lines[2].note == "xác minh"
    assert wording.short_moment(lines[0].at) == "15:30 21/09/2026"


def test_every_action_has_its_words_on_the_control_slip() -> None:
    assert set(Action) <= set(STEPS)


@pytest.mark.parametrize(
    ("finished", "due", "said"),
    [
        ("2026-09-23T23:59:00+07:00", "2026-09-24T17:00:00+07:00", "Trước hạn"),
        ("2026-09-23T18:00:00+00:00", "2026-09-24T17:00:00+07:00", "Đúng hạn"),  # 01:00 of the due day in Viet Nam
        ("2026-09-24T17:00:00+07:00", "2026-09-24T17:00:00+07:00", "Đúng hạn"),
        ("2026-09-24T17:00:01+07:00", "2026-09-24T17:00:00+07:00", "Quá hạn"),
        ("2026-09-24T08:00:00+07:00", "2026-09-25T00:00:00+07:00", "Đúng hạn"),  # a day that closes at 24:00
    ],
)
def test_before_in_and_after_time(finished: str, due: str, said: str) -> None:
    assert punctuality(datetime.fromisoformat(finished), datetime.fromisoformat(due)) == said


def test_dates_money_and_limits_as_papers_write_them() -> None:
    assert wording.long_day(date(2026, 2, 5)) == "ngày 05 tháng 02 năm 2026"
    assert wording.long_day(date(2026, 3, 15)) == "ngày 15 tháng 3 năm 2026"
    assert wording.long_moment(datetime(2026, 12, 1, 8, 5, tzinfo=ZONE)) == "08 giờ 05 phút, ngày 01 tháng 12 năm 2026"
    assert wording.short_day(date(2026, 2, 5)) == "05/02/2026"
    assert [wording.dong(amount) for amount in (0, 8_000, 1_234_567)] == ["0 đồng", "8.000 đồng", "1.234.567 đồng"]
    limits = [wording.limit_words(Limit.parse(text)) for text in ("3d", "4h", "0d")]
    assert limits == ["3 ngày làm việc", "4 giờ làm việc", "trong ngày làm việc"]
