"""The one table from exceptions to what a caller sees (RFC 9457). Handlers raise; nobody builds an error body."""

from __future__ import annotations

from kit.database import DatabaseUnavailable
from kit.edge import ProblemTable
from kit.feed import FeedFull
from kit.problems import BadRequest, CrossOrigin, Forbidden, NotSignedIn, ProblemType
from office.directory import UnknownOffice
from tickets.counters import CounterClosed, NotItsSkill, UnknownCounter
from tickets.issuing import KeyReused, OfficeClosed, UnknownService
from tickets.reading import UnknownTicket
from tickets.ticket import MoveNotAllowed
from tracking.api import UnknownDossier
from tracking.codes import MalformedCode

PROBLEMS: ProblemTable = {
    BadRequest: ProblemType(400, "bad-request", "Yêu cầu không hợp lệ", "Bad request"),
    MalformedCode: ProblemType(400, "malformed-code", "Mã hồ sơ không đúng dạng", "Malformed dossier code"),
    NotSignedIn: ProblemType(401, "not-signed-in", "Chưa đăng nhập", "Not signed in"),
    Forbidden: ProblemType(403, "forbidden", "Không có quyền", "Not allowed"),
    CrossOrigin: ProblemType(403, "cross-origin", "Yêu cầu từ trang khác", "Cross-site request"),
    UnknownDossier: ProblemType(
        404, "unknown-dossier", "Không tìm thấy hồ sơ", "Dossier not found", shows_detail=False
    ),
    UnknownOffice: ProblemType(
        404, "unknown-office", "Không có nơi tiếp nhận này", "No such office", shows_detail=False
    ),
    UnknownService: ProblemType(
        404,
        "unknown-service",
        "Nơi này không có loại việc đó",
        "No such service at this office",
        shows_detail=False,
    ),
    UnknownCounter: ProblemType(404, "unknown-counter", "Không có quầy này", "No such counter", shows_detail=False),
    UnknownTicket: ProblemType(404, "unknown-ticket", "Không có số thứ tự này", "No such ticket", shows_detail=False),
    OfficeClosed: ProblemType(409, "office-closed", "Ngoài giờ tiếp nhận", "The office is closed"),
    CounterClosed: ProblemType(409, "counter-closed", "Quầy chưa mở", "The counter is closed"),
    MoveNotAllowed: ProblemType(409, "move-not-allowed", "Không thể làm bước này", "Not possible in this state"),
    NotItsSkill: ProblemType(422, "not-its-skill", "Quầy không nhận loại việc này", "The counter cannot take this"),
    KeyReused: ProblemType(422, "key-reused", "Khóa đã dùng cho yêu cầu khác", "Idempotency key reused"),
    FeedFull: ProblemType(
        503, "feed-full", "Quá nhiều người theo dõi", "Too many watchers", retry_after=10, shows_detail=False
    ),
    DatabaseUnavailable: ProblemType(
        503,
        "unavailable",
        "Hệ thống đang gián đoạn",
        "Temporarily unavailable",
        retry_after=2,
        shows_detail=False,
    ),
}
