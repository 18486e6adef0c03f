"""E-mail through an SMTP server: one message, one attempt, and the truth about how it ended."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from tracking.notices.outcome import SENT, UNCERTAIN, Outcome, Progress, dead, put_off

TIMEOUT = 10.0
LONGEST_SUBJECT = 200
Tls = Literal["auto", "starttls", "implicit", "none"]
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII)
_TLS: dict[str, Tls] = {"starttls": "starttls", "implicit": "implicit", "none": "none"}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail is handed over. ``tls`` "auto" uses STARTTLS where the server offers it."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: Tls = "auto"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``smtp://user:password@host:port?tls=starttls`` (or ``implicit``, ``none``) or ``smtps://…``.

        ValueError says what is wrong, without the password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("no address of a mail server") from None
        chosen = parse_qs(parts.query).get("tls", ["implicit" if parts.scheme == "smtps" else "auto"])[-1]
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("expected smtp://user:password@host:port?tls=starttls")
        if chosen != "auto" and chosen not in _TLS:
            raise ValueError("tls is none of starttls, implicit, none")
        tls: Tls = _TLS.get(chosen, "auto")
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port or (465 if tls == "implicit" else 587), user, password, tls)


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail. ``key`` names it for ever: the same key gives the same Message-ID."""

    key: str
    to: str
    subject: str
    text: str
    sender_name: str
    at: datetime


def is_address(text: str) -> bool:
    """Whether ``text`` is one plain e-mail address that any server takes."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None and text.isascii()


def compose(mail: Mail, sender: str) -> EmailMessage:
    """The message as it goes over the wire. ValueError if the address is none; line breaks in names and subjects
    become spaces, so that no header can be slipped in.
    """
    if not is_address(mail.to):
        raise ValueError("malformed address")
    message = EmailMessage(policy.SMTP)
    local, _, domain = sender.rpartition("@")
    message["From"] = Address(_one_line(mail.sender_name), local, domain)
    message["To"] = mail.to
    message["Subject"] = _one_line(mail.subject)[:LONGEST_SUBJECT]
    message["Date"] = mail.at
    message["Message-ID"] = f"<{mail.key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="base64")
    return message


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


class Mailer:
    """Hands e-mails to one server, each on its own connection: ``timeout`` seconds a step, three times that in all."""

    def __init__(self, server: MailServer, sender: str, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._sender = sender
        self._timeout = timeout

    async def send(self, mail: Mail, progress: Progress) -> Outcome:
        """One attempt. After the server has been given the text, silence is "uncertain", never a reason to repeat."""
        try:
            message = compose(mail, self._sender)
        except (ValueError, HeaderParseError):
            return dead("malformed address")
        client = self._client()
        try:
            async with asyncio.timeout(3 * self._timeout):
                await client.connect()
                await client.mail(self._sender)
                await client.rcpt(mail.to)
                progress.handed_over = True
                await client.data(message.as_bytes())
        except aiosmtplib.SMTPRecipientRefused as error:
            return (dead if error.code >= 500 else put_off)(f"SMTP {error.code} recipient refused")
        except aiosmtplib.SMTPResponseException as error:
            return put_off(f"SMTP {error.code}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            # ValueError: what a server that is none may answer.
            return dead(UNCERTAIN) if progress.handed_over else put_off(type(error).__name__)
        finally:
            client.close()  # nothing is owed to a server that has answered: a QUIT would be one more wait
        return SENT

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            local_hostname="motcua",
            timeout=self._timeout,
            use_tls=server.tls == "implicit",
            start_tls={"starttls": True, "none": False}.get(server.tls),
        )
