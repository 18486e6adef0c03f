"""What other systems send: the national names, the parts of the clock that they leave out, and wrong rows."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from office.calendar import Calendar
from office.policies import OfficeRules, Policies, PolicyChange
from tracking.exchange.clocks import Clock, Clocks, OfficeTime
from tracking.exchange.files import RowError, check_row, read_rows
from tracking.exchange.national import NAMES, translated
from tracking.exchange.state import DossierRow, Push, Step

OURS: dict[str, Any] = {
    "code": "H26.18-260921-0007", "procedure": "2.000815", "receiving_office": "tay-ho", "competent_agency": "H26.18",
    "channel": "counter", "status": "9", "received_at": "2026-09-21T08:00:00+07:00",
    "due_at": "2026-09-24T17:00:00+07:00", "appointment_on": "2026-09-24", "finished_at": "2026-09-23T10:00:00+07:00",
}  # fmt: skip
NATIONAL: dict[str, Any] = {
    "MaHoSo": "H26.18-260921-0007", "MaTTHC": "2.000815", "receiving_office": "tay-ho", "DonViXuLy": "H26.18",
    "channel": "counter", "TrangThaiHoSo": "9", "NgayTiepNhan": "20260921080000", "NgayHenTra": "20260924170000",
    "NgayKetThucXuLy": "20260923100000",
}  # fmt: skip


def row(**other: Any) -> DossierRow:
    found = check_row(1, OURS | other)
    assert isinstance(found, DossierRow), found
    return found


def test_the_national_names_are_another_spelling() -> None:
    assert check_row(1, NATIONAL) == row()
    assert check_row(1, NATIONAL | {"appointment_on": "2026-09-25"}) == row(appointment_on="2026-09-25")
    iso = NATIONAL | {"NgayHenTra": "2026-09-24T17:00:00+07:00"}
    assert check_row(1, iso) == row()
    assert check_row(1, NATIONAL | {"code": "H26.18-260921-0008"}) == RowError(1, "a field is there under two names")


def test_the_national_steps_come_without_those_who_took_them() -> None:
    step = {"ThoiDiemXuLy": "20260921093000", "NoiDungXuLy": "Chuyển xử lý", "TrangThai": "4", "PhongBanXuLy": ""}
    found = check_row(1, NATIONAL | {"DanhSachQuaTrinhXuLy": [step]})
    assert isinstance(found, DossierRow)
    assert found.steps == (Step(at=datetime.fromisoformat("2026-09-21T09:30+07:00"), name="Chuyển xử lý", status=4),)
    refused = check_row(7, NATIONAL | {"DanhSachQuaTrinhXuLy": [step | {"NguoiXuLy": "Nguyễn Văn A"}]})
    assert refused == RowError(7, "steps.0.NguoiXuLy: Extra inputs are not permitted")
    assert check_row(7, NATIONAL | {"ChuHoSo": "Nguyễn Văn A"}) == RowError(
        7, "ChuHoSo: Extra inputs are not permitted"
    )


def test_every_national_name_stands_for_a_field() -> None:
    assert set(NAMES.values()) <= set(DossierRow.model_fields)
    assert translated({}) == {}


@pytest.mark.parametrize("name", ["d.csv", "d.jsonl"])
def test_a_national_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text(",".join(NATIONAL) + "\n" + ",".join(NATIONAL.values()) + "\n")
    else:
        path.write_text(json.dumps(NATIONAL) + "\n")
    ((_, found),) = read_rows(path)
    assert found == row()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"received_at": "1758416400"}, "received_at"),
        ({"received_at": "20261340080000"}, "received_at"),
        ({"received_at": 1758416400}, "received_at"),
        ({"appointment_on": "20260924x"}, "appointment_on"),
        ({"time_limit": "3 days"}, "time_limit"),
        ({"outcome": "lost"}, "outcome"),
        ({"processing_minutes": "-1"}, "processing_minutes"),
        ({"steps": [{"at": "2026-09-21T08:00:00+07:00", "name": "x\u0000"}]}, "steps.0.name"),
        ({"steps": "x"}, "steps"),
    ],
)
def test_a_wrong_row_names_its_field(wrong: dict[str, Any], field: str) -> None:
    found = check_row(3, OURS | wrong)
    assert isinstance(found, RowError)
    assert found.reason.startswith(f"{field}: "), found


def test_a_push_takes_no_text_for_a_number() -> None:
    body = {name: value for name, value in OURS.items() if name != "code"} | {"version": 1}
    assert Push.model_validate(body | {"status": 9}).origin == "push"
    with pytest.raises(ValidationError):
        Push.model_validate(body)


def time_of(*, cutoff: str = "15:00", later: str | None = None) -> OfficeTime:
    changes = (PolicyChange(date(2026, 9, 1), {"transfer_cutoff": later}),) if later else ()
    return OfficeTime(Calendar.default(), Policies((OfficeRules({"transfer_cutoff": cutoff}, changes),)))


def clock(office: OfficeTime, **other: Any) -> Clock:
    limits = {"2.000815": [(date(2025, 7, 1), "2d"), (date(2026, 9, 21), "3d")]}
    return Clocks({"tay-ho": office}, limits).complete(row(**other))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text + "+07:00")


def test_the_clock_is_computed_by_the_office() -> None:
    found = clock(time_of())
    # Monday 08:00 to Wednesday 10:00: two days of 450 minutes, less the half hour and more the two and a half.
    assert found == Clock(moment("2026-09-21T08:00"), "3d", 2 * 450 - 30 + 150)
    late = {"received_at": "2026-09-21T15:30:00+07:00"}
    assert clock(time_of(), **late) == Clock(moment("2026-09-22T07:30"), "3d", 450 + 150)
    assert clock(time_of(), **late, channel="online").handed_over_at == moment("2026-09-21T15:30")
    assert clock(time_of(later="16:00"), **late).handed_over_at == moment("2026-09-21T15:30")
    early = {"received_at": "2026-08-20T15:30:00+07:00"}
    assert clock(time_of(later="16:00"), **early) == Clock(moment("2026-08-21T07:30"), "2d", 21 * 450 + 150)


def test_what_is_given_stays() -> None:
    given = {"handed_over_at": "2026-09-22T07:30:00+07:00", "time_limit": "7d"}
    assert clock(time_of(), **given) == Clock(moment("2026-09-22T07:30"), "7d", 450 + 150)
    assert clock(time_of(), **given, stopped_minutes="450").processing_minutes == 150
    assert clock(time_of(), **given, processing_minutes="7").processing_minutes == 7


def test_what_cannot_be_computed_stays_open() -> None:
    assert clock(time_of(), status="3") == Clock(None, "3d", None)  # never handed over
    ancient = {"received_at": "1900-06-01T08:00:00+07:00", "finished_at": "1900-06-02T08:00:00+07:00"}
    assert clock(time_of(), **ancient) == Clock(None, None, None)
    assert Clocks().complete(row()) == Clock()
