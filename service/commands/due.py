"""``motcua due``: when a dossier is handed over and when it is due."""

from __future__ import annotations

import re
from datetime import datetime

import click
import orjson

from office.calendar import Calendar
from office.policies import Policies
from tracking.deadlines import Deadline, Limit, deadline
from tracking.policy import Policy

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_WEEKDAYS = (
    ("Thứ Hai", "Mon"),
    ("Thứ Ba", "Tue"),
    ("Thứ Tư", "Wed"),
    ("Thứ Năm", "Thu"),
    ("Thứ Sáu", "Fri"),
    ("Thứ Bảy", "Sat"),
    ("Chủ Nhật", "Sun"),
)


class BadInput(click.ClickException):
    """An option that makes no sense: one line on stderr, exit status 2."""

    exit_code = 2


@click.command()
@click.option("--office", "office_id", metavar="ID", help="Count by this office's calendar and policy.")
@click.option("--received", required=True, metavar="TIME", help="When it came in, like 2026-08-21T15:30.")
@click.option("--limit", required=True, metavar="LIMIT", help="Working days like 3d or working hours like 4h.")
@click.option("--online", is_flag=True, help="It was submitted online: no cut-off.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def due(office_id: str | None, received: str, limit: str, online: bool, as_json: bool) -> None:
    """Say when a dossier is handed over and when it is due.

    Without --office the default calendar counts, and no database is asked. A TIME without an offset is local
    time at the office.
    """
    calendar, policies = load_office_rules(office_id) if office_id is not None else (Calendar.default(), Policies(()))
    try:
        at = _moment(received, calendar)
        policy = Policy.from_mapping(policies.on(calendar.local(at).date())).deadlines
        counted = deadline(at, Limit.parse(limit), calendar, policy, online=online)
    except ValueError as error:
        raise BadInput(str(error)) from None
    click.echo(_as_json(counted) if as_json else _as_text(counted))


def load_office_rules(office_id: str) -> tuple[Calendar, Policies]:
    """Return calendar and rules of the office in the database; unknown: ends with status 2."""
    from service.commands.offices import calendar_and_policies  # noqa: PLC0415 - only this path needs the database

    return calendar_and_policies(office_id)


def _moment(text: str, calendar: Calendar) -> datetime:
    if not _TIME.fullmatch(text.strip()):
        raise ValueError(f"--received {text[:40]!r}: expected a time like 2026-08-21T15:30 or 2026-08-21T15:30+07:00")
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"--received {text!r}: {error}") from None
    return at if at.tzinfo else at.replace(tzinfo=calendar.timezone)


def _as_json(counted: Deadline) -> str:
    moments = {"received": counted.received, "handed_over": counted.handed_over, "due": counted.due}
    return orjson.dumps({name: at.isoformat() for name, at in moments.items()}).decode()


def _as_text(counted: Deadline) -> str:
    rows = (
        ("Tiếp nhận / received", counted.received),
        ("Chuyển xử lý / handed over", counted.handed_over),
        ("Hạn giải quyết / due", counted.due),
    )
    return "\n".join(f"{label:<28}{_in_words(at)}" for label, at in rows)


def _in_words(at: datetime) -> str:
    vietnamese, english = _WEEKDAYS[at.weekday()]
    return f"{at:%H:%M} {vietnamese} ({english}) {at:%d/%m/%Y}"
