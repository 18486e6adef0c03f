"""How Vietnamese official papers write dates, money and time limits. Pure."""

from __future__ import annotations

from datetime import date, datetime

from tracking.deadlines import Limit


def long_day(day: date) -> str:
    """``ngày 05 tháng 02 năm 2026``: a zero before days under 10 and months under 3, as in official papers."""
    month = f"{day.month:02d}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"


def long_moment(at: datetime) -> str:
    """``08 giờ 30 phút, ngày 05 tháng 02 năm 2026``, in the moment's own offset."""
    return f"{at:%H} giờ {at:%M} phút, {long_day(at.date())}"


def short_day(day: date) -> str:
    """``05/02/2026``."""
    return f"{day:%d/%m/%Y}"


def short_moment(at: datetime) -> str:
    """``08:30 05/02/2026``."""
    return f"{at:%H:%M %d/%m/%Y}"


def dong(amount: int) -> str:
    """``150.000 đồng``."""
    return f"{amount:,}".replace(",", ".") + " đồng"


def limit_words(limit: Limit) -> str:
    """``3 ngày làm việc``, ``4 giờ làm việc``; a limit of 0 days ends with the day."""
    if limit.unit == "h":
        return f"{limit.amount} giờ làm việc"
    return f"{limit.amount} ngày làm việc" if limit.amount else "trong ngày làm việc"
