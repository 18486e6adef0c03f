"""Numbers as people read them: 1.571 and 84,57 % in Vietnamese, 1,571 and 84.57% in English. Pure."""

from __future__ import annotations

from babel.numbers import format_decimal

from tracking.reports.figures import Figure

NOTHING = "–"


def number(value: float | None, language: str, decimals: int = 0) -> str:
    """A number with exactly that many decimals; a dash for nothing."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(format_decimal(value, pattern, locale=language))


def shown(figure: Figure, language: str) -> str:
    """A figure with its unit."""
    if figure.value is None:
        return NOTHING
    if figure.definition.unit == "percent":
        return number(figure.value, language, 2) + ("\u00a0%" if language == "vi" else "%")
    if figure.definition.unit == "hours":
        return number(figure.value, language, 1) + ("\u00a0giờ" if language == "vi" else "\u00a0h")
    return number(figure.value, language)
