"""The slip: what is on the paper, in both languages, with every Vietnamese letter."""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.escpos_printer import WIDTH, Paper, printer
from tickets.printer import PrintState, send
from tickets.slip import Slip, _font, slip

ADDRESS = "https://motcua.example/t/dmo.1xx.0123456789012345678901"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
FACTS = Slip("A007", "Hộ tịch", "Trung tâm Phục vụ hành chính công phường Tây Hồ", 12, (14, 26), NOW)
LETTERS = (
    "aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ fjwz 0123456789.,:/()–-"
)


async def printed(facts: Slip, language: str = "vi") -> Paper:
    async with printer() as one:
        outcome = await send("127.0.0.1", one.port, slip(facts, language, ADDRESS))
        assert outcome.state is PrintState.PRINTED
        (paper,) = one.papers
        return paper


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_number_is_very_large_and_the_code_leads_to_the_ticket(language: str) -> None:
    paper = await printed(FACTS, language)
    assert paper.text == [("A007", 8)]
    assert paper.qr == [ADDRESS]
    assert paper.cut
    assert len(paper.images) == 7
    assert all(image.width == WIDTH and image.getbbox() for image in paper.images)


async def test_a_long_number_still_fits() -> None:
    for number in ("A001", "AB0001", "AB100000", "AB1000000000"):
        ((text, times),) = (await printed(Slip(number, "x", "x", 0, None, NOW))).text
        assert text == number
        assert len(number) * 12 * times <= WIDTH


async def test_long_names_are_folded() -> None:
    short = (await printed(FACTS)).images
    long = (await printed(Slip("A007", "Đăng ký biện pháp bảo đảm bằng quyền sử dụng đất, tài sản gắn liền với đất",
                               FACTS.office * 3, 0, None, NOW))).images  # fmt: skip
    assert long[0].height > short[0].height
    assert long[2].height > short[2].height


def test_the_font_has_every_vietnamese_letter() -> None:
    font = _font(30)
    missing = bytes(font.getmask("\uffff", mode="1"))
    for letter in (LETTERS + LETTERS.upper()).replace(" ", ""):
        assert bytes(font.getmask(letter, mode="1")) != missing, letter


async def test_languages_and_facts_make_different_paper() -> None:
    variants = [
        (FACTS, "vi"),
        (FACTS, "en"),
        (Slip("A007", "Hộ tịch", FACTS.office, 0, (14, 26), NOW), "vi"),
        (Slip("A007", "Hộ tịch", FACTS.office, 12, None, NOW), "vi"),
        (Slip("A007", "Ho tich", FACTS.office, 12, (14, 26), NOW), "vi"),
    ]
    pictures = await asyncio.gather(*(printed(facts, language) for facts, language in variants))
    assert len({paper.picture().tobytes() for paper in pictures}) == len(variants)
