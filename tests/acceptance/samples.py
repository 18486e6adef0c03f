"""Dossiers at every stage, made the way clerks and citizens make them: over the API of a running demo."""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.faults.running import RunningService
from tests.faults.wire import Wire

BIRTH, MARRIAGE, LAND = "1.001193", "1.000894", "1.012782"
NAME, PHONE = "Nguyễn Thị Thanh Hương Giang", "0901 234 567"
APPLICANT = {
    "name": NAME,
    "id_number": "001187654321",
    "phone": PHONE,
    "email": "huong.giang@example.org",
    "address": "Số 1, ngõ 2, phố Không Có Thật, phường Tây Hồ, Hà Nội",
    "channels": ["email", "sms", "phone"],
}
REASON = "Giấy chứng sinh chưa có dấu của bệnh viện; tên người mẹ chưa khớp với căn cước công dân."
PAPERS = [{"name": "Tờ khai đăng ký", "original": True}, {"name": "Căn cước công dân", "original": False}]
STEPS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "accepted": [],
    "processing": [("transfer", {})],
    "supplement": [
        ("transfer", {}),
        (
            "request-supplement",
            {
                "reason": REASON,
                "missing": ["Giấy chứng sinh", "Giấy chứng nhận kết hôn"],
                "guidance": "Xin ở bệnh viện",
            },
        ),
    ],
    "payment": [("transfer", {}), ("request-payment", {"amount": 158_000, "purpose": "Lệ phí trước bạ"})],
    "withdrawn": [("transfer", {}), ("withdraw", {"reason": "Gia đình đổi ý"})],
    "stopped": [("transfer", {}), ("stop", {"reason": "Người nộp không bổ sung giấy tờ trong thời hạn."})],
    "refused": [("transfer", {}), ("refuse", {"reason": REASON})],
    "completed": [("transfer", {}), ("complete", {})],
    "late": [("transfer", {})],
    "late-done": [("transfer", {}), ("complete", {})],
    "returned": [("transfer", {}), ("complete", {}), ("return", {"originals_returned": True})],
    "rated": [("transfer", {}), ("complete", {}), ("return", {"originals_returned": True})],
}
"""Name of a stage → the actions that lead there; ``late`` ones are past due before the first of them."""
PROCEDURES = {"payment": LAND, "completed": MARRIAGE, "refused": MARRIAGE, "accepted": LAND}


class Samples:
    """``codes`` by stage, with ``group``; ``tokens`` of level 1 by stage; ``clerk`` and ``supervisor``: sessions."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self.codes: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.clerk = self.supervisor = ""

    async def make(self) -> None:
        """Make them all."""
        self.clerk, self.supervisor = [await self._service.sign_in(name) for name in ("clerk", "supervisor")]
        database = await asyncpg.connect(self._service.database_url)
        try:
            async with Wire(self._service.port) as wire:
                for stage, steps in STEPS.items():
                    await self._bring_to(wire, database, stage, steps)
                taken = await self._post(wire, "dossiers", {"applicant": APPLICANT, "group": "khai-sinh"})
                self.codes["group"] = taken["code"]
                self.tokens |= {
                    stage: await database.fetchval("SELECT token FROM receipt WHERE code = $1", code)
                    for stage, code in self.codes.items()
                    if stage != "group"
                }
                await self._speak(wire)
            await database.execute(
                "INSERT INTO apology (code_year, code, kind, office_id, owed_at) SELECT code_year, code, 'late',"
                " receiving_office, due_at FROM dossier WHERE code = $1 ON CONFLICT DO NOTHING",
                self.codes["late"],
            )
        finally:
            await database.close()

    async def _bring_to(
        self, wire: Wire, database: asyncpg.Connection, stage: str, steps: list[tuple[str, dict[str, Any]]]
    ) -> None:
        body = {"applicant": APPLICANT, "procedure": PROCEDURES.get(stage, BIRTH), "papers": PAPERS}
        taken = await self._post(wire, "dossiers", body)
        code = self.codes[stage] = taken["code"]
        if stage.startswith("late"):
            await database.execute(
                "UPDATE dossier SET received_at = received_at - interval '9 days', due_at = now() - interval '2 days',"
                " appointment_on = (now() - interval '2 days')::date WHERE code = $1",
                code,
            )
        for action, details in steps:
            await self._post(wire, f"dossiers/{code}/{action}", details)

    async def _speak(self, wire: Wire) -> None:
        for stage, kind in (("supplement", "feedback"), ("late", "petition")):
            words = {"kind": kind, "text": "Tôi đã đến hai lần nhưng chưa được hướng dẫn rõ.\nXin xem lại."}
            await self._post(wire, f"receipts/{self.tokens[stage]}/feedback", words)
        await self._post(wire, f"receipts/{self.tokens['rated']}/rating", {"score": 5, "comment": "Rất nhanh, cảm ơn."})

    async def _post(self, wire: Wire, path: str, body: dict[str, Any]) -> Any:
        reply = await wire.ask("POST", f"/api/v1/{path}", body, bearer=self.clerk)
        assert reply.status in (200, 201), (path, reply.body)
        return reply.json
