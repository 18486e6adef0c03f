"""The call policy: who is called next. Pure; the simulation calls the same functions.

Priority citizens go before others, but a stated number of them at most: a normal ticket is overtaken by no more than
``priority_bound`` priority tickets of its service that were issued after it. Priority tickets that were issued before
it overtake nobody. Within a class it is first come first served, always. As the oldest normal ticket of a line has been
overtaken most, it is the only one that has to be looked at.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, Self, TypeVar

from office.policies import Rules, check_queue_rules

CounterOrder = Literal["oldest_ticket", "listed"]


class Queued(Protocol):
    """What the policy has to know of a ticket."""

    @property
    def token(self) -> str:
        """Tells tickets apart that were issued at the same moment."""

    @property
    def service(self) -> str:
        """What the ticket is for."""

    @property
    def rank(self) -> int:
        """Of its class: 0 is priority."""

    @property
    def issued_at(self) -> datetime:
        """When it was issued."""


Q = TypeVar("Q", bound=Queued)


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """An office's rules for calling."""

    priority_bound: int = 2
    """So many priority citizens who came later may be called before a waiting normal citizen; 0: none, everybody is
    called in the order of issue."""
    longest_wait_escape_min: int = 0
    """Whoever has waited longer than these minutes is called before everybody of any class, oldest first; 0: off."""
    counter_order: CounterOrder = "oldest_ticket"
    """A counter with several services takes them as one line, or works through them as they are listed."""

    @classmethod
    def from_mapping(cls, rules: Rules) -> Self:
        """Read the rules that are ours out of an office's policy; what is left out has its default.

        ValueError names a wrong one.
        """
        check_queue_rules(rules)
        given: dict[str, Any] = {field.name: rules[field.name] for field in fields(cls) if field.name in rules}
        return cls(**given)

    @property
    def escape(self) -> timedelta:
        """``longest_wait_escape_min`` as a time span."""
        return timedelta(minutes=self.longest_wait_escape_min)

    @property
    def listed(self) -> bool:
        """Whether a counter works through its services in their order."""
        return self.counter_order == "listed"

    def has_escaped(self, ticket: Queued, now: datetime) -> bool:
        """Whether the ticket has waited so long that no class counts any more."""
        return self.longest_wait_escape_min > 0 and now - ticket.issued_at > self.escape


def next_ticket(
    waiting: Iterable[Q], called: Iterable[Queued], services: Sequence[str], policy: CallPolicy, now: datetime
) -> Q | None:
    """Whom a counter that serves ``services`` calls next; None if nobody waits for it.

    ``called`` are the day's tickets that have been called, whatever became of them; only those with priority count. A
    counter with several services in the order ``oldest_ticket`` takes them as one line: an overtaking is counted
    there whichever of the services it was for. The SQL function ``call_next`` decides the same.
    """
    mine = [ticket for ticket in waiting if ticket.service in services]
    if not mine:
        return None
    oldest = min(mine, key=_age)
    if policy.has_escaped(oldest, now):
        return oldest
    if policy.listed:
        services = [next(service for service in services if any(ticket.service == service for ticket in mine))]
        mine = [ticket for ticket in mine if ticket.service in services]
    return line(mine, [ticket for ticket in called if ticket.service in services], policy, now)[0]


def line(waiting: Iterable[Q], called: Iterable[Queued], policy: CallPolicy, now: datetime) -> list[Q]:
    """Everyone in one line, in the order in which they will be called if nobody else comes.

    ``called`` are those who have been called out of the same line.
    """
    tickets = sorted(waiting, key=_age)
    escaped = [ticket for ticket in tickets if policy.has_escaped(ticket, now)]
    left = tickets[len(escaped) :]
    return escaped + _merged(
        [ticket for ticket in left if _has_priority(ticket)],
        [ticket for ticket in left if not _has_priority(ticket)],
        sorted(_age(ticket) for ticket in called if _has_priority(ticket)),
        policy.priority_bound,
    )


def _merged(priority: Sequence[Q], normal: Sequence[Q], passed: Sequence[tuple[datetime, str]], bound: int) -> list[Q]:
    # All three by age, oldest first. Before each normal ticket go the priority tickets that are older, and of the
    # younger ones so many as it may still be overtaken by.
    ages, order, done = [_age(ticket) for ticket in priority], [], 0
    for ticket in normal:
        overtaken = len(passed) - bisect(passed, _age(ticket))
        until = max(done, bisect(ages, _age(ticket)) + max(0, bound - overtaken))
        order += [*priority[done:until], ticket]
        done = min(until, len(priority))
    return [*order, *priority[done:]]


def _age(ticket: Queued) -> tuple[datetime, str]:
    return ticket.issued_at, ticket.token


def _has_priority(ticket: Queued) -> bool:
    return ticket.rank == 0


_NUMBERS = {
    "vi": ("một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín", "mười"),
    "en": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
}
_IN_ORDER = {
    "vi": "Mọi người được gọi theo thứ tự lấy số.",
    "en": "Everybody is called in the order in which numbers were taken.",
}
_BOUND = {
    "vi": "Người thuộc diện ưu tiên được gọi trước, nhưng mỗi người khác chỉ phải nhường tối đa {} người ưu tiên "
    "đến sau cho cùng loại việc.",
    "en": "Priority citizens are called first, but nobody is overtaken by more than {} of them who came later for the "
    "same service.",
}
_ESCAPE = {
    "vi": "Ai đã đợi quá {} phút được gọi trước tất cả.",
    "en": "Whoever has waited more than {} minutes is called before everybody else.",
}
_LISTED = {
    "vi": "Quầy nhận nhiều loại việc gọi lần lượt từng loại.",
    "en": "A counter for several services calls them one service after the other.",
}


def sentence(policy: CallPolicy, language: str) -> str:
    """The policy in plain words for the wall; ``language`` is ``vi`` or ``en``."""
    bound, escape = policy.priority_bound, policy.longest_wait_escape_min
    words = _NUMBERS[language]
    number = words[bound - 1] if 1 <= bound <= len(words) else str(bound)
    parts = [_BOUND[language].format(number) if bound else _IN_ORDER[language]]
    if escape:
        parts.append(_ESCAPE[language].format(escape))
    if policy.listed:
        parts.append(_LISTED[language])
    return " ".join(parts)
