"""The edge of every request: access, errors, metrics, log and headers, in one middleware.

One, because each layer of middleware costs every status read some microseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Histogram

from kit.lane import SERVER
from kit.problems import BadRequest, CrossOrigin, FieldError, Forbidden, NotSignedIn, Problem, ProblemType
from kit.requestids import RequestIds
from kit.sessions import Role, Sessions, Staff, token_of
from metrics import catalogue

log = structlog.get_logger()

Access = Mapping[tuple[str, str], frozenset[Role] | None]
"""By method and route template, the roles that may come in; None = everyone. What is not in the table is refused."""
ProblemTable = Mapping[type[Exception], ProblemType]
ErrorPage = Callable[[web.Request, Problem], web.Response]

STAFF: web.RequestKey[Staff] = web.RequestKey("staff", Staff)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SLOW_SECONDS = 1.0

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@dataclass(slots=True)
class _Route:
    """What is known of a route before any request: who may come in, and its bound metrics."""

    template: str
    method: str
    allowed: frozenset[Role] | None
    seconds: Histogram
    answers: dict[int, Counter] = field(default_factory=dict)

    def count(self, status: int, seconds: float) -> None:
        counter = self.answers.get(status)
        if counter is None:
            counter = self.answers[status] = catalogue.requests.labels(self.template, self.method, str(status))
        counter.inc()
        self.seconds.observe(seconds)


class Edge:
    """Builds the middleware; ``problems`` is the one table from exceptions to HTTP problems."""

    def __init__(
        self, access: Access, problems: ProblemTable, sessions: Sessions, error_page: ErrorPage, ids: RequestIds
    ) -> None:
        self._access = access
        self._problems = problems
        self._sessions = sessions
        self._error_page = error_page
        self._routes: dict[object, _Route] = {}
        self._ids = ids
        self.in_flight = 0
        """Requests being worked on."""
        catalogue.requests_in_flight.set_function(lambda: self.in_flight)

    def middleware(self) -> Middleware:
        """The aiohttp middleware."""

        @web.middleware
        async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        return edge

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        route = self._route(request)
        request_id = request[REQUEST_ID] = self._ids.of(request.headers.get("X-Request-Id"))
        self.in_flight += 1
        try:
            if request.method not in _SAFE:
                _refuse_cross_origin(request)
            if route.allowed is not None:
                await self._let_in(request, route.allowed)
            response = await handler(request)
        except web.HTTPException as error:
            response = self._of_http(request, error)
        except Exception as error:
            response = self._of_error(request, route, error)
        finally:
            self.in_flight -= 1
        seconds = time.perf_counter() - start
        route.count(response.status, seconds)
        if not response.prepared:
            headers = response.headers
            headers["X-Request-Id"] = request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers[hdrs.SERVER] = SERVER
            if headers.get(hdrs.CONTENT_TYPE, "").startswith("text/html"):
                headers.update(PAGE_HEADERS)
        if request.method not in _SAFE or seconds > SLOW_SECONDS:
            log.info(
                "request",
                request_id=request_id,
                method=request.method,
                route=route.template,
                status=response.status,
                ms=round(seconds * 1000, 1),
            )
        return response

    def _route(self, request: web.Request) -> _Route:
        key = request.match_info.route
        known = self._routes.get(key)
        if known is None:
            resource = key.resource
            template = resource.canonical if resource is not None else "unmatched"
            method = key.method if resource is not None else "any"
            allowed = (
                self._access.get(("GET" if method == "HEAD" else method, template), frozenset())
                if resource is not None
                else None
            )
            known = _Route(template, method, allowed, catalogue.request_seconds.labels(template, method))
            if resource is not None:  # aiohttp makes a new route object for every address it does not know
                self._routes[key] = known
        return known

    async def _let_in(self, request: web.Request, allowed: frozenset[Role]) -> None:
        token = token_of(request)
        if token is None:
            raise NotSignedIn("sign in first")
        staff = await self._sessions.read(token)
        if staff.role not in allowed:
            raise Forbidden("your role may not do this")
        request[STAFF] = staff

    def _of_http(self, request: web.Request, error: web.HTTPException) -> web.StreamResponse:
        if error.status < 400:
            return error
        kind = _HTTP_PROBLEMS.get(error.status, ProblemType(error.status, "http", error.reason, error.reason))
        response = self._render(request, kind, None)
        if hdrs.ALLOW in error.headers:
            response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return response

    def _of_error(self, request: web.Request, route: _Route, error: Exception) -> web.Response:
        kind = next((self._problems[base] for base in type(error).__mro__ if base in self._problems), None)
        if kind is None:
            log.error("unexpected_error", request_id=request[REQUEST_ID], route=route.template, exc_info=error)
            return self._render(request, UNEXPECTED, None)
        errors = error.errors if isinstance(error, BadRequest) else ()
        return self._render(request, kind, str(error) or None, errors)

    def _render(
        self, request: web.Request, kind: ProblemType, detail: str | None, errors: tuple[FieldError, ...] = ()
    ) -> web.Response:
        shown = detail if kind.shows_detail else None
        # What may not be told apart (a hidden dossier, an unknown one) must not differ by a single byte.
        instance = f"urn:motcua:request:{request[REQUEST_ID]}" if kind.shows_detail else None
        problem = Problem(kind, shown, instance, errors)
        if request.path.startswith("/api/"):
            response = web.Response(body=problem.json(), status=kind.status, content_type="application/problem+json")
        else:
            response = self._error_page(request, problem)
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
        if kind.retry_after is not None:
            response.headers[hdrs.RETRY_AFTER] = str(kind.retry_after)
        if kind.status == 401:
            response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        return response


UNEXPECTED = ProblemType(500, "unexpected", "Lỗi hệ thống", "Internal error")
_HTTP_PROBLEMS = {
    404: ProblemType(404, "no-such-address", "Không có địa chỉ này", "No such address"),
    405: ProblemType(405, "wrong-method", "Phương thức không được hỗ trợ", "Method not allowed"),
    413: ProblemType(413, "too-large", "Nội dung gửi lên quá lớn", "Body too large"),
    415: ProblemType(415, "unsupported-media-type", "Định dạng không được hỗ trợ", "Unsupported media type"),
}


def _refuse_cross_origin(request: web.Request) -> None:
    # Browsers say where a request comes from; other programs send neither header and carry no ambient cookie.
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise CrossOrigin("this request comes from another site")
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise CrossOrigin("this request comes from another site")


def json_bytes(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A response of ready JSON bytes."""
    return web.Response(body=body, status=status, headers={hdrs.CONTENT_TYPE: "application/json", **(headers or {})})


def conditional(request: web.Request, body: bytes, etag: str, cache_control: str) -> web.Response:
    """The ready JSON ``body`` with its validator, or 304 if the client has it already."""
    headers = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: cache_control}
    if etag_matches(request, etag):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = "application/json"
    return web.Response(body=body, headers=headers)


def etag_matches(request: web.Request, etag: str) -> bool:
    """Whether the client says that it has this version (``If-None-Match``)."""
    known = request.headers.get(hdrs.IF_NONE_MATCH)
    if known is None:
        return False
    return known.strip() == "*" or any(part.strip().removeprefix("W/") == etag for part in known.split(","))


def see_other(location: str) -> web.Response:
    """303: look there now."""
    return web.Response(status=303, headers={hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store"})
