"""The pages of letters and calls: what is due, printed, marked and mailed, by whom; whom to call and what to say."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from service.commands.imports import load_offices
from tests.integration.conftest import OFFICE, Site
from tests.integration.test_dossier_life import SOMEBODY, act, register, rows

BIRTH = "1.001193"
NAME = "Nguyễn Thị Ẩn Danh"


@pytest.fixture
async def clerk(site: Site) -> dict[str, str]:
    return await site.sign_in("clerk")


async def done(site: Site, clerk: dict[str, str], **applicant: Any) -> str:
    """A birth that was registered: a letter of congratulation goes with it."""
    code = await register(site, clerk, procedure=BIRTH, applicant={**SOMEBODY, **applicant})
    for action in ("transfer", "complete"):
        assert (await act(site, clerk, code, action))[0] == 200
    return code


async def owe(site: Site, code: str) -> None:
    async with site.database.connection() as connection:
        await connection.execute(
            "INSERT INTO apology (code_year, code, kind, office_id, owed_at) VALUES (2026, $1, 'late', $2, now())",
            code,
            OFFICE,
        )


async def page(site: Site, staff: dict[str, str], path: str) -> str:
    status, _, text = await site.ask("GET", path, headers=staff)
    assert status == 200, text
    return str(text)


async def press(site: Site, staff: dict[str, str], path: str, **form: str) -> tuple[int, str]:
    status, headers, _ = await site.ask("POST", path, data=form, headers=staff)
    return status, headers.get("Location", "")


async def test_a_letter_is_due_until_it_was_printed(site: Site, clerk: dict[str, str]) -> None:
    code = await done(site, clerk, email=None)
    address = f"/office/letters/{code}/birth"
    due = await page(site, clerk, "/office/letters")
    assert NAME in due and f'href="{address}"' in due and "không có địa chỉ thư điện tử" in due
    assert f'formaction="{address}/mail"' not in due
    letter = await page(site, clerk, address)
    assert f"Kính gửi ông/bà {NAME}," in letter and '<article class="sheet letter" lang="vi">' in letter
    for _ in range(2):  # pressed twice, counted once
        assert await press(site, clerk, f"{address}/printed") == (303, f"/office/letters?said=printed&code={code}")
    assert await rows(site, "SELECT kind, channel FROM letter") == [{"kind": "birth", "channel": "print"}]
    after = await page(site, clerk, f"/office/letters?said=printed&code={code}")
    assert NAME not in after and f'role="status"><span class="code">{code}</span>' in after
    assert "<dd>1</dd>" in after


async def test_a_letter_says_what_the_office_imported(site: Site, clerk: dict[str, str], tmp_path: Path) -> None:
    demo = resources.files("service.demo").joinpath("offices.toml").read_text(encoding="utf-8")
    assert "công dân mới của chúng ta" in await page(site, clerk, f"/office/letters/{await done(site, clerk)}/birth")
    (tmp_path / "offices.toml").write_text(demo.replace("công dân mới của chúng ta", "ở {{ address or agency }}"))
    await load_offices(site.database, tmp_path / "offices.toml")
    code = await done(site, clerk, name="Trần Văn <Kín>")
    letter = await page(site, clerk, f"/office/letters/{code}/birth")
    assert "Kính gửi ông/bà Trần Văn &lt;Kín&gt;," in letter and "thành viên mới, ở Cơ quan thử nghiệm." in letter
    english = await done(site, clerk, language="en")
    assert "chúc mừng" not in await page(site, clerk, f"/office/letters/{english}/birth?lang=en")


async def test_what_became_of_a_mail_is_said(site: Site, clerk: dict[str, str]) -> None:
    code = await done(site, clerk)
    address = f"/office/letters/{code}/birth"
    assert await press(site, clerk, f"{address}/mail?lang=en") == (
        303,
        f"/office/letters?said=not-configured&code={code}&lang=en",
    )
    said = await page(site, clerk, f"/office/letters?said=not-configured&code={code}")
    assert "chưa được nối với máy chủ thư điện tử" in said
    assert f'formaction="{address}/mail"' in said
    for query, field in (("said=nothing&code=x", "said"), ("said=sent&code=x", "code")):
        assert (await site.ask("GET", f"/office/letters?{query}", headers=clerk))[0] == 400, field
    assert await rows(site, "SELECT FROM letter") == []


async def test_an_apology_is_settled_from_either_list(site: Site, clerk: dict[str, str]) -> None:
    supervisor = await site.sign_in("supervisor")
    first, second = await done(site, clerk), await done(site, clerk, language="en")
    for code in (first, second):
        await owe(site, code)
    owed = await page(site, supervisor, "/office/apologies")
    assert f"/office/letters/{first}/apology/printed" in owed and 'name="list" value="apologies"' in owed
    assert await press(site, supervisor, f"/office/letters/{first}/apology/printed", list="apologies") == (
        303,
        f"/office/apologies?said=printed&code={first}",
    )
    shown = await page(site, supervisor, f"/office/apologies?said=printed&code={first}")
    assert 'role="status"' in shown and f"/office/letters/{first}/apology" not in shown
    english = await page(site, clerk, f"/office/letters/{second}/apology")
    assert '<article class="sheet letter" lang="en">' in english and "Head of the office" in english
    assert await press(site, clerk, f"/office/letters/{second}/apology/printed", list="apologies") == (
        303,
        f"/office/letters?said=printed&code={second}",  # the other list is not a clerk's
    )
    assert await rows(site, "SELECT FROM apology WHERE sent_at IS NULL") == []


async def test_whose_letters_they_are(site: Site, clerk: dict[str, str]) -> None:
    code = await done(site, clerk)
    stranger, planner = await site.sign_in("stranger"), await site.sign_in("planner")
    for path in ("/office/letters", f"/office/letters/{code}/birth"):
        for staff in ({}, planner):
            status, headers, _ = await site.ask("GET", path, headers=staff)
            assert (status, headers["Location"]) == (303, "/desk")
    assert (await site.ask("GET", f"/office/letters/{code}/birth", headers=stranger))[0] == 403
    assert NAME not in await page(site, stranger, "/office/letters")
    for move in ("printed", "mail"):
        assert (await press(site, stranger, f"/office/letters/{code}/birth/{move}"))[0] == 403
        assert (await press(site, clerk, f"/office/letters/{code}/marriage/{move}"))[0] == 404
        assert (await press(site, clerk, f"/office/letters/{code}/love/{move}"))[0] == 404
    assert await rows(site, "SELECT FROM letter") == []


async def test_a_clerk_calls_and_says_what_stands_there(site: Site, clerk: dict[str, str]) -> None:
    code = await register(site, clerk, procedure=BIRTH, applicant={**SOMEBODY, "channels": ["phone"]})
    shown = await page(site, clerk, "/desk/calls")
    assert NAME in shown and 'href="tel:0901234567"' in shown and f"đã tiếp nhận hồ sơ {code}" in shown
    (message,) = await rows(site, "SELECT id FROM message WHERE code = $1", code)
    stranger = await site.sign_in("stranger")
    assert NAME not in await page(site, stranger, "/desk/calls")
    assert (await press(site, stranger, f"/desk/calls/{message['id']}/called"))[0] == 404
    for _ in range(2):
        assert await press(site, clerk, f"/desk/calls/{message['id']}/called?lang=en") == (303, "/desk/calls?lang=en")
    assert await rows(site, "SELECT state, attempts FROM message WHERE code = $1", code) == [
        {"state": "sent", "attempts": 1}
    ]
    assert NAME not in await page(site, clerk, "/desk/calls")


async def test_what_is_wrong_with_an_address_stands_on_the_page(site: Site) -> None:
    supervisor = await site.sign_in("supervisor")
    headers = supervisor | {"Accept": "text/html"}
    status, _, text = await site.ask("GET", "/office/dossiers?list=nothing", headers=headers)
    assert status == 400
    assert "<code>list</code>" in text and "none of" in text and 'href="/desk"' in text


async def test_search_engines_stay_out_of_what_needs_a_code_or_a_session(site: Site) -> None:
    _, _, text = await site.ask("GET", "/robots.txt")
    closed = {line.removeprefix("Disallow: ") for line in text.splitlines() if line.startswith("Disallow")}
    assert {"/office", "/g/", "/d/", "/r/", "/desk"} <= closed
    assert not any("/procedures".startswith(path) for path in closed)
