"""A network printer for tests: takes ESC/POS byte by byte as a real one does, answers what is asked at once, keeps what
it printed, and jams as told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum, auto

import segno
from PIL import Image, ImageDraw, ImageFont

WIDTH = 576


class Jam(Enum):
    """What may go wrong."""

    OFFLINE = auto()
    NO_PAPER = auto()
    PAPER_ENDS = auto()
    SILENT = auto()
    BREAKS_OFF = auto()


@dataclass
class Paper:
    """One slip, from the start command to the cut: text with its magnification, raster images, what QR codes say."""

    parts: list[tuple[str, int] | Image.Image | str] = field(default_factory=list)
    cut: bool = False

    @property
    def text(self) -> list[tuple[str, int]]:
        """The lines of text and how many times larger than plain each is."""
        return [part for part in self.parts if isinstance(part, tuple)]

    @property
    def images(self) -> list[Image.Image]:
        """The raster images, black dots set."""
        return [part for part in self.parts if isinstance(part, Image.Image)]

    @property
    def qr(self) -> list[str]:
        """What the QR codes say."""
        return [part for part in self.parts if isinstance(part, str)]

    def picture(self) -> Image.Image:
        """The slip as somebody holds it, to look at."""
        drawn = [_drawn(part) for part in self.parts]
        whole = Image.new("1", (WIDTH, sum(one.height for one in drawn)))
        top = 0
        for one in drawn:
            whole.paste(one, ((WIDTH - one.width) // 2, top))
            top += one.height
        return whole.convert("L").point(lambda value: 255 - value)


def _drawn(part: tuple[str, int] | Image.Image | str) -> Image.Image:
    if isinstance(part, Image.Image):
        return part
    return _code(part) if isinstance(part, str) else _letters(*part)


def _letters(text: str, times: int) -> Image.Image:
    image = Image.new("1", (WIDTH, 26 * times))
    font = ImageFont.load_default(20 * times)
    ImageDraw.Draw(image).text((WIDTH / 2, 0), text, fill=1, font=font, anchor="ma")
    return image


def _code(address: str) -> Image.Image:
    code = segno.make(address, error="m")
    side = int(code.symbol_size(border=4)[0])
    image = Image.new("1", (side, side))
    for y, row in enumerate(code.matrix_iter(border=4)):
        for x, dark in enumerate(row):
            image.putpixel((x, y), int(dark))
    return image.resize((image.width * 7, image.height * 7))


class Printer:
    """Listens on ``port``; ``papers`` are the slips that came out; with ``jam`` set it goes wrong."""

    def __init__(self) -> None:
        self.port = 0
        self.papers: list[Paper] = []
        self.faults: list[str] = []
        self.jam: Jam | None = None
        self._paper, self._stored, self._times = Paper(), "", 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Work through one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not (self.jam is Jam.BREAKS_OFF and self._paper.parts):
                await self._command(reader, writer)
        self._paper = Paper()
        writer.close()

    async def _command(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x10":
            await self._answer((await reader.readexactly(2)), writer)
        elif first == b"\x1b":
            await self._escape(await reader.readexactly(1), reader)
        elif first == b"\x1d":
            await self._group(await reader.readexactly(1), reader)
        else:
            line = first + await reader.readuntil(b"\n")
            self._paper.parts.append((line.decode("ascii").rstrip("\n"), self._times))

    async def _answer(self, asked: bytes, writer: asyncio.StreamWriter) -> None:
        state = 0x1A if self.jam is Jam.OFFLINE else 0x12
        ended = self.jam is Jam.NO_PAPER or (self.jam is Jam.PAPER_ENDS and self._paper.parts)
        answers = {b"\x04\x01": state, b"\x04\x04": 0x72 if ended else 0x12}
        if asked not in answers:
            self.faults.append(f"asked {asked!r}")
        elif self.jam is not Jam.SILENT:
            writer.write(bytes([answers[asked]]))
            await writer.drain()

    async def _escape(self, command: bytes, reader: asyncio.StreamReader) -> None:
        if command == b"@":
            self._paper, self._times = Paper(), 1
        elif command == b"a":
            await reader.readexactly(1)
        else:
            self.faults.append(f"ESC {command!r}")

    async def _group(self, command: bytes, reader: asyncio.StreamReader) -> None:
        if command == b"!":
            (size,) = await reader.readexactly(1)
            self._times = 1 + (size & 7)
            if size >> 4 != size & 7:
                self.faults.append(f"letters of size {size:x}")
        elif command == b"v":
            await self._image(reader)
        elif command == b"(":
            await self._code(reader)
        elif command == b"V":
            await reader.readexactly(2)
            self._paper.cut = True
            if self.jam is None:
                self.papers.append(self._paper)
        else:
            self.faults.append(f"GS {command!r}")

    async def _image(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readexactly(6)
        width, height = int.from_bytes(head[2:4], "little"), int.from_bytes(head[4:6], "little")
        dots = await reader.readexactly(width * height)
        if head[:2] != b"0\x00" or width * 8 > WIDTH:
            self.faults.append(f"image {head!r}")
        if any(command in dots for command in (b"\x10\x04", b"\x10\x05", b"\x10\x14")):
            self.faults.append("a real-time command inside an image")
        self._paper.parts.append(Image.frombytes("1", (width * 8, height), dots))

    async def _code(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readexactly(3)
        body = await reader.readexactly(int.from_bytes(head[1:3], "little"))
        if body[:3] == b"1P0":
            self._stored = body[3:].decode("ascii")
        elif body == b"1Q0":
            self._paper.parts.append(self._stored)
        elif body[:2] not in (b"1A", b"1C", b"1E"):
            self.faults.append(f"QR {body!r}")


@contextlib.asynccontextmanager
async def printer() -> AsyncIterator[Printer]:
    """A printer that listens; whatever it was sent that printers do not understand fails the test."""
    started = Printer()
    server = await asyncio.start_server(started.serve, "127.0.0.1", 0)
    started.port = server.sockets[0].getsockname()[1]
    yield started
    server.close()
    assert started.faults == []
