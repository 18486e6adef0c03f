"""What a clerk hears who tries what the rules forbid: which rule, with its figure, in Vietnamese and English. Pure."""

from __future__ import annotations

from datetime import date
from typing import Self


class RuleBroken(Exception):
    """An action that the status allows and a rule forbids. ``rule`` is its name in the office's policy."""

    def __init__(self, rule: str, vi: str, en: str) -> None:
        super().__init__(f"{vi} · {en}")
        self.rule = rule
        self.vi = vi
        self.en = en

    @classmethod
    def supplement_within(cls, days: int, last: date) -> Self:
        """Too late to ask for a supplement."""
        return cls(
            "supplement_within_days",
            f"Chỉ được yêu cầu bổ sung trong {days} ngày làm việc kể từ ngày nhận hồ sơ: đến hết {last:%d/%m/%Y}.",
            f"A supplement may be asked for within {_days(days)} of receipt: until {last:%d/%m/%Y}.",
        )

    @classmethod
    def max_supplements(cls, most: int) -> Self:
        """Asked for often enough."""
        return cls(
            "max_supplements",
            f"Chỉ được yêu cầu bổ sung {most} lần.",
            f"A supplement may be asked for at most {_times(most)}.",
        )

    @classmethod
    def max_intake_notices(cls, most: int) -> Self:
        """The one complete notice was given already."""
        return cls(
            "max_intake_notices",
            f"Chỉ được hướng dẫn bổ sung {most} lần, một lần đầy đủ; lần này phải tiếp nhận hoặc từ chối có lý do.",
            f"An applicant is sent away for missing papers at most {_times(most)}, completely; accept or decline now.",
        )

    @classmethod
    def max_extensions(cls, most: int) -> Self:
        """Extended often enough."""
        return cls(
            "max_extensions",
            f"Mỗi hồ sơ chỉ được gia hạn {most} lần.",
            f"A dossier may be extended at most {_times(most)}.",
        )

    @classmethod
    def extension_notice(cls, days: int, due: date) -> Self:
        """Too late to announce an extension."""
        return cls(
            "extension_notice_days",
            f"Gia hạn phải thông báo trước hạn ít nhất {days} ngày làm việc; hồ sơ đến hạn {due:%d/%m/%Y}.",
            f"An extension is announced at least {_days(days)} before due; this is due on {due:%d/%m/%Y}.",
        )

    @classmethod
    def new_date_later(cls, than: date) -> Self:
        """The new date is no extension."""
        return cls(
            "new_date",
            f"Ngày hẹn mới phải sau {than:%d/%m/%Y}.",
            f"The new date must be later than {than:%d/%m/%Y}.",
        )

    @classmethod
    def no_working_day(cls, day: date) -> Self:
        """Nobody is there to give the result out."""
        return cls("new_date", f"{day:%d/%m/%Y} không phải ngày làm việc.", f"{day:%d/%m/%Y} is no working day.")

    @classmethod
    def nothing_to_extend(cls) -> Self:
        """There is no date."""
        return cls("new_date", "Hồ sơ chưa có ngày hẹn để gia hạn.", "The dossier has no date that could be extended.")

    @classmethod
    def amount(cls, asked: int) -> Self:
        """Another amount than asked for."""
        money = f"{asked:,}".replace(",", ".")
        return cls("amount", f"Số tiền phải nộp là {money} đồng.", f"The amount asked for is {money} đồng.")

    @classmethod
    def unpaid(cls, amount: int) -> Self:
        """The result is given out against payment."""
        money = f"{amount:,}".replace(",", ".")
        return cls(
            "amount",
            f"Còn {money} đồng chưa nộp; thu trước khi trả kết quả.",
            f"{money} đồng are not paid yet; take them before the result is returned.",
        )

    @classmethod
    def originals(cls) -> Self:
        """Originals go back with the result."""
        return cls(
            "originals_held",
            "Cơ quan đang giữ bản chính của người nộp; phải trả cùng kết quả.",
            "Originals of the applicant are held; they go back with the result.",
        )

    @classmethod
    def waits_for(cls, code: str) -> Self:
        """Part of a group, and its turn has not come."""
        return cls(
            "case_group",
            f"Hồ sơ này chỉ được mở khi hồ sơ {code} được giải quyết.",
            f"This dossier opens when {code} has been granted.",
        )


def _days(n: int) -> str:
    return "1 working day" if n == 1 else f"{n} working days"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
