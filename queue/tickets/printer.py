"""A network printer that speaks ESC/POS: sends a slip, asks whether the paper came out, waits for nothing for long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from office.policies import PRINTER

CONNECT, WRITE, ANSWER, CLOSE = 2.0, 3.0, 1.5, 0.5
"""Seconds. Together less than a claim on a slip lasts (``ticket_print_claim``)."""
_STATE, _PAPER = 1, 4
_FIXED, _FIXED_BITS = 0x12, 0x93
_OFFLINE, _NO_PAPER = 0x08, 0x60


class PrintState(StrEnum):
    """What became of a slip, beside the ticket's state."""

    PRINTED = "printed"
    PRINT_FAILED = "print_failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt; ``reason`` (a few words for the log) stands with a failure."""

    state: PrintState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PrinterAddress:
    """Where a printer listens."""

    host: str
    port: int


class _Jam(Exception):
    """The slip did not come out, or may not have."""


def parse_address(text: str) -> PrinterAddress | None:
    """The address in ``tcp://host:9100``; None for anything else. The rule was checked where it came in."""
    match = PRINTER.fullmatch(text)
    return PrinterAddress(match["host"].strip("[]"), int(match["port"])) if match is not None else None


async def send(host: str, port: int, data: bytes) -> Outcome:
    """Print ``data``. Whatever goes wrong is the outcome ``print_failed``; nothing is raised.

    The printer is asked before as well: one without paper would keep the slip and print it unasked with the next roll.
    """
    try:
        async with _connected(host, port) as (reader, writer):
            await _check(reader, writer)
            await _write(writer, data)
            await _check(reader, writer)
    except _Jam as jam:
        return Outcome(PrintState.PRINT_FAILED, str(jam))
    return Outcome(PrintState.PRINTED)


@contextlib.asynccontextmanager
async def _connected(host: str, port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with asyncio.timeout(CONNECT):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError):
        raise _Jam("unreachable") from None
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE):
                await writer.wait_closed()


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    try:
        async with asyncio.timeout(WRITE):
            writer.write(data)
            await writer.drain()
    except (OSError, TimeoutError):
        raise _Jam("takes no data") from None


async def _check(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await _status(reader, writer, _STATE) & _OFFLINE:
        raise _Jam("offline")
    if await _status(reader, writer, _PAPER) & _NO_PAPER:
        raise _Jam("out of paper")


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, which: int) -> int:
    # DLE EOT n, answered at once by one byte, past everything that still waits in the printer's buffer.
    await _write(writer, bytes((0x10, 0x04, which)))
    try:
        async with asyncio.timeout(ANSWER):
            (status,) = await reader.readexactly(1)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        raise _Jam("does not answer") from None
    if status & _FIXED_BITS != _FIXED:
        raise _Jam("answers in another language")
    return status
