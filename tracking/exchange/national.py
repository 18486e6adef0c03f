"""The names under which the national portal's sync has the same fields (see docs/exchange.md). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES: Mapping[str, str] = {
    "MaHoSo": "code",
    "MaTTHC": "procedure",
    "DonViXuLy": "competent_agency",
    "TrangThaiHoSo": "status",
    "NgayTiepNhan": "received_at",
    "NgayHenTra": "due_at",
    "NgayKetThucXuLy": "finished_at",
    "NgayTra": "returned_at",
    "DanhSachQuaTrinhXuLy": "steps",
}
STEP_NAMES: Mapping[str, str] = {
    "ThoiDiemXuLy": "at",
    "NoiDungXuLy": "name",
    "TrangThai": "status",
    "PhongBanXuLy": "agency",
}


def translated(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A row under our names; what has none keeps its own. ``NgayHenTra`` is also the promised day if none is given.

    ValueError if a field is there under both names.
    """
    row = _renamed(raw, NAMES)
    if "NgayHenTra" in raw and "appointment_on" not in row and isinstance(raw["NgayHenTra"], str):
        row["appointment_on"] = _day_of(raw["NgayHenTra"].strip())
    if isinstance(row.get("steps"), list):
        row["steps"] = [_step(step) if isinstance(step, dict) else step for step in row["steps"]]
    return row


def _step(raw: Mapping[str, Any]) -> dict[str, Any]:
    step = _renamed(raw, STEP_NAMES)
    if isinstance(step.get("status"), str) and step["status"].isdecimal():
        step["status"] = int(step["status"])
    return {name: value for name, value in step.items() if value != ""}


def _renamed(raw: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    renamed = {names.get(name, name): value for name, value in raw.items()}
    if len(renamed) < len(raw):
        raise ValueError("a field is there under two names")
    return renamed


def _day_of(moment: str) -> str:
    return f"{moment[:4]}-{moment[4:6]}-{moment[6:8]}" if moment[:8].isdecimal() else moment[:10]
