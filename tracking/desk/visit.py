"""What every page of the clerk's has to know: the office, the moment, and the visit it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from kit.edge import STAFF
from kit.pages import in_language, language_of
from office.api import DIRECTORY
from office.model import OfficeDetail
from tracking.case_api import Ticket

_TICKET: TypeAdapter[str] = TypeAdapter(Ticket)
_NUMBER = re.compile(r"[A-Z]{0,3}\d{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visit:
    """The ticket that is being served, by its token, and its number; both empty without one."""

    ticket: str = ""
    number: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {"ticket": self.ticket, "number": self.number} if self.ticket else {}


async def at_office(request: web.Request) -> tuple[OfficeDetail, datetime]:
    """The office of who is signed in, and the moment on its clock."""
    detail = await request.app[DIRECTORY].detail(request[STAFF].office)
    return detail, datetime.now(detail.calendar.timezone)


def visit_of(ticket: str, number: str) -> Visit:
    """The visit that an address or a form names; what cannot be a ticket is none."""
    try:
        ticket = _TICKET.validate_python(ticket)
    except ValidationError:
        return Visit()
    return Visit(ticket, number if _NUMBER.fullmatch(number) else "")


def address(request: web.Request, path: str, **query: str) -> str:
    """An address of ours with what is not empty of ``query``, in the language of the page."""
    asked = urlencode({name: value for name, value in query.items() if value})
    return in_language(language_of(request), f"{path}?{asked}" if asked else path)
