"""What needs no server: texts, an office's own wording, outcomes, patience, signatures, addresses, numbers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from service.settings import SettingsError, load
from tracking.notices import wording
from tracking.notices.addresses import check_url, is_public
from tracking.notices.letters import Kind
from tracking.notices.mail import LONGEST_SUBJECT, Mail, MailServer, compose, is_address
from tracking.notices.outcome import Patience, Result, of_http, retry_after
from tracking.notices.queue import Trigger
from tracking.notices.sms import LONGEST, international, plain
from tracking.notices.texts import Texts, Written
from tracking.notices.webhooks import new_secret, signed

NOW = datetime(2026, 9, 24, 3, 0, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": 7,
    "kind": "thanks",
    "trigger": "accepted",
    "code": "H26.18-260921-0007",
    "office_id": "o1",
    "language": "vi",
    "applicant_name": "Nguyễn Thị Bưởi",
    "status": 4,
    "received_at": datetime(2026, 9, 21, 1, 0, tzinfo=UTC),
    "due_at": datetime(2026, 9, 24, 10, 0, tzinfo=UTC),
    "appointment_on": date(2026, 9, 24),
    "finished_at": None,
    "clock_stopped_at": None,
    "originals_held": True,
    "amount_due": 150_000,
    "procedure_name": "Đăng ký khai sinh",
    "procedure_name_en": "Birth registration",
    "office_name": "Trung tâm Phục vụ hành chính công phường Bến Thành",
    "office_name_en": "Bến Thành ward public service centre",
    "office_address": "1 Lê Lợi",
    "agency_name": "UBND phường",
    "agency_name_en": "People's Committee",
    "reason": "Thiếu giấy chứng sinh",
    "details": {"missing": ["Giấy chứng sinh", "Tờ khai"], "guidance": "Mang bản chính", "before": "2026-09-23"},
    "token": "A" * 22,
    "own": None,
}
BARE = ROW | {
    "due_at": None,
    "appointment_on": None,
    "amount_due": 0,
    "reason": None,
    "details": None,
    "token": None,
    "office_address": None,
    "originals_held": False,
}
TEXTS = Texts("https://motcua.example")


def test_every_trigger_speaks_on_every_channel_in_both_languages() -> None:
    rows = [row | {"trigger": trigger, "language": language}
            for row, trigger, language in itertools.product((ROW, BARE), Trigger, ("vi", "en"))
            if row["due_at"] or trigger is not Trigger.LATE]  # fmt: skip
    for row in rows:
        mail, text, call = TEXTS.email(row, NOW), TEXTS.sms(row, NOW), TEXTS.call(row, NOW)
        for said in (mail.subject, mail.text, text, call):
            assert row["code"] in said, (row["trigger"], said)
            assert "{" not in said
            assert "  " not in said.replace("\n", "")
        assert ROW["applicant_name"] in mail.text
        assert "\n\n\n" not in mail.text, mail.text
        assert "\n" not in mail.subject + call
        assert text.isascii()
        assert len(text) <= LONGEST
        link = "https://motcua.example" + ("/r/" + "A" * 22 if row["token"] else "/d/H26.18-260921-0007")
        assert link in mail.text
        assert link in text
    assert len({TEXTS.email(row, NOW).text for row in rows}) == len(rows)


def test_what_the_texts_promise() -> None:
    def mail(trigger: Trigger, **more: object) -> str:
        return TEXTS.email(ROW | {"trigger": trigger} | more, NOW).text

    assert "- Giấy chứng sinh\n- Tờ khai\n" in mail(Trigger.SUPPLEMENT)
    assert "từ 23/09/2026 thành 24/09/2026" in mail(Trigger.APPOINTMENT)
    assert "150.000 đồng" in mail(Trigger.PAYMENT)
    assert "150,000 VND" in mail(Trigger.PAYMENT, language="en")
    assert "17:00 ngày 24/09/2026" in mail(Trigger.LATE)
    assert "xin lỗi" in mail(Trigger.LATE)
    assert "từ 1 đến 5" in mail(Trigger.RETURNED)
    finished = {"status": 9, "finished_at": ROW["due_at"] + timedelta(minutes=1)}
    assert "xin lỗi" in mail(Trigger.COMPLETED, **finished)
    assert "xin lỗi" not in mail(Trigger.COMPLETED, status=9, finished_at=ROW["due_at"])


def test_without_a_public_address_there_is_no_link() -> None:
    assert "http" not in Texts("").email(ROW, NOW).text
    assert "http" not in Texts("").sms(ROW, NOW)


def test_every_letter_is_written_and_escaped() -> None:
    for kind, language, row in itertools.product(Kind, ("vi", "en"), (ROW, BARE)):
        letter = TEXTS.letter(row | {"kind": kind, "language": language}, NOW)
        assert ROW["applicant_name"] in letter.text
        assert letter.html.startswith("<p>")
        assert "\n\n\n" not in letter.text
    nasty = TEXTS.letter(ROW | {"applicant_name": "<script>alert(1)</script>"}, NOW).html
    assert "<script>" not in nasty
    assert "&lt;script&gt;" in nasty
    assert Written("", "a\nb\n\nc").html == "<p>a<br>\nb</p>\n<p>c</p>"


def test_an_offices_own_wording_comes_first_and_a_broken_one_not_at_all() -> None:
    own = "Chào {{ name }}, hồ sơ {{ code }}{% if missing %}: {{ missing|join(', ') }}{% endif %}"
    mail = TEXTS.email(ROW | {"own": own}, NOW)
    assert "Chào Nguyễn Thị Bưởi, hồ sơ H26.18-260921-0007: Giấy chứng sinh, Tờ khai" in mail.text
    assert mail.subject == TEXTS.email(ROW, NOW).subject
    usual = TEXTS.email(ROW, NOW).text
    for broken in ("{{ nothing }}", "{{ name", "{{ name.__class__ }}", "", "{% if %}"):
        assert TEXTS.email(ROW | {"own": broken}, NOW).text == usual, broken
    long = TEXTS.sms(ROW | {"own": "á" * 1000}, NOW)
    assert len(long) == LONGEST
    assert long.endswith("... https://motcua.example/r/" + "A" * 22)


@pytest.mark.parametrize(
    "body",
    [
        "{{ name.__class__.__mro__ }}",
        "{{ name['__class__'] }}",
        "{{ name.upper() }}",
        "{{ ''.__class__ }}",
        "{{ 10 ** 10 }}",
        "{{ name * 9 }}",
        "{{ '%99999999d' % 1 }}",
        "{{ name|center(99999999) }}",
        "{{ range(9) }}",
        "{{ self }}",
        "{% set a = 1 %}x",
        "{% macro a() %}{% endmacro %}x",
        "{% include 'vi/frame.txt' %}",
        "{% extends 'vi/frame.txt' %}",
        "{% import 'os' as os %}x",
        "{% for a in missing %}{% for b in missing %}x{% endfor %}{% endfor %}",
        "{{ nothing }}",
        "{{ name",
        "   ",
        "x" * 4001,
        "{% if " + "(" * 3000 + "name" + ")" * 3000 + " %}x{% endif %}",
    ],
)
def test_a_wording_reaches_nothing_but_the_values(body: str) -> None:
    with pytest.raises(wording.BrokenWording):
        wording.fill(body, {"name": "x", "missing": ["a"] * 30})


@pytest.mark.parametrize("nasty", ["Tên\r\nBcc: a@b.example", "Tên\nX: y", "\x00Tên\u2028Bcc: x", "t" * 3000])
def test_no_header_can_be_slipped_in(nasty: str) -> None:
    mail = Mail("message-1-2", "bà@x.example".replace("à", "a"), nasty, "Xin chào\r\n.\r\nBcc: x", nasty, NOW)
    raw = compose(mail, "no-reply@office.example").as_bytes()
    read = message_from_bytes(raw, policy=policy.default)
    assert set(read) == {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
                         "Content-Transfer-Encoding", "MIME-Version"}  # fmt: skip
    assert read["Message-ID"] == "<message-1-2@office.example>"
    assert len(read["Subject"]) <= LONGEST_SUBJECT
    assert read["Auto-Submitted"] == "auto-generated"
    assert b"\n.\r\n" not in raw
    for to in (
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "a@b@c",
        "Tên <a@b.example>",
        "a@b.example,c@d.e",
        "@b",
        "",
    ):
        assert not is_address(to)
        with pytest.raises(ValueError, match="malformed address"):
            compose(Mail("k", to, "s", "t", "n", NOW), "no-reply@office.example")


def test_mail_servers_are_read() -> None:
    assert MailServer.parse("smtp://u%40x:p%2F@h:2525?tls=starttls") == MailServer("h", 2525, "u@x", "p/", "starttls")
    assert MailServer.parse("smtps://h") == MailServer("h", 465, tls="implicit")
    assert MailServer.parse("smtp://h") == MailServer("h", 587)
    for wrong in ("http://h", "smtp://", "smtp://h:99999", "smtp://h?tls=maybe", "smtp://u:geheim@h/path", "h:25"):
        with pytest.raises(ValueError, match=r"\w") as caught:
            MailServer.parse(wrong)
        assert "geheim" not in str(caught.value)


def test_patience_doubles_up_to_an_hour_and_ends() -> None:
    patience = Patience()
    waits = [patience.wait(attempts, 0.0) for attempts in range(1, 13)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, None]
    assert patience.wait(3, 0.999) == pytest.approx(16, abs=0.01)
    assert patience.wait(1, 0.5, after=100) == 100
    assert patience.wait(1, 0.5, after=1e9) == 3600
    assert Patience(attempts=10**6).wait(10**5, 0.0) == 3600


def test_http_answers() -> None:
    later = NOW + timedelta(seconds=90)
    assert of_http(204, None, NOW).result is Result.SENT
    for status in (301, 401, 403, 408, 409, 429, 500, 503):
        assert of_http(status, None, NOW).result is Result.PUT_OFF
    for status in (400, 404, 410, 413, 422):
        assert of_http(status, None, NOW).result is Result.DEAD
    assert of_http(429, "17", NOW).after == 17
    assert retry_after(format_datetime(later, usegmt=True), NOW) == 90
    assert retry_after(format_datetime(NOW - timedelta(days=1), usegmt=True), NOW) == 0
    assert retry_after("soon", NOW) is retry_after(None, NOW) is None


def test_a_signature_is_the_schemes_own_example() -> None:
    """The test vector of the Standard Webhooks specification, and one computed here."""
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    secret = new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    expected = base64.b64encode(hmac.digest(key, b"event_1_2.5.{}", hashlib.sha256)).decode()
    assert signed(secret, "event_1_2", 5, b"{}")["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "ff02::1", "nonsense"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_of_webhooks() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2001:4860:4860::8888")
    for good in ("https://hook.example/a?b=c", "http://8.8.8.8:8080/x"):
        check_url(good, private=False)
    check_url("http://127.0.0.1:1/x", private=True)
    for bad in ("http://127.0.0.1/", "https://[::1]/", "http://localhost/", "ftp://x.example/", "http:///x", "http://x:y/",
                "https://u:p@x.example/", "https://x.example/#a", "https://x.example/\nb",
                "https://x.example/" + "a" * 500):  # fmt: skip
        with pytest.raises(ValueError, match=r"\w"):
            check_url(bad, private=False)


def test_numbers_and_plain_text() -> None:
    assert plain("Đăng ký khai sinh – “Bưởi” {ước}") == "Dang ky khai sinh - ?Buoi? (uoc)"
    assert (
        international("0912 345.678")
        == international("+84912345678")
        == international("0084912345678")
        == "+84912345678"
    )
    for wrong in ("", "12", "abc", "+0", "0912345678901234567", "+84912345678\n1"):
        assert international(wrong) in (None, "+849123456781"), wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOTCUA_SMTP_URL", "http://u:geheim@mail.example"),
        ("MOTCUA_SMTP_URL", "smtp://u:geheim@mail.example:99999"),
        ("MOTCUA_SMTP_URL", "smtp://u:geheim@mail.example?tls=perhaps"),
        ("MOTCUA_MAIL_FROM", "Office <a@b.example>"),
        ("MOTCUA_MAIL_FROM", "a@b.example\nBcc: c@d.example"),
        ("MOTCUA_SMS_URL", "gateway.example"),
        ("MOTCUA_SMS_URL", "https://u:geheim@gateway.example/"),
        ("MOTCUA_SMS_TOKEN", "geheim geheim"),
        ("MOTCUA_WEBHOOK_PRIVATE", "perhaps"),
    ],
)
def test_a_wrong_setting_names_itself_and_tells_no_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        load()
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mail_needs_a_sender_and_secrets_may_stand_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("smtp://u:geheim@mail.example:2525?tls=starttls\n")
    (tmp_path / "sms").write_text("geheim\n")
    monkeypatch.setenv("MOTCUA_SMTP_URL_FILE", str(tmp_path / "smtp"))
    monkeypatch.setenv("MOTCUA_SMS_TOKEN_FILE", str(tmp_path / "sms"))
    with pytest.raises(SettingsError, match=r"^MOTCUA_MAIL_FROM: needed"):
        load()
    monkeypatch.setenv("MOTCUA_MAIL_FROM", "no-reply@office.example")
    settings = load()
    assert settings.smtp_url == "smtp://u:geheim@mail.example:2525?tls=starttls"
    assert settings.sms_token == "geheim"
