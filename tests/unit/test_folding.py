"""Looking without accents: what people type finds what is written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.folding import fold, has_words

LETTERS = "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
vietnamese = st.text(LETTERS + LETTERS.upper() + "0123456789. ")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Đăng ký khai sinh", "dang ky khai sinh"),
        ("  ĐẤT\tĐAI \n", "dat dai"),
        ("Thủ tục số 1.001193", "thu tuc so 1.001193"),
        (unicodedata.normalize("NFD", "Ủy ban nhân dân phường"), "uy ban nhan dan phuong"),
        ("İ", "i"),
        ("", ""),
        ("\u0301", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_every_vietnamese_letter_becomes_a_plain_one() -> None:
    assert set(fold(LETTERS + LETTERS.upper())) <= set("abcdefghijklmnopqrstuvwxyz")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert not any(unicodedata.category(char) == "Mn" for char in folded)
    assert "  " not in folded
    assert folded == folded.strip()


@given(vietnamese)
def test_case_and_way_of_writing_do_not_matter(text: str) -> None:
    ways = {text.upper(), text.lower(), unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text)}
    assert {fold(way) for way in ways} == {fold(text)}


@given(vietnamese)
def test_a_text_has_its_own_words_in_any_order(text: str) -> None:
    assert has_words(text, " ".join(reversed(text.split())))
    assert has_words(text, fold(text))
    assert has_words(text, "")
    assert not has_words(text, f"{text} ?")


def test_every_word_must_be_there() -> None:
    assert has_words("Đăng ký khai sinh", "sinh KHAI")
    assert not has_words("Đăng ký khai sinh", "khai tu")
