"""Dossiers in every state that has a form, written straight into the tables, for tests of the printed forms."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kit.database import Connection
from kit.sessions import Passwords, Role, put_staff

Happened = tuple[str, int, int, dict[str, object]]
"""Action, status afterwards, minutes after receipt, details."""
HERE, BEFORE = "giay-to", "giay-to-2018"
"""Two offices: one uses the forms of 2025, the other those of 2018."""
CLERK, CLERK_BEFORE, AGENCY_CLERK, PASSWORD = "giay.lan", "giay.minh", "giay.hoa", "correct horse battery"
AGENCY = "H26.77"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
RECEIVED = datetime(2026, 9, 21, 8, 30, tzinfo=ZONE)
DUE = datetime(2026, 9, 24, 17, tzinfo=ZONE)
APPLICANT = "Nguyễn Thị Ngọc Quỳnh"
REASON = "Giấy khai sinh bị mờ số quyển; chưa có xác nhận của Ủy ban nhân dân phường nơi cư trú."
TOKEN, PIN = "k7Qm2xV9bTn4LcR8wYf3Za", "407213"
BANK = {"bank_bin": "970436", "bank_account": "0011001932418", "bank_account_name": "UBND PHUONG TAY HO"}
PROCEDURE = "9.900001"

TAKEN, BARE, WAITING, DECLINED, REFUSED, EXTENDED, LATE, STOPPED, BACK = (
    f"{AGENCY}-260921-000{n}" for n in range(1, 10)
)
BEFORE_TAKEN = f"{AGENCY}-260921-0018"
PAPERS = (
    ("Tờ khai cấp bản sao trích lục hộ tịch (theo mẫu)", False),
    ("Giấy khai sinh", True),
    ("Sổ hộ khẩu hoặc giấy xác nhận thông tin về cư trú", False),
    ("Văn bản ủy quyền có chứng thực của người được đại diện", True),
)


async def fill(connection: Connection) -> int:
    """Two offices with staff, ten dossiers, a notice. The answer is the notice's number."""
    await _offices(connection)
    hashed, staff = Passwords().hash(PASSWORD), {}
    for name, office in ((CLERK, HERE), (CLERK_BEFORE, BEFORE), (AGENCY_CLERK, "giay-to-co-quan")):
        staff[name] = await put_staff(connection, name=name, role=Role.CLERK, office=office, password_hash=hashed)
    lan = staff[CLERK]
    begun: list[Happened] = [("register", 1, 0, {}), ("accept", 2, 5, _clock(DUE))]
    going: list[Happened] = [*begun, ("transfer", 4, 90, {})]
    missing: dict[str, object] = {"missing": ["Giấy khai sinh (bản chính)", "Giấy xác nhận tình trạng hôn nhân"],
               "guidance": "Xin cấp lại tại Ủy ban nhân dân phường nơi đăng ký trước đây."}  # fmt: skip
    later = {"before": "2026-09-24", **_clock(DUE + timedelta(days=5))}
    await _dossier(connection, TAKEN, 2, begun, lan, originals_held=True, amount_due=158_000)
    await _dossier(connection, BARE, 4, going, lan)
    await _dossier(connection, WAITING, 5, [*going, ("request-supplement", 5, 300, missing)], lan, supplements=1)
    await _dossier(connection, DECLINED, 3, [("register", 1, 0, {}), ("decline", 3, 9, {})], lan, due_at=None)
    await _dossier(connection, REFUSED, 9, [*going, ("refuse", 9, 1500, {"late": False})], lan,
                   outcome="refused", finished_at=RECEIVED + timedelta(minutes=1500))  # fmt: skip
    await _dossier(connection, EXTENDED, 4, [*going, ("extend", 4, 2000, later)], lan, extensions=1,
                   due_at=DUE + timedelta(days=5))  # fmt: skip
    await _dossier(connection, LATE, 4, going, lan)
    await _dossier(connection, STOPPED, 8, [*going, ("withdraw", 7, 400, {}), ("stop", 8, 500, {})], lan)
    ended: list[Happened] = [("complete", 9, 2880, {"late": False}), ("return", 10, 3000, {"originals": 1})]
    await _dossier(connection, BACK, 10, [*going, *ended], lan, outcome="granted",
                   finished_at=RECEIVED + timedelta(minutes=2880),
                   returned_at=RECEIVED + timedelta(minutes=3000))  # fmt: skip
    await _dossier(connection, BEFORE_TAKEN, 2, begun, staff[CLERK_BEFORE], receiving_office=BEFORE)
    await connection.execute("INSERT INTO receipt (token, code_year, code, pin) VALUES ($1, 2026, $2, $3)", TOKEN,
                             TAKEN, PIN)  # fmt: skip
    await connection.execute(
        "INSERT INTO receipt (token, code_year, code, pin, revoked_at) VALUES ($1, 2026, $2, '000000', now())",
        "revoked-" + TOKEN,
        TAKEN,
    )
    await connection.execute(
        """INSERT INTO payment (code_year, code, amount, purpose, asked_at, paid_at, method)
           VALUES (2026, $1, 8000, 'Lệ phí cấp bản sao trích lục', $2, $2, 'cash'),
                  (2026, $1, 158000, 'Phí thẩm định hồ sơ', $2, NULL, NULL)""",
        TAKEN,
        RECEIVED,
    )
    await connection.execute(
        "INSERT INTO apology (code_year, code, kind, office_id, owed_at, reason) VALUES (2026, $1, 'late', $2, $3, $4)",
        LATE,
        HERE,
        DUE,
        "Hồ sơ cần xác minh thêm tại nơi đăng ký cũ.",
    )
    return int(
        await connection.fetchval(
            """INSERT INTO intake_notice (office_id, procedure_code, at, staff_id, applicant_name, missing, reason,
                                          guidance)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
            HERE, PROCEDURE, RECEIVED, lan, APPLICANT, missing["missing"], REASON, missing["guidance"],
        )
    )  # fmt: skip


async def _offices(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO agency (code, name, name_en) VALUES ($1, 'Ủy ban nhân dân phường Tây Hồ', 'Tay Ho ward')", AGENCY
    )
    await connection.execute(
        "INSERT INTO procedure (code, name, name_en, field, field_en) VALUES ($1, $2, 'Copy', 'Hộ tịch', 'Civil')",
        PROCEDURE,
        "Cấp bản sao trích lục hộ tịch, bản sao Giấy khai sinh",
    )
    for office, key, name, policy in (
        (HERE, "gto", "Điểm phục vụ hành chính công phường Nghĩa Đô", BANK),
        (BEFORE, "gtb", "Bộ phận tiếp nhận và trả kết quả", {"form_set": "2018"}),
        ("giay-to-co-quan", "gtc", "Ủy ban nhân dân phường Tây Hồ", {}),
    ):
        await connection.execute(
            """INSERT INTO office (id, short_key, name, name_en, kind, address, valid_from, policy)
               VALUES ($1, $2, $3, 'Paper office', 'point', '45 Nghĩa Đô, Hà Nội', '2025-07-01', $4)""",
            office,
            key,
            name,
            policy,
        )
    await connection.execute("INSERT INTO office_agency VALUES ('giay-to-co-quan', $1)", AGENCY)


def _clock(due: datetime) -> dict[str, object]:
    return {"due_at": due.isoformat(), "appointment_on": due.date().isoformat()}


async def _dossier(
    connection: Connection, code: str, status: int, events: list[Happened], staff: int,
    **columns: object,
) -> None:  # fmt: skip
    row: dict[str, object] = {
        "code_year": 2026, "code": code, "procedure_code": PROCEDURE, "receiving_office": HERE,
        "competent_agency": AGENCY, "channel": "counter", "status": status, "received_at": RECEIVED, "due_at": DUE,
        "time_limit": "3d",
    } | columns  # fmt: skip
    row["appointment_on"] = row["due_at"].date() if isinstance(row["due_at"], datetime) else None
    numbers = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO dossier ({', '.join(row)}) VALUES ({numbers})", *row.values())
    await connection.execute(
        "INSERT INTO applicant (code_year, code, name, phone, email, address) VALUES (2026, $1, $2, $3, $4, $5)",
        code,
        APPLICANT,
        "0912 345 678",
        "ngocquynh@example.vn",
        "Số 12 ngõ 34 đường Lạc Long Quân, phường Tây Hồ, Hà Nội",
    )
    await connection.executemany(
        "INSERT INTO dossier_paper (code_year, code, position, name, original) VALUES (2026, $1, $2, $3, $4)",
        [(code, place, *paper) for place, paper in enumerate(PAPERS)],
    )
    before = None
    for version, (action, after, minutes, details) in enumerate(events, 1):
        reasoned = action in ("request-supplement", "decline", "refuse", "extend", "stop", "withdraw")
        await connection.execute(
            """INSERT INTO dossier_event (at, code, version, action, from_status, to_status, staff_id, reason, details)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            RECEIVED + timedelta(minutes=minutes), code, version, action, before, after, staff,
            REASON if reasoned else None, details,
        )  # fmt: skip
        before = after
