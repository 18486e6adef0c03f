"""The kiosk's rules in an office's policy."""

from __future__ import annotations

import pytest

from office.policies import check_queue_rules
from tickets.printer import PrinterAddress, parse_address


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"kiosk_printer": "", "kiosk_key": ""},
        {"kiosk_printer": "tcp://192.168.1.50:9100", "kiosk_key": "abcdefgh_-123456"},
        {"kiosk_printer": "tcp://printer.hall.example:9100"},
        {"kiosk_printer": "tcp://[fe80::1]:9100"},
    ],
)
def test_right_rules(rules: dict[str, object]) -> None:
    check_queue_rules(rules)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kiosk_printer", "192.168.1.50"),
        ("kiosk_printer", "http://192.168.1.50:9100"),
        ("kiosk_printer", "tcp://192.168.1.50"),
        ("kiosk_printer", "tcp://192.168.1.50:0"),
        ("kiosk_printer", "tcp://192.168.1.50:65536"),
        ("kiosk_printer", 9100),
        ("kiosk_printer", False),
        ("kiosk_key", "short"),
        ("kiosk_key", "sixteen letters with spaces"),
        ("kiosk_key", 1234567890123456),
    ],
)
def test_wrong_rules_are_named_and_a_key_is_not_shown(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        check_queue_rules({name: value})
    assert name == "kiosk_printer" or str(value) not in str(caught.value)


def test_addresses() -> None:
    assert parse_address("tcp://10.0.0.7:9100") == PrinterAddress("10.0.0.7", 9100)
    assert parse_address("tcp://[::1]:9100") == PrinterAddress("::1", 9100)
    for wrong in ("", "10.0.0.7", "tcp://10.0.0.7:9100/x"):
        assert parse_address(wrong) is None
