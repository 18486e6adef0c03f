"""Named SQL: every query of the product stands in a ``.sql`` file under ``-- name: query_name`` and is called by
that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

    from kit.database import Connection

_NAME = re.compile(r"^--\s*name:\s*([a-z_][a-z0-9_]*)\s*$", re.MULTILINE)
_PARAMETER = re.compile(r"'[^']*'|--[^\n]*|(?<![:\w]):([a-z_][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement: ``text`` with PostgreSQL's ``$n``, and the names that ``:name`` gave them, in that order."""

    name: str
    text: str
    parameters: tuple[str, ...]

    def _arguments(self, given: Mapping[str, object]) -> list[object]:
        if len(given) != len(self.parameters):
            raise TypeError(f"query {self.name} takes {self.parameters}, got {tuple(given)}")
        return [given[name] for name in self.parameters]

    async def rows(self, connection: Connection, **given: object) -> list[asyncpg.Record]:
        """All rows."""
        return await connection.fetch(self.text, *self._arguments(given))

    async def row(self, connection: Connection, **given: object) -> asyncpg.Record | None:
        """The first row, None if there is none."""
        return await connection.fetchrow(self.text, *self._arguments(given))

    async def value(self, connection: Connection, **given: object) -> Any:
        """The first column of the first row, None if there is none."""
        return await connection.fetchval(self.text, *self._arguments(given))

    async def run(self, connection: Connection, **given: object) -> str:
        """Execute; the answer is PostgreSQL's command tag, for example ``UPDATE 1``."""
        return await connection.execute(self.text, *self._arguments(given))


class Queries:
    """The queries of one package's ``sql/`` folder, as attributes."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"no query named {name}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def parse(text: str) -> Iterator[Query]:
    """The queries of one file's text, in order."""
    pieces = _NAME.split(text)
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        parameters: list[str] = []

        def number(match: re.Match[str], parameters: list[str] = parameters) -> str:
            parameter = match.group(1)
            if parameter is None:
                return match.group(0)
            if parameter not in parameters:
                parameters.append(parameter)
            return f"${parameters.index(parameter) + 1}"

        yield Query(name, _PARAMETER.sub(number, body).strip().rstrip(";"), tuple(parameters))


def load(package: str) -> Queries:
    """Every query in ``package``'s ``sql/*.sql``. A name that stands twice is a ValueError."""
    queries: dict[str, Query] = {}
    for file in sorted(resources.files(package).joinpath("sql").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        for query in parse(file.read_text(encoding="utf-8")):
            if query.name in queries:
                raise ValueError(f"{package}/sql/{file.name}: query {query.name} is there twice")
            queries[query.name] = query
    return Queries(queries)
