"""The kiosk: one touch, one ticket, one slip of paper; and what it says when the paper does not come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.escpos_printer import Jam, Printer, printer
from tickets.kiosk import COOKIE

if TYPE_CHECKING:
    from tests.integration.conftest import Site

OFFICE, SHOWN, HIDDEN, MISSING = "demo-24h", "H26.18-260921-0001", "H26.18-260921-0002", "H26.18-260921-0003"
KEY = "k" * 24
OPEN_KIOSK = f"/kiosk/{OFFICE}"
FAILED = "Máy in đang gặp sự cố"


@dataclass
class Kiosk:
    """A kiosk with its printer, at a running service."""

    site: Site
    printer: Printer

    async def ask(self, method: str, path: str, *, key: str | None = KEY, **more: Any) -> tuple[int, Any, str]:
        """One answer to the kiosk's browser, or (``key`` None) to anybody's."""
        headers = {"Cookie": f"{COOKIE}={key}"} if key else {}
        return await self.site.ask(method, path, headers=headers, **more)

    async def take(self, touch: str = "touch-0001", *, key: str | None = KEY, lang: str = "") -> tuple[int, Any, str]:
        """What the touch of a button sends."""
        form = {"service": "ho-tich", "priority": "normal", "key": touch}
        return await self.ask("POST", f"{OPEN_KIOSK}/tickets{lang}", key=key, data=form)

    async def recorded(self) -> list[tuple[str, str | None]]:
        """Number and print state of every ticket, as staff's reports read them."""
        async with self.site.database.connection() as connection:
            rows = await connection.fetch("SELECT number, print_state FROM ticket ORDER BY issued_at")
        return [(row["number"], row["print_state"]) for row in rows]


@pytest.fixture
async def kiosk(site: Site) -> AsyncIterator[Kiosk]:
    async with printer() as one:
        await use_printer(site, one.port)
        yield Kiosk(site, one)


async def use_printer(site: Site, port: int) -> None:
    rules = f'{{"kiosk_printer": "tcp://127.0.0.1:{port}", "kiosk_key": "{KEY}"}}'
    async with site.database.connection() as connection:
        await connection.execute(f"UPDATE office SET policy = policy || '{rules}'::jsonb WHERE id = '{OFFICE}'")


def token_in(page: str) -> str:
    found = re.search(r"/tickets/([^/]+)/print", page)
    assert found is not None, page
    return found[1]


def number_in(page: str) -> str:
    found = re.search(r'<h1 class="number">.*</span> (\S+)</h1>', page)
    assert found is not None, page
    return found[1]


async def test_the_way_to_a_printed_ticket(kiosk: Kiosk) -> None:
    status, _, page = await kiosk.ask("GET", OPEN_KIOSK)
    assert status == 200
    assert f"{OPEN_KIOSK}?service=ho-tich" in page
    assert "Hộ tịch" in page and "Civil status" in page
    status, _, page = await kiosk.ask("GET", f"{OPEN_KIOSK}?service=ho-tich")
    assert "Quý vị có thuộc diện ưu tiên không?" in page
    assert re.findall('name="priority" value="([^"]+)"', page) == [
        "normal", "elderly", "disabled", "pregnant", "with_small_child",
    ]  # fmt: skip
    status, _, page = await kiosk.take()
    assert status == 200
    assert "Mời quý vị lấy phiếu" in page
    (paper,) = kiosk.printer.papers
    assert paper.text == [(number_in(page), 8)]
    assert paper.qr == [f"{kiosk.site.base}/t/{token_in(page)}"]
    assert paper.cut
    status, _, answer = await kiosk.site.ask("GET", f"/api/v1/tickets/{token_in(page)}")
    assert (answer["number"], answer["state"]) == (paper.text[0][0], "waiting")
    assert await kiosk.recorded() == [(number_in(page), "printed")]


async def test_a_double_tap_is_one_ticket_and_one_slip(kiosk: Kiosk) -> None:
    pages = await asyncio.gather(*(kiosk.take() for _ in range(3)))
    pages.append(await kiosk.take())
    assert {number_in(page) for _, _, page in pages} == {"A001"}
    assert len(kiosk.printer.papers) == 1
    assert await kiosk.recorded() == [("A001", "printed")]
    await kiosk.take("touch-0002")
    assert [paper.text[0][0] for paper in kiosk.printer.papers] == ["A001", "A002"]


@pytest.mark.parametrize("jam", list(Jam))
async def test_a_jam_is_said_and_the_same_ticket_printed_again(kiosk: Kiosk, jam: Jam) -> None:
    kiosk.printer.jam = jam
    status, _, page = await kiosk.take()
    assert (status, FAILED in page) == (200, True)
    assert "In lại phiếu này" in page
    assert kiosk.printer.papers == []
    assert await kiosk.recorded() == [("A001", "print_failed")]
    again = f"{OPEN_KIOSK}/tickets/{token_in(page)}/print"
    _, _, page = await kiosk.ask("POST", again)
    assert FAILED in page
    kiosk.printer.jam = None
    _, _, page = await kiosk.ask("POST", again)
    assert "Mời quý vị lấy phiếu" in page
    (paper,) = kiosk.printer.papers
    assert (paper.text[0][0], paper.qr) == ("A001", [f"{kiosk.site.base}/t/{token_in(page)}"])
    assert await kiosk.recorded() == [("A001", "printed")]


