"""What letters and messages say: the usual texts, and the office's own wording where it has one that works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import jinja2
import structlog
from markupsafe import Markup, escape

from tracking.notices import sms, wording
from tracking.notices.facts import Row, Values, facts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Written:
    """A text ready to go: what is said, above it what it is about, and in which language (``vi``, ``en``)."""

    subject: str
    text: str
    language: str = "vi"

    @property
    def html(self) -> Markup:
        """The text as paragraphs."""
        paragraphs = (part.strip() for part in self.text.split("\n\n"))
        lines = (Markup("<br>\n").join(map(escape, part.splitlines())) for part in paragraphs if part)
        return Markup("\n").join(Markup("<p>{}</p>").format(part) for part in lines)


class Texts:
    """Writes texts. ``public_url`` is what links begin with ("" leaves them out)."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._usual = jinja2.Environment(
            loader=jinja2.PackageLoader("tracking.notices", "texts"),
            autoescape=False,  # noqa: S701 - plain text; Written.html escapes
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def email(self, row: Row, now: datetime) -> Written:
        """The e-mail of a row of ``messages_read``."""
        values = facts(row, self._public_url, now)
        subject = self._block(row["language"], row["trigger"], "subject", values)
        body = self._say(row, row["trigger"], "email", values)
        return Written(subject, self._block(row["language"], "frame", "email", {**values, "body": body}))

    def sms(self, row: Row, now: datetime) -> str:
        """Its SMS, two segments at most: what is too long loses its end, never its link."""
        values = facts(row, self._public_url, now)
        link = str(values["link"])
        said = sms.plain(self._say(row, row["trigger"], "sms", values))
        if not link or link in said:
            return said[: sms.LONGEST]
        room = sms.LONGEST - len(link) - 1
        return f"{said if len(said) <= room else said[: room - 3].rstrip() + '...'} {link}"

    def call(self, row: Row, now: datetime) -> str:
        """What a clerk says on the telephone."""
        return self._say(row, row["trigger"], "phone", facts(row, self._public_url, now))

    def letter(self, row: Row, now: datetime) -> Written:
        """The letter of a row of ``letter_read``."""
        values = facts(row, self._public_url, now)
        name = f"letter_{row['kind']}"
        subject = self._block(row["language"], name, "subject", values)
        return Written(subject, self._say(row, name, "letter", values), "en" if row["language"] == "en" else "vi")

    def _say(self, row: Row, name: str, block: str, values: Values) -> str:
        if row["own"] is not None:
            try:
                return wording.fill(row["own"], values)
            except wording.BrokenWording:
                log.warning("own_wording_broken", office=row["office_id"], kind=name, channel=block)
        return self._block(row["language"], name, block, values)

    def _block(self, language: str, name: str, block: str, values: Values) -> str:
        template = self._usual.get_template(f"{'en' if language == 'en' else 'vi'}/{name}.txt")
        return "".join(template.blocks[block](template.new_context(dict(values)))).strip()
