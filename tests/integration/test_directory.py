"""The directory: an office that was imported a moment ago is found, and none vanishes with its database."""

from __future__ import annotations

import asyncio

import pytest

from kit.database import Database
from office import directory as module
from office.directory import Directory, UnknownOffice

OFFICE = """
INSERT INTO office (id, short_key, name, name_en, kind, valid_from)
VALUES ($1, $2, 'Điểm mới', 'New point', 'point', '2026-01-01')
"""


async def test_a_new_office_is_found_within_a_moment(database: Database) -> None:
    directory = Directory(database)
    with pytest.raises(UnknownOffice):
        await directory.detail("new")
    assert await directory.id_of_key("nw") is None
    async with database.connection() as connection:
        await connection.execute(OFFICE, "new", "nw")
    await asyncio.sleep(module.JUST_OPENED + 0.05)
    assert (await directory.detail("new")).office.name_en == "New point"
    assert await directory.id_of_key("nw") == directory.known_id_of_key("nw") == "new"


async def test_asking_for_what_is_not_there_does_not_wear_the_database_out(database: Database) -> None:
    directory = Directory(database)
    await directory.offices()
    loads = 0
    load = directory._offices._load

    async def counted() -> object:
        nonlocal loads
        loads += 1
        return await load()

    directory._offices._load = counted  # type: ignore[assignment]  # counts, and is otherwise the same
    for _ in range(200):
        with pytest.raises(UnknownOffice):
            await directory.detail("nowhere")
    assert loads <= 1


async def test_what_is_known_outlives_the_database(database: Database) -> None:
    directory = Directory(database)
    async with database.connection() as connection:
        await connection.execute(OFFICE, "old", "od")
    await directory.detail("old")
    await database.close()
    # Long ago: it has to be asked for anew, and cannot be.
    directory._offices._loaded_at = directory._details["old"]._loaded_at = float("-inf")
    assert (await directory.detail("old")).office.short_key == "od"
    assert "old" in await directory.offices()
