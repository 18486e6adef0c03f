"""Named SQL: from ``:name`` to ``$n``, and no query by accident."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kit.sql import Query, load, parse


def one(text: str) -> Query:
    (query,) = parse(text)
    return query


def test_names_become_numbers_in_order_of_appearance() -> None:
    query = one("-- name: find_it\nSELECT a FROM t WHERE b = :second AND a = :first AND c = :second;\n")
    assert query == Query("find_it", "SELECT a FROM t WHERE b = $1 AND a = $2 AND c = $1", ("second", "first"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT now()::timestamptz",
        "SELECT '{}'::text[]",
        "SELECT ':not_one'",
        "SELECT 'it''s :not_one'",
        "SELECT 1 -- :not_one",
        "SELECT a[1:n] FROM t",
    ],
)
def test_what_is_no_parameter(sql: str) -> None:
    query = one(f"-- name: plain\n{sql}\n")
    assert query.parameters == ()
    assert query.text == sql


def test_a_cast_parameter_keeps_its_cast() -> None:
    assert one("-- name: cast\nSELECT :ids::bigint[]").text == "SELECT $1::bigint[]"


def test_several_queries_of_one_file_stay_apart() -> None:
    queries = list(parse("-- a remark\n-- name: first\n-- why\nSELECT 1;\n\n-- name: second\nSELECT :a;\n"))
    assert [query.name for query in queries] == ["first", "second"]
    assert queries[0].text == "-- why\nSELECT 1"
    assert queries[1].parameters == ("a",)


def package(folder: Path, name: str, **files: str) -> None:
    (folder / name / "sql").mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    for file, text in files.items():
        (folder / name / "sql" / f"{file}.sql").write_text(text)


def test_a_folder_is_one_set_of_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package(tmp_path, "loader_good", a="-- name: one\nSELECT 1;", b="-- name: two\nSELECT 2;")
    queries = load("loader_good")
    assert [query.name for query in queries] == ["one", "two"]
    assert queries.two.text == "SELECT 2"
    with pytest.raises(AttributeError, match="no query named three"):
        _ = queries.three
    sys.modules.pop("loader_good", None)


def test_a_name_may_stand_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package(tmp_path, "loader_twice", a="-- name: one\nSELECT 1;", b="-- name: one\nSELECT 2;")
    with pytest.raises(ValueError, match=r"loader_twice/sql/b\.sql: query one is there twice"):
        load("loader_twice")
    sys.modules.pop("loader_twice", None)
