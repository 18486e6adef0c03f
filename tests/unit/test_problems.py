"""The table of problems, and what one looks like as JSON and as a page."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module, resources

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

import kit
import office
import tickets
import tracking
from kit.pages import Pages
from kit.problems import BadRequest, FieldError, Problem, ProblemType
from service.problems import PROBLEMS

OURS = ("kit.", "office.", "tickets.", "tracking.")
# Raised for the operator, by start-up and commands, or caught on the way; no request can end with one of these.
NEVER_SEEN_BY_A_CALLER = {
    "UnsafeDatabase",
    "RemoteUnavailable",
    "NotASnapshot",
    "MigrationError",
    "CatalogueError",
    "ImportFileError",
    "MissingDetail",
    "UnknownPlace",
    "WrongPeriod",
    "BrokenWording",
    "ForbiddenAddress",
    "NoResultYet",
    "NotByPost",
    "SnapshotError",
    "NothingToScore",
}


def own_exceptions() -> Iterator[type[Exception]]:
    for package in (kit, office, tickets, tracking):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = import_module(found.name)
            for _, thing in inspect.getmembers(module, inspect.isclass):
                own = thing.__module__ == module.__name__ and not thing.__name__.startswith("_")
                if issubclass(thing, Exception) and own:
                    yield thing


def test_every_exception_in_the_table_is_one_of_ours() -> None:
    for exception in PROBLEMS:
        assert exception.__module__.startswith(OURS), exception


def test_every_exception_of_ours_is_in_the_table_or_never_seen() -> None:
    missing = {exception.__name__ for exception in own_exceptions() if exception not in PROBLEMS}
    assert missing == NEVER_SEEN_BY_A_CALLER


def test_every_problem_is_complete_and_named_once() -> None:
    kinds = list(PROBLEMS.values())
    assert len({kind.slug for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert 400 <= kind.status <= 503
        assert kind.title
        assert kind.title_en.isascii()
        assert (kind.retry_after is not None) == (kind.status == 503)


def test_what_does_not_exist_and_what_is_broken_tells_nothing_more() -> None:
    for kind in PROBLEMS.values():
        if kind.status in (404, 503):
            assert not kind.shows_detail, kind


def test_json() -> None:
    problem = Problem(
        PROBLEMS[BadRequest],
        "the body has wrong fields",
        "urn:motcua:request:1",
        (FieldError("services[0]", "Input should be a valid string"),),
    )
    assert json.loads(problem.json()) == {
        "type": "/problems/bad-request",
        "title": "Yêu cầu không hợp lệ · Bad request",
        "status": 400,
        "detail": "the body has wrong fields",
        "instance": "urn:motcua:request:1",
        "errors": [{"field": "services[0]", "reason": "Input should be a valid string"}],
    }
    assert list(json.loads(Problem(PROBLEMS[BadRequest]).json())) == ["type", "title", "status"]


@pytest.fixture(scope="module")
def pages() -> Pages:
    texts = resources.files("kit").joinpath("locale/en/LC_MESSAGES/motcua.po").read_bytes()
    return Pages(("kit", "tracking", "tickets"), texts)


@pytest.mark.parametrize("kind", PROBLEMS.values(), ids=lambda kind: kind.slug)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_page(pages: Pages, kind: ProblemType, language: str) -> None:
    request = make_mocked_request("GET", f"/<x>?lang={language}")
    response = pages.error(request, Problem(kind, "detail", "urn:motcua:request:<1>"))
    assert isinstance(response, web.Response)
    assert response.text is not None
    assert response.status == kind.status
    assert response.content_type == "text/html"
    assert f'<html lang="{language}">' in response.text
    assert (kind.title if language == "vi" else kind.title_en) in response.text
    assert "<x>" not in response.text
    assert "<1>" not in response.text
