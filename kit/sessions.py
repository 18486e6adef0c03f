"""Staff sessions: Argon2 passwords, random tokens kept only as hashes in PostgreSQL, a ``__Host-`` cookie."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import argon2
from aiohttp import web

from kit import sql
from kit.database import Connection, Database
from kit.problems import Forbidden, NotSignedIn

_sql = sql.load("kit")

COOKIE = "__Host-motcua"
LIFETIME = timedelta(hours=12)
IDLE = timedelta(minutes=30)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200


class Role(StrEnum):
    """What a member of staff may be."""

    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    PLANNER = "planner"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is signed in."""

    id: int
    name: str
    role: Role
    office: str

    def must_act_at(self, office: str) -> None:
        """Raise Forbidden unless this is the member's own office."""
        if office != self.office:
            raise Forbidden("not your office")


class Passwords:
    """Argon2id with the library's current defaults. At most two are worked on at once: each takes 64 MiB and a core."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()
        self._turn = asyncio.Semaphore(2)
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """The string to store. A password out of bounds is a ValueError."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise ValueError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
        return self._hasher.hash(password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the stored one. None (nobody of that name) takes as long as a wrong password."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, stored or self._nobody, password) and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except argon2.exceptions.VerificationError:
            return False


class Sessions:
    """Opens, reads and closes sessions."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def open(self, name: str, password: str) -> tuple[str, Staff]:
        """The new session's token and its owner. Raises NotSignedIn, the same for a wrong name and a wrong password."""
        async with self._database.connection() as connection:
            row = await _sql.staff_by_name.row(connection, name=name)
        if not await self._passwords.fits(row["password_hash"] if row else None, password) or row is None:
            raise NotSignedIn("wrong name or password")
        token = secrets.token_urlsafe(32)
        async with self._database.connection() as connection:
            await _sql.session_open.run(connection, token_sha256=_hash(token), staff_id=row["id"], lifetime=LIFETIME)
        return token, Staff(row["id"], row["name"], Role(row["role"]), row["office_id"])

    async def read(self, token: str) -> Staff:
        """Whose token this is. Raises NotSignedIn."""
        if not 20 <= len(token) <= 100:
            raise NotSignedIn("no such session")
        async with self._database.connection() as connection:
            row = await _sql.session_read.row(connection, token_sha256=_hash(token), idle=IDLE)
        if row is None:
            raise NotSignedIn("the session has ended")
        return Staff(row["id"], row["name"], Role(row["role"]), row["office_id"])

    async def close(self, token: str) -> None:
        """End the session, if there is one."""
        async with self._database.connection() as connection:
            await _sql.session_close.run(connection, token_sha256=_hash(token))


async def put_staff(connection: Connection, *, name: str, role: Role, office: str, password_hash: str) -> int:
    """Add a member of staff, or give the one of that name a new role, office and password; the answer is the id."""
    return int(
        await _sql.staff_put.value(connection, name=name, role=role, office_id=office, password_hash=password_hash)
    )


def token_of(request: web.Request) -> str | None:
    """The session token that a request carries, as a bearer token or in the cookie."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header[7:].strip()
    return request.cookies.get(COOKIE)


def set_cookie(response: web.StreamResponse, token: str) -> None:
    """Hand the token to the browser: this host only, over TLS (or localhost) only, never to scripts or other sites."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="Strict",
    )


def drop_cookie(response: web.StreamResponse) -> None:
    """Have the browser forget the token."""
    response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()  # a header may hold any bytes