async def test_a_printer_that_is_not_there(kiosk: Kiosk, site: Site) -> None:
    async with printer() as other:
        gone = other.port
    await use_printer(site, gone)
    _, _, page = await kiosk.take()
    assert FAILED in page
    assert await kiosk.recorded() == [("A001", "print_failed")]


async def test_without_the_key_no_paper_is_spent(kiosk: Kiosk) -> None:
    for key in (None, "x" * 24, "é"):
        _, _, page = await kiosk.take(f"touch-{key}", key=key)
        assert "data-print" in page  # the browser prints
        assert "/print" not in page
    _, _, page = await kiosk.take()
    assert "data-print" not in page
    await kiosk.ask("POST", f"{OPEN_KIOSK}/tickets/{token_in(page)}/print", key=None)
    assert len(kiosk.printer.papers) == 1
    assert [state for _, state in await kiosk.recorded()] == [None, None, None, "printed"]


async def test_the_key_is_given_once_and_kept_where_no_script_reads_it(kiosk: Kiosk) -> None:
    status, headers, _ = await kiosk.ask("GET", f"{OPEN_KIOSK}?key={KEY}", key=None)
    assert (status, headers["Location"]) == (303, OPEN_KIOSK)
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}={KEY};")
    assert {"HttpOnly", "Secure", f"Path={OPEN_KIOSK}", "SameSite=Strict"} <= set(cookie.split("; "))
    _, headers, _ = await kiosk.ask("GET", f"{OPEN_KIOSK}?key=guessed-guessed-guessed", key=None)
    assert "Set-Cookie" not in headers
    _, headers, page = await kiosk.ask("GET", OPEN_KIOSK)
    assert headers["Set-Cookie"].startswith(f"{COOKIE}={KEY};")
    assert KEY not in page


async def test_another_offices_ticket_is_not_printed_here(kiosk: Kiosk) -> None:
    _, _, page = await kiosk.take()
    status, _, _ = await kiosk.ask("POST", f"/kiosk/tay-ho/tickets/{token_in(page)}/print")
    assert status == 404
    status, _, _ = await kiosk.ask("POST", f"{OPEN_KIOSK}/tickets/{'dmo.1xx.' + 'A' * 22}/print")
    assert status == 404
    assert len(kiosk.printer.papers) == 1


async def test_a_ticket_that_left_the_line_is_not_printed_again(kiosk: Kiosk) -> None:
    _, _, page = await kiosk.take()
    await kiosk.site.ask("DELETE", f"/api/v1/tickets/{token_in(page)}")
    status, _, _ = await kiosk.ask("POST", f"{OPEN_KIOSK}/tickets/{token_in(page)}/print")
    assert status == 200
    assert len(kiosk.printer.papers) == 1


async def test_the_ticket_object_says_nothing_of_paper(kiosk: Kiosk) -> None:
    _, _, page = await kiosk.take()
    _, _, answer = await kiosk.site.ask("GET", f"/api/v1/tickets/{token_in(page)}")
    assert not {"print_state", "printed_at"} & set(answer)


async def test_a_closed_office_says_when_it_opens(site: Site) -> None:
    for path in ("/kiosk/closed-today", "/kiosk/closed-today?service=ho-tich"):
        status, _, page = await site.ask("GET", path)
        assert status == 200
        assert "Ngoài giờ tiếp nhận" in page and "Mở cửa lúc" in page
        assert "Bấm vào việc cần làm" not in page
    form = {"service": "ho-tich", "priority": "normal", "key": "touch-0001"}
    status, _, page = await site.ask("POST", "/kiosk/closed-today/tickets", data=form)
    assert status == 409
    assert "Mở cửa lúc" in page
    status, _, page = await site.ask("GET", "/kiosk/never-open")
    assert status == 200
    assert "Ngoài giờ tiếp nhận" in page and "Mở cửa lúc" not in page


async def test_a_dossier_by_its_barcode(site: Site) -> None:
    for scanned in (SHOWN, f"*{SHOWN.lower()}*", f"{site.base}/d/{SHOWN}"):
        status, _, page = await site.ask("GET", f"{OPEN_KIOSK}/dossier", params={"code": scanned})
        assert status == 200
        assert SHOWN in page and "Đang xử lý" in page and 'data-back="20"' in page
    hidden, unknown = [await site.ask("GET", f"{OPEN_KIOSK}/dossier?code={code}") for code in (HIDDEN, MISSING)]
    assert hidden[0] == unknown[0] == 404
    assert hidden[2].replace(HIDDEN, MISSING) == unknown[2]
    status, _, page = await site.ask("GET", f"{OPEN_KIOSK}/dossier?code=abc")
    assert status == 400
    assert "Đây chưa phải là mã hồ sơ" in page


async def test_wrong_use(site: Site) -> None:
    for path in ("/kiosk/nowhere", "/kiosk/nowhere/dossier?code=1"):
        assert (await site.ask("GET", path))[0] == 404
    for form, expected in (
        ({"service": "nothing", "key": "touch-0001"}, 404),
        ({"service": "ho-tich", "priority": "king", "key": "touch-0001"}, 400),
        ({}, 404),
    ):
        assert (await site.ask("POST", f"{OPEN_KIOSK}/tickets", data=form))[0] == expected
    assert (await site.ask("GET", f"{OPEN_KIOSK}?service=nothing"))[0] == 200
