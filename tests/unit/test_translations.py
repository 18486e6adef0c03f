"""Both languages are whole: every text has its English, and every page can be rendered in either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from markupsafe import Markup

from kit.pages import Pages
from kit.problems import FieldError, Problem
from kit.sessions import Role, Staff
from office.model import Agency, Office, Procedure, RequiredPaper, Service
from office.pages import Field
from service.problems import PROBLEMS
from tickets.counters import AtCounter, CounterState
from tickets.ticket import State
from tracking.status import Dossier, Named, Status, public_answer

REPOSITORY = Path(__file__).parents[2]
CATALOGUE = REPOSITORY / "kit/locale/en/LC_MESSAGES/motcua.po"
TEMPLATES = {
    f"{package}/{file.name}"
    for package, folder in (
        ("kit", "kit"),
        ("office", "office"),
        ("tracking", "tracking"),
        ("tickets", "queue/tickets"),
    )
    for file in (REPOSITORY / folder / "templates").glob("*.html")
}
PARTS = {"kit/base.html", "kit/kiosk.html", "tracking/labels.html", "tickets/places.html"}
"""Templates that are pages only within others."""
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
VIETNAMESE = re.compile(r"[À-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ]")

OFFICE = Office("here", "her", "Điểm một", "Point one", "point", None, "1 Main Street", ("H26.99",),
                date(2025, 7, 1), None, ())  # fmt: skip
SERVICES = {"births": Service("births", "Hộ tịch", "Civil status", "A", 10.0, ())}
STAFF, LEADER = (Staff(1, "lan", role, "here") for role in (Role.CLERK, Role.SUPERVISOR))
QUEUES: list[dict[str, Any]] = [
    {"service": "births", "waiting": waiting, "counters_open": 1, "wait_minutes": wait}
    for waiting, wait in ((0, None), (1, {"p50": 3, "p90": 8}), (12, {"p50": 40, "p90": 70}))
]


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="en")


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(("kit", "office", "tracking", "tickets"), CATALOGUE.read_bytes())


def messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def test_every_text_has_one_entry_and_every_entry_a_text(catalogue: Catalog) -> None:
    with (REPOSITORY / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # babel types a part of itself
    found = {
        message if isinstance(message, str) else tuple(message)
        for _, _, message, _, _ in extract_from_dir(REPOSITORY, methods, options)
    }
    assert len(found) > 50
    assert {
        message.id if isinstance(message.id, str) else tuple(message.id) for message in messages(catalogue)
    } == found
    assert not catalogue.obsolete


def test_every_entry_is_finished_english(catalogue: Catalog) -> None:
    for message in messages(catalogue):
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert texts and all(texts), f"not translated: {message.id}"
        assert not message.fuzzy, f"fuzzy: {message.id}"
        assert len(texts) == (2 if message.pluralizable else 1), f"plural forms: {message.id}"
        assert not any(VIETNAMESE.search(text) for text in texts), f"still Vietnamese: {texts}"
        assert not list(message.check(catalogue)), f"other placeholders: {message.id}"


def ticket(state: State, ahead: int | None = None, wait: dict[str, int] | None = None) -> dict[str, Any]:
    place = {"number": "A007", "state": state.value, "ahead": ahead, "wait_minutes": wait, "counter": None}
    at_counter = state in (State.CALLED, State.SERVING, State.SERVED, State.NO_SHOW)
    return {
        "token": "her.1xx.0123456789012345678901",
        "ticket": place | ({"counter": "Quầy 1"} if at_counter else {}),
        "final": state.is_final,
        "office": OFFICE,
        "service": SERVICES["births"],
        "issued_at": NOW,
        "as_of": NOW,
        "qr": Markup("<svg></svg>"),
    }


def dossier(status: Status, due: datetime, changes: int) -> dict[str, Any]:
    office, agency = Named("here", "Điểm một"), Named("H26.99", "Ủy ban")
    finished = NOW if status.is_final else None
    value = Dossier("H26.99-261120-0001", Named("1.1", "Khai sinh"), office, agency, status, NOW, due, due.date(),
                    changes, finished, 1)  # fmt: skip
    answer: dict[str, Any] = public_answer(value, NOW)
    return {"dossier": answer | {"received_on": NOW.date(), "appointment_on": due.date(), "as_of": NOW}}


def group(due: datetime) -> dict[str, Any]:
    kind = {"id": "birth", "name": "Khai sinh", "name_en": "Birth"}
    parts = [dossier(status, due, 0)["dossier"] for status in Status]
    return {"group": {"code": "H26.99-261120-0001", "kind": kind, "version": 10, "parts": parts}}


def desk(state: State | None, opened: datetime | None, waiting: int) -> dict[str, Any]:
    at_counter = [AtCounter("her.1xx.0123456789012345678901", "A007", "births", state, NOW, NOW)] if state else []
    return {
        "staff": STAFF,
        "office": OFFICE,
        "services": SERVICES,
        "counter": CounterState("here-1", "here", "Quầy 1", ("births",), ("births",), opened, "minh"),
        "at_counter": at_counter,
        "queues": QUEUES,
        "waiting": waiting,
        "timezone": UTC,
        "overtaken": state is None,
        "key": "k" * 22,
    }


def office(exists: bool, takes_tickets: bool, opens: datetime | None) -> dict[str, Any]:
    return {
        "office": OFFICE,
        "services": SERVICES,
        "queues": QUEUES,
        "exists": exists,
        "takes_tickets": takes_tickets,
        "opens": opens,
        "replaced_by": [OFFICE],
        "call_order": "2",
        "key": "k" * 22,
    }


def kiosk() -> dict[str, Any]:
    return {"office": OFFICE, "back": 20}


PAPERS = (RequiredPaper("Tờ khai", "Form", True), RequiredPaper("Hộ chiếu", "Passport", False))
PROCEDURES = tuple(
    Procedure(f"1.{limit}", "Khai sinh", "Birth", "Hộ tịch", "Civil status", limit, fee, papers, None, fee == 0, agency)
    for limit, fee, papers, agency in (
        ("0d", 0, PAPERS, "H26.99"), ("1d", 8000, PAPERS[:1], None), ("3d", 1, (), "H26.99"), ("1h", 0, (), None),
        ("4h", 0, (), None), (None, 0, (), None),
    )
)  # fmt: skip


def procedures(exists: bool, typed: str, count: int, number: int = 1, pages: int = 1) -> dict[str, Any]:
    return {
        "office": OFFICE,
        "exists": exists,
        "replaced_by": [OFFICE],
        "typed": typed,
        "count": count,
        "fields": [Field("Hộ tịch", "Civil status", PROCEDURES[:count])] if count else [],
        "services": {one.code: list(SERVICES.values()) * 2 for one in PROCEDURES},
        "agencies": {"H26.99": Agency("H26.99", "Ủy ban", "Committee")},
        "number": number,
        "pages": pages,
        "dong": str,
    }


WAIT = {"p50": 5, "p90": 9}
COUNTERS = [
    CounterState(f"here-{n}", "here", f"Quầy {n}", ("births",), (), at, None) for n, at in ((1, NOW), (2, None))
]
CASES: dict[str, list[dict[str, Any]]] = {
    "kit/problem.html": [
        {"problem": Problem(kind, None, instance, errors), "at_desk": at_desk}
        for kind in PROBLEMS.values()
        for instance, at_desk, errors in (("urn:1", False, ()), (None, True, (FieldError("list", "no such list"),)))
    ],
    "tracking/front.html": [{"typed": "", "wrong": False}, {"typed": "abc", "wrong": True}],
    "tracking/dossier.html": [
        dossier(status, due, changes)
        for status in Status
        for due, changes in ((datetime(2026, 11, 25, tzinfo=UTC), 0), (datetime(2026, 11, 10, tzinfo=UTC), 1),
                             (datetime(2026, 11, 10, tzinfo=UTC), 2))
    ],
    "tracking/group.html": [group(datetime(2026, 11, day, tzinfo=UTC)) for day in (10, 25)],
    "office/choose.html": [{"offices": [OFFICE]}],
    "office/procedures.html": [
        procedures(exists=False, typed="", count=0),
        procedures(exists=True, typed="", count=0),
        procedures(exists=True, typed="birth", count=0),
        procedures(exists=True, typed="birth", count=1),
        *(procedures(exists=True, typed="", count=6, number=number, pages=3) for number in (1, 2, 3)),
    ],
    "tickets/offices.html": [{"offices": [OFFICE]}],
    "tickets/office.html": [
        office(exists=False, takes_tickets=False, opens=None),
        office(exists=True, takes_tickets=False, opens=NOW),
        office(exists=True, takes_tickets=False, opens=None),
        office(exists=True, takes_tickets=True, opens=None),
    ],
    "tickets/kiosk.html": [
        kiosk() | {"services": SERVICES, "queues": QUEUES, "takes_tickets": takes_tickets, "opens": opens}
        for takes_tickets, opens in ((True, None), (False, NOW), (False, None))
    ],
    "tickets/kiosk_priority.html": [kiosk() | {"service": SERVICES["births"], "key": "k" * 22}],
    "tickets/kiosk_ticket.html": [
        kiosk() | ticket(state, ahead, wait) | {"by_browser": by_browser, "print_state": print_state}
        for state, ahead, wait in ((State.WAITING, 0, None), (State.WAITING, 1, WAIT), (State.WAITING, 12, WAIT),
                                   (State.CALLED, None, None))
        for by_browser, print_state in ((True, None), (False, None), (False, "printed"), (False, "print_failed"))
    ],
    "tracking/kiosk_dossier.html": [
        kiosk() | {"wrong": wrong, "dossiers": []} for wrong in (True, False)
    ] + [
        kiosk() | {"wrong": False, "dossiers": [dossier(status, NOW, 0)["dossier"] for status in Status]}
    ],
    "tickets/sign.html": [{"office": OFFICE, "address": "http://here/o/here", "qr": Markup("<svg></svg>")}],
    "tickets/sign_in.html": [{"wrong": False, "typed": ""}, {"wrong": True, "typed": "lan"}],
    "tickets/choose_counter.html": [
        {"staff": staff, "office": OFFICE, "services": SERVICES, "counters": COUNTERS} for staff in (STAFF, LEADER)
    ],
    "tickets/desk.html": [
        desk(None, None, 0),
        desk(None, NOW, 0),
        desk(None, NOW, 1),
        desk(None, NOW, 12),
        desk(State.CALLED, NOW, 3),
        desk(State.SERVING, None, 3),
    ],
    "tickets/ticket.html": [
        *(ticket(state) for state in State),
        *(ticket(State.WAITING, ahead, wait) for ahead, wait in ((0, None), (1, WAIT), (12, WAIT))),
    ],
}  # fmt: skip


class _Shown(HTMLParser):
    """Collects the text that is not marked as Vietnamese."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.language = ["en"]
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.language.append(dict(attrs).get("lang") or self.language[-1])

    def handle_endtag(self, tag: str) -> None:
        self.language.pop()

    def handle_data(self, data: str) -> None:
        self.text += data if self.language[-1] == "en" else ""


