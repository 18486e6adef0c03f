"""Every metric of the product: name, type, unit, help and labels in one place.

Labels come from closed sets (routes, layers, states, offices); never a dossier code, a ticket token, a name or an
address.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

registry = CollectorRegistry()

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)

requests = Counter(
    "motcua_http_requests",
    "Requests answered, by route template, method and status.",
    ("route", "method", "status"),
    registry=registry,
)
request_seconds = Histogram(
    "motcua_http_request_seconds",
    "Time from the parsed request to the answer handed to the socket, by route template.",
    ("route", "method"),
    buckets=LATENCY_BUCKETS,
    registry=registry,
)
requests_in_flight = Gauge(
    "motcua_http_requests_in_flight", "Requests being worked on in this worker.", registry=registry
)
cache_reads = Counter(
    "motcua_cache_reads",
    "Status reads by the layer that answered: local, redis, database, stale (database away), absent.",
    ("topic", "layer"),
    registry=registry,
)
cache_rejected = Counter(
    "motcua_cache_rejected",
    "Values found in Redis and not believed: foreign (another key's), malformed, or older than one already seen.",
    ("reason",),
    registry=registry,
)
redis_breaker_open = Gauge(
    "motcua_redis_breaker_open",
    "1 while this worker does not ask Redis because it did not answer.",
    registry=registry,
)
redis_link_up = Gauge("motcua_redis_link_up", "1 while this worker hears invalidations from Redis.", registry=registry)
database_connections = Gauge(
    "motcua_database_connections", "Connections of this worker's pool.", ("state",), registry=registry
)
database_waiting = Gauge(
    "motcua_database_waiting", "Pieces of work waiting for a database connection.", registry=registry
)
outbox_published = Counter(
    "motcua_outbox_published",
    "Changes made public from the outbox, by topic and by who did it: writer, relay.",
    ("topic", "by"),
    registry=registry,
)
live_watchers = Gauge("motcua_live_watchers", "Open server-sent event streams of this worker.", registry=registry)
messages = Counter(
    "motcua_messages",
    "Attempts to tell somebody, by channel (email, sms, webhook) and how they ended: sent, put_off, dead.",
    ("channel", "state"),
    registry=registry,
)
messages_open = Gauge(
    "motcua_messages_open",
    "Messages of the whole service that are waiting or dead, by channel (email, sms, phone, webhook).",
    ("channel", "state"),
    registry=registry,
)
tickets_issued = Counter("motcua_tickets_issued", "Queue tickets issued, by office.", ("office",), registry=registry)
tickets_called = Counter(
    "motcua_tickets_called", "Queue tickets called to a counter, by office.", ("office",), registry=registry
)
