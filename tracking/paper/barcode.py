"""The codes on paper as inline SVG: Code 128 for the office's scanners, QR for phones. Pure.

Drawn with presentation attributes alone, for the pages allow no inline style. Sizes are in millimetres, so that what
comes out of the printer is what a scanner can read.
"""

from __future__ import annotations

import io
from itertools import groupby

import segno
from barcode import Code128
from markupsafe import Markup

from kit.pages import svg

QUIET = 10
"""Modules of white on either side; ISO/IEC 15417 asks for ten."""
MODULES_MM = (4 * 25.4 / 300, 3 * 25.4 / 300)
"""Widths of the narrowest bar, the better first: whole dots at 300 an inch, so that no bar blurs."""


def code128(text: str, *, widest_mm: float, height_mm: float = 10) -> Markup:
    """``text`` (ASCII) as Code 128, at most ``widest_mm`` wide with its quiet zones. ValueError if it does not fit."""
    (bars,) = Code128(text).build()
    modules = len(bars) + 2 * QUIET
    module_mm = next((width for width in MODULES_MM if modules * width <= widest_mm), None)
    if module_mm is None:
        raise ValueError(f"barcode: {len(text)} characters do not fit into {widest_mm} mm")
    width_mm = round(modules * module_mm, 2)
    return svg(
        f'<svg class="code128" role="img" aria-label="{Markup.escape(text)}" width="{width_mm}mm" '
        f'height="{height_mm}mm" viewBox="0 0 {modules} 1" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{modules}v1H0z"/><path fill="#000" d="{_outline(bars)}"/></svg>'
    )


def _outline(bars: str) -> str:
    drawn, at = [], QUIET
    for module, run in groupby(bars):
        width = len(list(run))
        if module == "1":
            drawn.append(f"M{at} 0h{width}v1h-{width}z")
        at += width
    return "".join(drawn)


def qr(text: str, *, width_mm: float) -> Markup:
    """``text`` as a QR code with its quiet zone, ``width_mm`` wide. What it is for stands beside it."""
    code = segno.make(text, error="m", micro=False)
    size = code.symbol_size(border=4)[0]
    out = io.BytesIO()
    code.save(out, kind="svg", xmldecl=False, svgns=False, omitsize=True, svgclass=None, lineclass=None, border=4,
              light="#fff", nl=False)  # fmt: skip
    drawing = out.getvalue().decode().partition(">")[2]
    return svg(
        f'<svg class="qr-code" aria-hidden="true" width="{width_mm}mm" height="{width_mm}mm" '
        f'viewBox="0 0 {size} {size}" shape-rendering="crispEdges">{drawing}'
    )
