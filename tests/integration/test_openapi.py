"""The OpenAPI description and the running service say the same."""

from __future__ import annotations

import itertools
from typing import Any

import jsonschema
import orjson
import pytest

from service.access import ACCESS, EVERYONE
from service.openapi import document
from tests.integration.conftest import MISSING, OFFICE, SHOWN, Site

DESCRIBED: dict[str, Any] = orjson.loads(document())


def test_it_describes_every_address_of_the_api_and_no_other() -> None:
    there = {(method, path) for method, path in ACCESS if path.startswith("/api/")}
    described = {
        (method.upper(), path)
        for path, item in DESCRIBED["paths"].items()
        for method in item.keys() & {"get", "post", "put", "delete"}
    }
    assert described == there


def test_it_says_who_may_come_in() -> None:
    for (method, path), roles in ACCESS.items():
        if path.startswith("/api/"):
            assert ("security" in DESCRIBED["paths"][path][method.lower()]) == (roles is not EVERYONE), (method, path)


def check(method: str, path: str, status: int, content_type: str, body: Any) -> None:
    """Fail unless the description allows this answer."""
    responses = DESCRIBED["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {path} answered {status}, which is not described"
    content = responses[str(status)].get("content")
    if content is None:
        return
    assert content_type in content, f"{method} {path} {status}: {content_type} is not described"
    schema = {**content[content_type]["schema"], "components": DESCRIBED["components"]}
    jsonschema.validate(body, schema, jsonschema.Draft202012Validator)


async def ask(site: Site, template: str, method: str = "GET", path: str = "", **more: Any) -> Any:
    """Ask the service and hold its answer to the description of ``template``."""
    status, headers, body = await site.ask(method, path or template, **more)
    check(method, template, status, headers.get("Content-Type", "").partition(";")[0], body)
    return body


async def test_a_dossier_at_work_is_as_described(site: Site) -> None:
    clerk = await site.sign_in("clerk")
    intake = "/api/v1/dossiers"
    somebody = {"name": "A"}
    group: dict[str, Any] = {"applicant": somebody, "group": "khai-sinh"}
    for body in ({}, {"applicant": somebody, "procedure": "9.9"}, group):
        taken = await ask(site, intake, "POST", body=body, headers=clerk)
    short = {"applicant": somebody, "procedure": "2.000815", "missing": ["A"], "reason": "B", "guidance": "C"}
    await ask(site, intake, "POST", body=short, headers=clerk)
    await ask(site, intake, "POST", body=short)
    code = taken["dossiers"][0]["code"]
    await ask(site, "/api/v1/groups/{code}", path=f"/api/v1/groups/{taken['code']}")
    await ask(site, "/api/v1/groups/{code}", path=f"/api/v1/groups/{code}")
    for name in (code, MISSING, "nonsense"):
        await ask(site, "/api/v1/dossiers/{code}/case", path=f"/api/v1/dossiers/{name}/case", headers=clerk)
    act, headers = "/api/v1/dossiers/{code}/{action}", clerk | {"If-Match": '"1"'}
    acts: list[tuple[str, dict[str, Any]]] = [("transfer", {}), ("extend", {}), ("complete", {"nonsense": 1})]
    for action, body in acts:
        for given in (headers, clerk, {}):
            await ask(site, act, "POST", f"/api/v1/dossiers/{code}/{action}", body=body, headers=given)


async def test_every_answer_is_as_described(site: Site) -> None:
    clerk = await site.sign_in("clerk")
    await ask(site, "/api/v1/openapi.json")
    await ask(site, "/api/v1/offices")
    office = await ask(site, "/api/v1/offices/{office_id}", path=f"/api/v1/offices/{OFFICE}")
    await ask(site, "/api/v1/offices/{office_id}", path="/api/v1/offices/nowhere")
    for tail in ("", "?q=khai+sinh", "?q=nothing+like+it", f"?q={'x' * 101}"):
        path = f"/api/v1/offices/{OFFICE}/procedures{tail}"
        await ask(site, "/api/v1/offices/{office_id}/procedures", path=path)
    await ask(site, "/api/v1/offices/{office_id}/procedures", path="/api/v1/offices/nowhere/procedures")
    for code in (SHOWN, MISSING, "nonsense"):
        await ask(site, "/api/v1/dossiers/{code}", path=f"/api/v1/dossiers/{code}")
    queues = f"/api/v1/offices/{OFFICE}/queues"
    await ask(site, "/api/v1/offices/{office_id}/queues", path=queues)

    take, tickets = "/api/v1/offices/{office_id}/tickets", f"/api/v1/offices/{OFFICE}/tickets"
    service, counter = office["services"][0]["id"], office["counters"][0]["id"]
    ticket = await ask(site, take, "POST", tickets, body={"service": service})
    await ask(site, take, "POST", tickets, body={"service": "nothing"})
    await ask(site, take, "POST", tickets, body={"service": 1, "unknown": True})
    await ask(site, take, "POST", "/api/v1/offices/never-open/tickets", body={"service": "ho-tich"})

    counters = "/api/v1/counters/{counter_id}/"
    for action, headers in itertools.product(("open", "call-next", "close"), ({}, clerk)):
        await ask(site, counters + action, "POST", f"/api/v1/counters/{counter}/{action}", headers=headers)
    for move, headers in itertools.product(("start", "recall", "finish"), ({}, clerk)):
        path = f"/api/v1/tickets/{ticket['token']}/{move}"
        await ask(site, "/api/v1/tickets/{token}/{move}", "POST", path, headers=headers)
    one = "/api/v1/tickets/{token}"
    await ask(site, one, path=f"/api/v1/tickets/{ticket['token']}")
    await ask(site, one, "DELETE", f"/api/v1/tickets/{ticket['token']}")
    await ask(site, one, path="/api/v1/tickets/none")
    await ask(site, queues.replace(OFFICE, "{office_id}"), path=queues)
    await ask(site, "/api/v1/session", "POST", body={"name": "nobody", "password": "wrong"})
    await ask(site, "/api/v1/session", "DELETE", headers=clerk)


def test_an_answer_that_is_not_described_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check("GET", "/api/v1/offices", 418, "application/json", {})
    with pytest.raises(jsonschema.ValidationError):
        check("GET", "/api/v1/offices", 200, "application/json", {"offices": [{"id": 1}]})
