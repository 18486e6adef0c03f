"""The one table from exceptions to what a caller sees (RFC 9457). Handlers raise; nobody builds an error body."""

from __future__ import annotations

from kit.database import DatabaseUnavailable
from kit.edge import ProblemTable
from kit.feed import FeedFull
from kit.idempotency import KeyReused
from kit.problems import BadRequest, CrossOrigin, Forbidden, NotSignedIn, ProblemType
from office.directory import UnknownOffice
from tickets.counters import CounterClosed, NotItsSkill, UnknownCounter
from tickets.issuing import OfficeClosed, UnknownService
from tickets.reading import UnknownTicket
from tickets.ticket import MoveNotAllowed
from tracking.actions import KeptElsewhere, ReferenceReused, VersionConflict
from tracking.api import UnknownDossier
from tracking.codes import MalformedCode
from tracking.exchange.pushes import WorkedOnHere
from tracking.intake import UnknownNotice
from tracking.notices.letters import UnknownLetter
from tracking.notices.webhook_api import UnknownWebhook
from tracking.paper.pages import NoSuchPaper
from tracking.receipts.payments import BadSignature, NothingDue, WrongAmount
from tracking.receipts.receipts import UnknownReceipt
from tracking.receipts.voices import AlreadyRated, NotYetRatable, TooManyOpen
from tracking.reports.feedback import AlreadyAnswered, UnknownFeedback
from tracking.reports.messages import UnknownMessage
from tracking.rules import RuleBroken
from tracking.workflow import ActionNotAllowed

PROBLEMS: ProblemTable = {
    BadRequest: ProblemType(400, "bad-request", "Yêu cầu không hợp lệ", "Bad request"),
    MalformedCode: ProblemType(400, "malformed-code", "Mã hồ sơ không đúng dạng", "Malformed dossier code"),
    NotSignedIn: ProblemType(401, "not-signed-in", "Chưa đăng nhập", "Not signed in"),
    Forbidden: ProblemType(403, "forbidden", "Không có quyền", "Not allowed"),
    CrossOrigin: ProblemType(403, "cross-origin", "Yêu cầu từ trang khác", "Cross-site request"),
    UnknownDossier: ProblemType(
        404, "unknown-dossier", "Không tìm thấy hồ sơ", "Dossier not found", shows_detail=False
    ),
    UnknownReceipt: ProblemType(
        404, "unknown-receipt", "Không tìm thấy hồ sơ", "Dossier not found", shows_detail=False
    ),
    BadSignature: ProblemType(403, "bad-signature", "Chữ ký không đúng", "Bad signature"),
    AlreadyRated: ProblemType(409, "already-rated", "Hồ sơ đã được đánh giá", "Rated already"),
    NotYetRatable: ProblemType(409, "not-yet-ratable", "Chưa có kết quả để đánh giá", "There is no result yet"),
    TooManyOpen: ProblemType(409, "too-many-open", "Quá nhiều phản ánh chưa trả lời", "Too many wait for answers"),
    ReferenceReused: ProblemType(409, "reference-reused", "Mã giao dịch đã dùng", "Reference reused"),
    NothingDue: ProblemType(409, "nothing-due", "Hồ sơ không còn khoản phải nộp", "Nothing is due"),
    WrongAmount: ProblemType(422, "wrong-amount", "Số tiền không khớp", "Wrong amount"),
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
    UnknownWebhook: ProblemType(404, "unknown-webhook", "Không có webhook này", "No such webhook", shows_detail=False),
    UnknownLetter: ProblemType(404, "unknown-letter", "Không có thư này", "No such letter", shows_detail=False),
    NoSuchPaper: ProblemType(404, "no-such-paper", "Không có giấy này", "No such paper", shows_detail=False),
    UnknownNotice: ProblemType(404, "unknown-notice", "Không có phiếu này", "No such notice", shows_detail=False),
    ActionNotAllowed: ProblemType(409, "action-not-allowed", "Không thể làm bước này", "Not possible in this status"),
    RuleBroken: ProblemType(409, "rule-broken", "Quy định không cho phép", "A rule forbids it"),
    WorkedOnHere: ProblemType(409, "worked-on-here", "Hồ sơ do hệ thống này xử lý", "Worked on in this system"),
    KeptElsewhere: ProblemType(409, "kept-elsewhere", "Hồ sơ do hệ thống khác quản lý", "Kept by another system"),
    VersionConflict: ProblemType(412, "version-changed", "Hồ sơ vừa được người khác cập nhật", "Changed by another"),
    UnknownMessage: ProblemType(404, "unknown-message", "Không có tin báo này", "No such message", shows_detail=False),
    UnknownFeedback: ProblemType(
        404, "unknown-feedback", "Không có phản ánh này", "No such feedback", shows_detail=False
    ),
    AlreadyAnswered: ProblemType(409, "already-answered", "Phản ánh đã được trả lời", "Already answered"),
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
