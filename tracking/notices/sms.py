"""SMS through an HTTP gateway: plain ASCII, two segments at most, each message under a name of its own."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

import aiohttp

from tracking.notices.outcome import Outcome, Progress, dead, of_http, put_off

TIMEOUT = 5.0
LONGEST = 306
"""Two segments of 153 characters. Accents would leave 134, as UCS-2, so they are folded off."""
_DOUBLE = str.maketrans({"[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "\\": "/", "^": "", "~": "-", "`": "'"})


def plain(text: str) -> str:
    """``text`` in the characters that every phone takes and that count once: no accents, đ as d, single spaces."""
    letters = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(
        bare.replace("–", "-").replace("—", "-").translate(_DOUBLE).encode("ascii", "replace").decode().split()
    )


def international(phone: str, country: str = "84") -> str | None:
    """The number as ``+84912345678``; None if it is none."""
    digits = re.sub(r"[\s.()-]", "", phone)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif digits.startswith("0"):
        digits = f"+{country}{digits[1:]}"
    return digits if re.fullmatch(r"\+[1-9][0-9]{7,14}", digits, re.ASCII) else None


class SmsGateway:
    """Posts ``{"id", "to", "text"}`` with a bearer token. The gateway knows an ``id`` it has seen, so what is
    uncertain may be repeated.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None, timeout: float = TIMEOUT) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def send(self, key: str, phone: str, text: str, progress: Progress) -> Outcome:
        """One attempt."""
        number = international(phone)
        if number is None:
            return dead("malformed number")
        body = {"id": key, "to": number, "text": plain(text)[:LONGEST]}
        progress.handed_over = True
        try:
            async with self._session.post(
                self._url, json=body, headers=self._headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                return of_http(response.status, response.headers.get("Retry-After"), datetime.now(UTC))
        except (aiohttp.ClientError, TimeoutError) as error:
            return put_off(type(error).__name__)
