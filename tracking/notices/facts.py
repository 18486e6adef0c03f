"""What a letter or message may say about a dossier: plain values, in the applicant's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel.dates import format_date

from tracking.status import Status, late

Language = Literal["vi", "en"]
Values = Mapping[str, object]
VIET_NAM = ZoneInfo("Asia/Ho_Chi_Minh")
MOST_MISSING = 30


class Row(Protocol):
    """A row of the database, by column."""

    def __getitem__(self, name: str, /) -> Any:
        """The column's value."""
        ...


def facts(row: Row, public_url: str, now: datetime) -> Values:
    """The values that texts are made of, from a row of ``messages_read`` or ``letter_read``.

    Every value is always there: text ("" if there is none), a flag, or (``missing``) a list of text.
    """
    language: Language = "en" if row["language"] == "en" else "vi"
    details: Mapping[str, Any] = row["details"] or {}
    english = "_en" if language == "en" else ""
    return {
        "name": row["applicant_name"] or "",
        "code": row["code"],
        "procedure": row[f"procedure_name{english}"],
        "office": row[f"office_name{english}"],
        "address": row["office_address"] or "",
        "agency": row[f"agency_name{english}"],
        "received": day(row["received_at"], language),
        "due": moment(row["due_at"], language),
        "appointment": day(row["appointment_on"], language),
        "before": day(_date(details.get("before")), language),
        "finished": day(row["finished_at"], language),
        "reason": row["reason"] or "",
        "guidance": str(details.get("guidance") or ""),
        "missing": [str(paper) for paper in details.get("missing") or ()][:MOST_MISSING],
        "purpose": str(details.get("purpose") or ""),
        "amount": money(row["amount_due"] or details.get("amount") or 0, language),
        "late": late(Status(row["status"]), row["due_at"], row["finished_at"], row["clock_stopped_at"], now),
        "originals": bool(row["originals_held"]),
        "link": link(public_url, row["code"], row["token"], language),
        "may_rate": row["token"] is not None,
    }


def link(public_url: str, code: str, receipt: str | None, language: Language) -> str:
    """The address of the dossier's page: the applicant's own if there is a receipt, else the public one; "" if nobody
    said under which address the service is reached.
    """
    if not public_url:
        return ""
    path = f"/r/{quote(receipt)}" if receipt else f"/d/{quote(code)}"
    return f"{public_url}{path}{'?lang=en' if language == 'en' else ''}"


def day(value: date | datetime | None, language: Language) -> str:
    """``24/09/2026`` or ``24 September 2026``, in Viet Nam's time; "" for None."""
    if value is None:
        return ""
    local = value.astimezone(VIET_NAM).date() if isinstance(value, datetime) else value
    return format_date(local, "dd/MM/yyyy" if language == "vi" else "d MMMM yyyy", locale=language)


def moment(value: datetime | None, language: Language) -> str:
    """``17:00 ngày 24/09/2026`` or ``17:00 on 24 September 2026``; "" for None."""
    if value is None:
        return ""
    return f"{value.astimezone(VIET_NAM):%H:%M} {'ngày' if language == 'vi' else 'on'} {day(value, language)}"


def money(amount: int, language: Language) -> str:
    """``150.000 đồng`` or ``150,000 VND``; "" for 0."""
    if not amount:
        return ""
    return f"{amount:,} VND" if language == "en" else f"{amount:,} đồng".replace(",", ".")


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
