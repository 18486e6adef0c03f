"""Any order of actions at any time, on a real database, beside a small model: what holds whatever clerks do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kit.appkeys import DATABASE
from kit.problems import BadRequest
from kit.sessions import Role, Staff
from office.api import DIRECTORY
from service.app import build
from service.settings import load
from tests.integration.conftest import free_port
from tracking.actions import By, Known, VersionConflict
from tracking.case import Applicant, Case, Paper
from tracking.case_api import ACTIONS, INTAKE
from tracking.codes import Code
from tracking.registration import Handed
from tracking.rules import RuleBroken
from tracking.workflow import Action, ActionNotAllowed, Wish

OFFICE = "tay-ho"
MONDAY = datetime(2026, 8, 10, 9, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))

# By action, from which status it leads where (0 = it stays): the model, written down apart from the product.
MODEL: dict[str, dict[int, int]] = {
    "accept": {1: 2},
    "decline": {1: 3},
    "transfer": {2: 4},
    "request-supplement": {2: 5, 4: 5},
    "receive-supplement": {5: 4},
    "request-payment": {4: 6},
    "receive-payment": {6: 4, 1: 0, 2: 0, 4: 0, 5: 0, 7: 0, 9: 0},
    "extend": {4: 0, 6: 0},
    "refuse": {4: 9},
    "complete": {4: 9},
    "return": {9: 10},
    "return-originals": {3: 0, 8: 0},
    "withdraw": {2: 7, 4: 7, 5: 7, 6: 7},
    "resume": {7: 4},
    "stop": {4: 8, 5: 8, 6: 8, 7: 8},
}
ENDS = {"decline", "refuse", "complete", "withdraw", "stop"}
"""Chosen less often, or no dossier would live long enough to be extended twice."""


@dataclass
class Stage:
    """The application's parts on real servers, and the loop they live in."""

    runner: asyncio.Runner
    app: web.Application

    def rows(self, query: str, *given: object) -> list[dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            async with self.app[DATABASE].connection() as connection:
                return [dict(row) for row in await connection.fetch(query, *given)]

        return self.runner.run(ask())


@pytest.fixture
def stage(demo_database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Stage]:
    given = load(DATABASE_URL=demo_database_url, REDIS_URL=redis_url, data_dir=tmp_path, admin_port=free_port(),
                 workers=1, database_acquire_timeout=5, database_command_timeout=10)  # fmt: skip
    with asyncio.Runner() as runner:
        app = runner.run(build(given))
        yield Stage(runner, app)
        runner.run(app[DATABASE].close())


@dataclass
class Model:
    """What the product should believe."""

    status: int
    version: int = 1
    extensions: int = 0
    owed: int = 0
    originals: bool = True
    asked: list[int] = field(default_factory=list)


class DossierMachine(RuleBasedStateMachine):
    """One dossier at a time; hours pass between the actions."""

    stage: ClassVar[Stage]

    @initialize(online=st.booleans(), original=st.booleans(), hour=st.integers(0, 9))
    def hand_in(self, online: bool, original: bool, hour: int) -> None:
        self.now = MONDAY + timedelta(hours=hour)
        (staff,) = self.stage.rows("SELECT id FROM staff WHERE name = 'stranger'")
        self.by = By(Staff(staff["id"], "stranger", Role.CLERK, OFFICE))
        handed = Handed(
            Applicant("A", email="a@example.org", phone="0900000000", channels=("email",)),
            procedure=self.stage.runner.run(self._procedure()),
            channel="online" if online else "counter",
            papers=(Paper("Tờ khai", original),),
            fee_paid=True,
        )
        assert self.by.staff is not None
        taken = self.stage.runner.run(self.stage.app[INTAKE].take(handed, self.by.staff, self.by, None, self.now))
        self.case = taken.cases[0]
        self.model = Model(1 if online else 2, originals=original)

    async def _procedure(self) -> str:
        detail = await self.stage.app[DIRECTORY].detail(OFFICE)
        return next(one.code for one in detail.procedures if one.time_limit in ("10d", "15d", "20d"))

    @rule(
        any_of_all=st.sampled_from([False] * 4 + [True]),
        choice=st.integers(0, 999),
        hours=st.sampled_from([0, 0, 1, 5, 30, 200]),
        days=st.integers(1, 9),
        originals=st.booleans(),
        amount=st.sampled_from([0, 0, 10_000, 20_000]),
        old=st.sampled_from([False] * 9 + [True]),
    )
    def do(self, any_of_all: bool, choice: int, hours: int, days: int, originals: bool, amount: int, old: bool) -> None:
        action = self._chosen(any_of_all, choice)
        self.now += timedelta(hours=hours)
        due = self.case.appointment_on
        wish = Wish(
            reason="Lý do", missing=("Giấy",), purpose="Lệ phí", originals_returned=originals,
            amount=sum(self.model.asked) if action == "receive-payment" and amount == 0 else amount or None,
            appointment_on=due + timedelta(days=days) if due else None,
        )  # fmt: skip
        known = Known(version=self.model.version - 1 if old and self.model.version > 1 else self.model.version)
        try:
            after = self.stage.runner.run(
                self.stage.app[ACTIONS].act(Code(self.case.code), Action(action), wish, self.by, known, self.now)
            )
        except VersionConflict:
            assert old and self.model.version > 1
        except ActionNotAllowed:
            assert not self._possible(action)
        except BadRequest:
            assert self._possible(action) and (wish.amount is None or wish.appointment_on is None)
        except RuleBroken as broken:
            assert self._possible(action)
            assert action in {"request-supplement", "extend", "return", "receive-payment"}, broken
        else:
            self._took(action, wish, after)

    def _chosen(self, any_of_all: bool, choice: int) -> str:
        possible = [action for action in MODEL if self._possible(action)]
        if any_of_all or not possible:
            return sorted(MODEL)[choice % len(MODEL)]
        weighted = [action for action in possible for _ in range(1 if action in ENDS else 4)]
        return weighted[choice % len(weighted)]

    def _possible(self, action: str) -> bool:
        if action == "receive-payment" and not self.model.asked:
            return False
        if action == "return-originals" and not self.model.originals:
            return False
        return self.model.status in MODEL[action]

    def _took(self, action: str, wish: Wish, after: Case) -> None:
        model = self.model
        assert self._possible(action)
        if action == "extend":
            assert model.extensions == 0 and self.case.due_at is not None and self.now < self.case.due_at
            model.extensions += 1
        if action == "request-payment" and wish.amount:
            model.asked.append(wish.amount)
        if action == "receive-payment":
            assert wish.amount == sum(model.asked)
            model.asked = []
        if action == "return":
            assert not model.asked and (wish.originals_returned or not model.originals)
        if action in {"return", "return-originals"}:
            model.originals = False
        model.status = MODEL[action][model.status] or model.status
        model.version += 1
        self.case = after
        assert (int(after.status), after.version) == (model.status, model.version)

    @invariant()
    def what_is_written_is_what_happened(self) -> None:
        if not hasattr(self, "model"):
            return
        code = self.case.code
        (row,) = self.stage.rows("SELECT status, version, extensions, amount_due FROM dossier WHERE code = $1", code)
        model = self.model
        assert row == {"status": model.status, "version": model.version, "extensions": model.extensions,
                       "amount_due": sum(model.asked)}  # fmt: skip
        assert row["extensions"] <= 1
        events = self.stage.rows(
            "SELECT version, from_status, to_status, action FROM dossier_event WHERE code = $1 ORDER BY id", code
        )
        assert [event["version"] for event in events] == list(range(1, model.version + 1))
        for before, event in itertools.pairwise(events):
            assert event["from_status"] == before["to_status"]
            assert event["to_status"] == (MODEL[event["action"]][event["from_status"]] or event["from_status"])
        audit = self.stage.rows("SELECT version FROM audit WHERE subject = $1 ORDER BY id", f"dossier:{code}")
        assert [one["version"] for one in audit] == list(range(1, model.version + 1))

    @invariant()
    def every_late_result_owes_an_apology(self) -> None:
        if not hasattr(self, "model"):
            return
        owed = {row["kind"] for row in self.stage.rows("SELECT kind FROM apology WHERE code = $1", self.case.code)}
        late = self.case.finished_at is not None and self.case.is_late(self.now)
        assert ("late" in owed) == late
        assert ("extension" in owed) == (self.model.extensions == 1)


@pytest.mark.timeout(300)
def test_whatever_clerks_do(stage: Stage) -> None:
    DossierMachine.stage = stage
    run_state_machine_as_test(
        DossierMachine,
        settings=settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
