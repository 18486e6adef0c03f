"""VietQR: the text inside a QR code that fills in a bank transfer. Pure.

EMVCo's merchant-presented QR as Napas profiles it for transfers to an account (AID A000000727, service QRIBFTTA):
objects of two-digit id, two-digit length and value, the last one a CRC-16/CCITT-FALSE over all before it.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_PURPOSE = 25
LONGEST_ACCOUNT = 19
LARGEST_AMOUNT = 9_999_999_999_999
"""Thirteen digits are what the amount's object may hold."""

_NAPAS, _TO_ACCOUNT = "A000000727", "QRIBFTTA"
_DYNAMIC, _DONG, _COUNTRY = "12", "704", "VN"
_BANK = re.compile(r"\d{6}", re.ASCII)
_ACCOUNT = re.compile(rf"[0-9A-Za-z]{{1,{LONGEST_ACCOUNT}}}", re.ASCII)
_NOT_PLAIN = re.compile(r"[^0-9A-Za-z .-]+")


def payload(bank_bin: str, account: str, amount: int, purpose: str) -> str:
    """The text of the QR that pays ``amount`` đồng to ``account`` at the bank of Napas number ``bank_bin``.

    ``purpose`` is folded to plain letters (see :func:`fold`). ValueError names the argument that is out of bounds: a
    purpose is never cut, for it is what the payment is known by.
    """
    if not _BANK.fullmatch(bank_bin):
        raise ValueError("bank_bin: expected six digits")
    if not _ACCOUNT.fullmatch(account):
        raise ValueError(f"account: expected 1 to {LONGEST_ACCOUNT} letters or digits")
    if not 1 <= amount <= LARGEST_AMOUNT:
        raise ValueError(f"amount: {amount} is not from 1 to {LARGEST_AMOUNT} đồng")
    plain = fold(purpose)
    if not 1 <= len(plain) <= LONGEST_PURPOSE:
        raise ValueError(f"purpose: expected 1 to {LONGEST_PURPOSE} characters, got {len(plain)}")
    beneficiary = _object("00", bank_bin) + _object("01", account)
    text = (
        _object("00", "01")
        + _object("01", _DYNAMIC)
        + _object("38", _object("00", _NAPAS) + _object("01", beneficiary) + _object("02", _TO_ACCOUNT))
        + _object("53", _DONG)
        + _object("54", str(amount))
        + _object("58", _COUNTRY)
        + _object("62", _object("08", plain))
        + "6304"
    )
    return text + f"{crc(text):04X}"


def purpose(code: str, words: str = "") -> str:
    """What the transfer says: the dossier code whole, and of ``words`` as many as fit behind it.

    ValueError if the code alone is too long.
    """
    said = fold(code)
    if len(said) > LONGEST_PURPOSE:
        raise ValueError(f"purpose: the code has more than {LONGEST_PURPOSE} characters")
    for word in fold(words).split():
        if len(said) + 1 + len(word) > LONGEST_PURPOSE:
            break
        said += f" {word}"
    return said


def fold(text: str) -> str:
    """``text`` in what every bank's transfer field takes: ASCII letters without accents, digits, space, dot, hyphen."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(_NOT_PLAIN.sub(" ", bare).split())


def crc(text: str) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, from 0xFFFF, not reflected; of ``123456789`` it is 0x29B1."""
    register = 0xFFFF
    for byte in text.encode("ascii"):
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    return register


def _object(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}"
