"""What the application hands to its handlers, by typed key: nothing lives in a module."""

from __future__ import annotations

from aiohttp import web

from kit.cache import VersionedCache
from kit.database import Database
from kit.feed import Feed
from kit.outbox import Publisher
from kit.pages import Pages
from kit.sessions import Sessions

DATABASE: web.AppKey[Database] = web.AppKey("database", Database)
CACHE: web.AppKey[VersionedCache] = web.AppKey("cache", VersionedCache)
PUBLISHER: web.AppKey[Publisher] = web.AppKey("publisher", Publisher)
FEED: web.AppKey[Feed] = web.AppKey("feed", Feed)
SESSIONS: web.AppKey[Sessions] = web.AppKey("sessions", Sessions)
PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)
PUBLIC_URL: web.AppKey[str] = web.AppKey("public_url", str)
"""What printed addresses begin with; empty: the address that the browser used."""
