"""HTML pages: templates in Vietnamese with English beside it, static files under names that change with their
content.
"""

from __future__ import annotations

import gettext
import hashlib
import io
from datetime import date, datetime
from importlib import resources
from pathlib import PurePosixPath
from urllib.parse import urlencode

import jinja2
from aiohttp import hdrs, web
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup

from kit.problems import Problem

LANGUAGES = ("vi", "en")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".ico": "image/x-icon"}


class Pages:
    """Renders templates ``package/name.html``.

    Texts stand in Vietnamese in the templates; English comes from the catalogue.
    """

    def __init__(self, packages: tuple[str, ...], catalogue: bytes) -> None:
        loader = jinja2.PrefixLoader({package: jinja2.PackageLoader(package, "templates") for package in packages})
        self._static = _Static(packages)
        self._environments = {language: self._environment(loader, language, catalogue) for language in LANGUAGES}

    def _environment(self, loader: jinja2.BaseLoader, language: str, catalogue: bytes) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        translations = _english(catalogue) if language == "en" else gettext.NullTranslations()
        environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]  # by the extension
        environment.globals.update(
            lang=language,
            asset=self._static.address,
            to=lambda address: in_language(language, address),
            name=lambda thing: thing.name_en if language == "en" else thing.name,
            clock=_clock,
            day=_day(language),
        )
        return environment

    def render(self, request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
        """The page as a response, in the language that the address asks for."""
        language = language_of(request)
        values["other_address"] = _other_address(request, language)
        text = self._environments[language].get_template(template).render(values)
        return web.Response(
            text=text,
            status=status,
            headers={hdrs.CONTENT_TYPE: "text/html; charset=utf-8", hdrs.CACHE_CONTROL: "no-store"},
        )

    def error(self, request: web.Request, problem: Problem) -> web.Response:
        """The page for a problem; what staff see leads back to their desk."""
        at_desk = request.path.startswith(("/desk", "/office"))
        return self.render(request, "kit/problem.html", status=problem.type.status, problem=problem, at_desk=at_desk)

    async def static(self, request: web.Request) -> web.Response:
        """Handler of ``/static/{name}``: immutable, for the name holds the content's hash."""
        found = self._static.read(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        content_type, body = found
        return web.Response(
            body=body,
            headers={
                hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8",
                hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable",
            },
        )


def language_of(request: web.Request) -> str:
    """``en`` if the address asks for it, else ``vi``."""
    return "en" if request.query.get("lang") == "en" else "vi"


def in_language(language: str, address: str) -> str:
    """The address of one of our pages, so that it comes in ``language``."""
    if language != "en":
        return address
    return f"{address}{'&' if '?' in address else '?'}lang=en"


def _other_address(request: web.Request, language: str) -> str | None:
    # Only the query: a path that begins with two slashes would lead to another site. None where only a form leads.
    if request.method not in ("GET", "HEAD"):
        return None
    query = [(name, value) for name, value in request.query.items() if name != "lang"]
    return "?" + urlencode(query + ([("lang", "en")] if language == "vi" else []))


class _Static:
    """The packages' ``static/`` files, read once."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._by_address: dict[str, tuple[str, bytes]] = {}
        self._address: dict[str, str] = {}
        for package in packages:
            folder = resources.files(package).joinpath("static")
            if folder.is_dir():
                for file in folder.iterdir():
                    self._add(PurePosixPath(file.name), file.read_bytes())

    def _add(self, name: PurePosixPath, body: bytes) -> None:
        hashed = f"{name.stem}.{hashlib.sha256(body).hexdigest()[:10]}{name.suffix}"
        self._by_address[hashed] = (_TYPES[name.suffix], body)
        self._address[str(name)] = f"/static/{hashed}"

    def address(self, name: str) -> str:
        return self._address[name]

    def read(self, hashed: str) -> tuple[str, bytes] | None:
        return self._by_address.get(hashed)


def _english(catalogue: bytes) -> gettext.GNUTranslations:
    binary = io.BytesIO()
    write_mo(binary, read_po(io.BytesIO(catalogue), locale="en"))
    binary.seek(0)
    return gettext.GNUTranslations(binary)


def _clock(at: datetime) -> str:
    return format_time(at, "HH:mm", locale="vi")


def _day(language: str) -> object:
    pattern = "dd/MM/yyyy" if language == "vi" else "d MMMM yyyy"

    def day(value: date, weekday: bool = False) -> str:
        return format_date(value, f"EEEE, {pattern}" if weekday else pattern, locale=language)

    return day


def svg(markup: str) -> Markup:
    """Trusted SVG made by ourselves, to stand inside a page."""
    return Markup(markup)  # noqa: S704 - made by segno from an address, never from what somebody typed
