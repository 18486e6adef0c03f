"""Who may call what: the one table of route × role. An address that is not in it is refused to everyone."""

from __future__ import annotations

from kit.edge import Access
from tickets.counters import AT_THE_COUNTER
from tracking.cases import WORKING
from tracking.exchange.api import EXCHANGING

EVERYONE = None

ACCESS: Access = {
    ("GET", "/api/v1/openapi.json"): EVERYONE,
    ("GET", "/api/v1/dossiers/{code}"): EVERYONE,
    ("GET", "/api/v1/groups/{code}"): EVERYONE,
    ("GET", "/api/v1/dossiers/{code}/case"): WORKING,
    ("POST", "/api/v1/dossiers"): WORKING,
    ("POST", "/api/v1/dossiers/{code}/{action}"): WORKING,
    ("PUT", "/api/v1/dossiers/{code}"): EXCHANGING,
    ("GET", "/api/v1/offices/{office_id}/dossiers"): EXCHANGING,
    ("GET", "/api/v1/offices"): EVERYONE,
    ("GET", "/api/v1/offices/{office_id}"): EVERYONE,
    ("GET", "/api/v1/offices/{office_id}/procedures"): EVERYONE,
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
    ("GET", "/api/v1/receipts/{lookup_token}"): EVERYONE,
    ("POST", "/api/v1/receipts/{lookup_token}/rating"): EVERYONE,
    ("POST", "/api/v1/receipts/{lookup_token}/feedback"): EVERYONE,
    ("POST", "/api/v1/payments"): EVERYONE,  # signed with the secret it shares with us
    ("GET", "/r"): EVERYONE,
    ("POST", "/r"): EVERYONE,
    ("GET", "/r/{lookup_token}"): EVERYONE,
    ("GET", "/r/{lookup_token}/rating"): EVERYONE,
    ("POST", "/r/{lookup_token}/rating"): EVERYONE,
    ("GET", "/r/{lookup_token}/feedback"): EVERYONE,
    ("POST", "/r/{lookup_token}/feedback"): EVERYONE,
    ("GET", "/r/{lookup_token}/contact"): EVERYONE,
    ("POST", "/r/{lookup_token}/contact"): EVERYONE,
    ("GET", "/"): EVERYONE,
    ("GET", "/find"): EVERYONE,
    ("GET", "/d/{code}"): EVERYONE,
    ("GET", "/g/{code}"): EVERYONE,
    ("GET", "/procedures"): EVERYONE,
    ("GET", "/procedures/{office_id}"): EVERYONE,
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
    ("GET", "/desk/dossiers/{code}/paper/{form}"): WORKING,
    ("GET", "/desk/notices/{id}/paper"): WORKING,
    ("GET", "/desk/register"): WORKING,
    ("GET", "/static/{name}"): EVERYONE,
    ("GET", "/robots.txt"): EVERYONE,
}
