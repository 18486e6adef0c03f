"""Text as people look for it: without accents, in lower case. Pure.

PostgreSQL's ``unaccent`` is an extension that the embedded server does not have, and it knows nothing of NFD input.
"""

from __future__ import annotations

import unicodedata

_D_WITH_STROKE = str.maketrans("đĐ", "dd")


def fold(text: str) -> str:
    """``text`` in lower case without marks, đ as d, with single spaces: ``"Đăng  ký"`` is ``"dang ky"``."""
    bare = _without_marks(_without_marks(text).lower())  # lower case of İ has a mark again
    return " ".join(bare.translate(_D_WITH_STROKE).split())


def has_words(text: str, typed: str) -> bool:
    """Whether every word of ``typed`` stands somewhere in ``text``, both folded; nothing typed is in every text."""
    folded = fold(text)
    return all(word in folded for word in fold(typed).split())


def _without_marks(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
