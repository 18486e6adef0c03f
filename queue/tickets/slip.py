"""The paper slip of a ticket as ESC/POS commands for 80 mm printers (576 dots, 203 to the inch). Pure.

The eight commands that a slip needs stand here, and not python-escpos 3.1: its import sets up the root logger, leaves a
folder behind in /tmp for every worker that starts and brings seven packages (PyYAML, setuptools, qrcode …), while what
is hard about Vietnamese on paper it leaves to its caller as well. No code page does it: few printers have TCVN-3 or
Windows-1258, under different numbers, and most of those print the tone marks beside the letters. So words are drawn
here and sent as raster images, which every ESC/POS printer can print; only the number is text, magnified by it.
"""

from __future__ import annotations

import functools
import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from PIL import Image, ImageDraw, ImageFont

WIDTH = 576
"""Dots across the paper."""
_START = b"\x1b@"
_CENTRED = b"\x1ba\x01"
_CUT = b"\x1dV\x42\x00"
_LARGEST, _CHARACTER = 8, 12
_SMALL, _PLAIN, _BIG = 24, 30, 42
"""Heights of letters, in dots."""
_REAL_TIME = (b"\x10\x04", b"\x10\x05", b"\x10\x14")

_WORDS = {
    "vi": {
        "yours": "Số của quý vị",
        "next": "Quý vị là người tiếp theo",
        "ahead": "Còn {} người trước quý vị",
        "wait": "Đợi khoảng {}–{} phút",
        "unknown": "Chưa có quầy mở cho việc này",
        "issued": "Lấy lúc {:%H:%M, %d/%m/%Y}",
        "follow": "Quét mã để theo dõi trên điện thoại",
    },
    "en": {
        "yours": "Your number",
        "next": "You are next",
        "ahead": "People ahead of you: {}",
        "wait": "Wait about {}–{} minutes",
        "unknown": "No counter is open for this yet",
        "issued": "Taken at {:%H:%M, %d/%m/%Y}",
        "follow": "Scan to follow it on your phone",
    },
}


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on the paper. ``service`` and ``office`` are names in the citizen's language, ``wait`` is p50 and
    p90 in minutes (None: no counter is open), ``issued_at`` is in the office's time zone.
    """

    number: str
    service: str
    office: str
    ahead: int
    wait: tuple[int, int] | None
    issued_at: datetime


def slip(facts: Slip, language: str, address: str) -> bytes:
    """The commands that print ``facts`` in ``language`` (``vi``, ``en``) with a QR code of ``address`` (ASCII), and cut
    the paper.
    """
    words = _WORDS[language]
    ahead = words["ahead"].format(facts.ahead) if facts.ahead else words["next"]
    wait = words["wait"].format(*facts.wait) if facts.wait else words["unknown"]
    return b"".join(
        (
            _START,
            _CENTRED,
            _drawn(facts.office, _PLAIN),
            _drawn(words["yours"], _SMALL),
            _magnified(facts.number),
            _drawn(facts.service, _BIG),
            _drawn(ahead, _PLAIN),
            _drawn(wait, _PLAIN),
            _drawn(words["issued"].format(facts.issued_at), _SMALL),
            _qr(address),
            _drawn(words["follow"], _SMALL),
            _CUT,
        )
    )


def _magnified(number: str) -> bytes:
    # As large as fits the paper: eight times up to six characters.
    times = max(1, min(_LARGEST, WIDTH // _CHARACTER // len(number)))
    return b"\x1d!" + bytes([(times - 1) << 4 | times - 1]) + number.encode("ascii") + b"\n\x1d!\x00"


def _qr(address: str) -> bytes:
    data = address.encode("ascii")
    stored = (len(data) + 3).to_bytes(2, "little")
    model, module, correction = b"\x04\x001A2\x00", b"\x03\x001C\x07", b"\x03\x001E1"
    return b"".join(b"\x1d(k" + part for part in (model, module, correction, stored + b"1P0" + data, b"\x03\x001Q0"))


def _drawn(text: str, size: int) -> bytes:
    font = _font(size)
    lines = _folded(unicodedata.normalize("NFC", text), font)
    step = size * 5 // 4
    image = Image.new("1", (WIDTH, step * len(lines)))
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text(((WIDTH - font.getlength(line)) // 2, row * step), line, fill=1, font=font)
    dots = image.tobytes()
    for command in _REAL_TIME:
        # Printers obey these even inside an image: one more black dot makes it none.
        dots = dots.replace(command, bytes((0x10, command[1] | 8)))
    return b"\x1dv0\x00" + (WIDTH // 8).to_bytes(2, "little") + image.height.to_bytes(2, "little") + dots


def _folded(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > WIDTH:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    data = resources.files("tickets").joinpath("fonts/DejaVuSans-Bold-Vietnamese.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(data), size)
