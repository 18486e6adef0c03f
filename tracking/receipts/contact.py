"""How an applicant wants to hear of the dossier, as level 1 may show it: masked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CHANNELS = ("email", "sms", "phone")


@dataclass(frozen=True, slots=True)
class Contact:
    """Masked addresses, the channels that are switched on, and the language of messages (``vi``, ``en``)."""

    email: str | None
    phone: str | None
    channels: tuple[str, ...]
    language: str

    @property
    def offered(self) -> tuple[str, ...]:
        """The channels that can be switched on: those with an address behind them."""
        return tuple(channel for channel in CHANNELS if (self.email if channel == "email" else self.phone))


def masked_email(address: str | None) -> str | None:
    """``nam@example.org`` → ``n***@example.org``."""
    if not address:
        return None
    local, _, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}***@{domain}" if local else "***"


def masked_phone(number: str | None) -> str | None:
    """``0912 345 612`` → ``09xx xxx x12``; of a number under eight digits nothing is shown."""
    if not number:
        return None
    digits = "".join(letter for letter in number if letter.isdigit())
    if number.strip().startswith("+84"):
        digits = f"0{digits[2:]}"
    if len(digits) < 8:
        return "xxx"
    hidden = digits[:2] + "x" * (len(digits) - 4) + digits[-2:]
    return " ".join((hidden[:4], hidden[4:7], hidden[7:]))
