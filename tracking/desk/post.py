"""A result that goes by post: the number of its parcel, as the clerk types it and as the applicant then sees it."""

from __future__ import annotations

import re

from multidict import MultiDict

from kit.database import Connection
from kit.sessions import Staff
from office.model import Office
from tracking.actions import KeptElsewhere
from tracking.api import UnknownDossier
from tracking.cases import must_work_on, read_case
from tracking.codes import Code
from tracking.desk.forms import Faults
from tracking.desk.store import queries
from tracking.status import Status

POST = "post"
SENDABLE = frozenset({Status.COMPLETED, Status.RETURNED})
_NUMBER = re.compile(r"[A-Za-z0-9]{5,30}")


class NotByPost(Exception):
    """Nobody asked for the result of this dossier by post."""


class NoResultYet(Exception):
    """There is no result that could have been sent."""


def number_of(typed: MultiDict[str]) -> tuple[str, Faults]:
    """The tracking number in capitals and without spaces, such as EA123456789VN; "" and the fault if it is none."""
    number = "".join(typed.get("tracking_number", "").split())
    if not number:
        return "", {"tracking_number": "required"}
    if not _NUMBER.fullmatch(number):
        return "", {"tracking_number": "malformed"}
    return number.upper(), {}


async def record_sent(
    connection: Connection, code: Code, number: str, staff: Staff, own: Office, request_id: str
) -> None:
    """Keep ``number`` and, the first time, the moment; the same number again changes nothing. ``own`` is the office of
    ``staff``.

    Within the caller's transaction. Raises UnknownDossier, Forbidden, KeptElsewhere, NotByPost, NoResultYet.
    """
    case = await read_case(connection, code)
    if case is None:
        raise UnknownDossier
    must_work_on(staff, case, own)
    if case.origin not in (None, "import"):
        raise KeptElsewhere
    if await queries.desk_post.row(connection, year=code.year, code=code.text) is None:
        raise NotByPost
    if case.status not in SENDABLE:
        raise NoResultYet
    await queries.desk_post_sent.run(
        connection,
        year=code.year,
        code=code.text,
        tracking_number=number,
        staff_id=staff.id,
        office_id=staff.office,
        request_id=request_id,
    )
