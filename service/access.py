"""Who may call what: the one table of route × role. An address that is not in it is refused to everyone."""

from __future__ import annotations

from kit.edge import Access
from tickets.counters import AT_THE_COUNTER

EVERYONE = None

ACCESS: Access = {
    ("GET", "/api/v1/openapi.json"): EVERYONE,
    ("GET", "/api/v1/dossiers/{code}"): EVERYONE,
    ("GET", "/api/v1/offices"): EVERYONE,
    ("GET", "/api/v1/offices/{office_id}"): EVERYONE,
    ("GET", "/api/v1/offices/{office_id}/queues"): EVERYONE,
    ("GET", "/api/v1/offices/{office_id}/live"): EVERYONE,
    ("POST", "/api/v1/offices/{office_id}/tickets"): EVERYONE,
    ("GET", "/api/v1/tickets/{token}"): EVERYONE,
    ("DELETE", "/api/v1/tickets/{token}"): EVERYONE,
    ("GET", "/api/v1/tickets/{token}/live"): EVERYONE,
    ("POST", "/api/v1/session"): EVERYONE,
    ("DELETE", "/api/v1/session"): EVERYONE,
    ("POST", "/api/v1/counters/{counter_id}/open"): AT_THE_COUNTER,
    ("POST", "/api/v1/counters/{counter_id}/close"): AT_THE_COUNTER,
    ("POST", "/api/v1/counters/{counter_id}/call-next"): AT_THE_COUNTER,
    ("POST", "/api/v1/tickets/{token}/{move}"): AT_THE_COUNTER,
    ("GET", "/"): EVERYONE,
    ("GET", "/find"): EVERYONE,
    ("GET", "/d/{code}"): EVERYONE,
    ("GET", "/o"): EVERYONE,
    ("GET", "/o/{office_id}"): EVERYONE,
    ("GET", "/o/{office_id}/sign"): EVERYONE,
    ("POST", "/o/{office_id}"): EVERYONE,
    ("GET", "/t/{token}"): EVERYONE,
    ("POST", "/t/{token}/cancel"): EVERYONE,
    ("GET", "/desk"): EVERYONE,
    ("POST", "/desk/sign-in"): EVERYONE,
    ("POST", "/desk/sign-out"): EVERYONE,
    ("POST", "/desk/{counter_id}/{action}"): AT_THE_COUNTER,
    ("POST", "/desk/tickets/{token}/{move}"): AT_THE_COUNTER,
    ("GET", "/static/{name}"): EVERYONE,
    ("GET", "/robots.txt"): EVERYONE,
}