def test_every_template_has_its_cases() -> None:
    assert set(CASES) | PARTS == TEMPLATES


@pytest.mark.parametrize("template", sorted(CASES))
def test_both_languages_render(pages: Pages, template: str) -> None:
    for values in CASES[template]:
        for address, language in (("/x", "vi"), ("/x?lang=en&counter=1", "en")):
            text = pages.render(make_mocked_request("GET", address), template, **values).text
            assert text is not None
            assert f'<html lang="{language}">' in text
            assert text.count("<h1") == 1
            other = {"vi": 'href="?lang=en" lang="en"', "en": 'href="?counter=1" lang="vi"'}[language]
            assert other in text


@pytest.mark.parametrize("template", sorted(CASES))
def test_english_pages_say_nothing_in_vietnamese_that_is_not_marked_so(pages: Pages, template: str) -> None:
    for values in CASES[template]:
        text = pages.render(make_mocked_request("GET", "/x?lang=en"), template, **values).text
        assert text is not None
        shown = _Shown()
        shown.feed(re.sub(r"<title>.*?</title>", "", text))
        assert shown.language == ["en"], "a tag is not closed"
        assert not VIETNAMESE.search(shown.text), VIETNAMESE.findall(shown.text)
        for label in re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', text):
            assert not VIETNAMESE.search(label), label


def test_the_link_to_the_other_language_never_leads_to_another_site(pages: Pages) -> None:
    for address in ("//evil.example/", "/d/x?next=//evil.example", "/find?code=a%26b%3Dc"):
        text = pages.render(make_mocked_request("GET", address), "tickets/offices.html", offices=[]).text
        assert text is not None
        assert re.findall(r'<a href="([^"]*)" lang="en"', text) == [
            f"?{address.partition('?')[2].replace('//', '%2F%2F')}&amp;lang=en".replace("?&amp;", "?")
        ]
    text = pages.render(make_mocked_request("POST", "/o/here"), "tickets/offices.html", offices=[]).text
    assert text is not None
    assert "English" not in text  # only a form leads there
