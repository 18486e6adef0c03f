"""What the logs say of an error: where it broke, never what somebody typed."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from kit import logs
logs.configure("info")
import structlog

def save(name):
    raise ValueError(f"cannot save {name}")

for log in (structlog.get_logger(), logging.getLogger("somewhere")):
    try:
        save("Nguyễn Văn Bí Mật")
    except ValueError:
        log.exception("unexpected_error")
"""


def test_errors_are_told_without_locals_and_words() -> None:
    out = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30)
    assert out.stderr.count("unexpected_error") == 2
    assert out.stderr.count('"ValueError"') == 2 and out.stderr.count('"name": "save"') == 2
    assert "Bí Mật" not in out.stderr and "B\\u00ed" not in out.stderr
