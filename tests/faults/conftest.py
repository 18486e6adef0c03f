"""A real service for each file of fault tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.running import RunningService


@pytest.fixture(scope="module")
def roomy_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account may enter; its name is short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="motcua-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def service(roomy_folder: Path) -> Iterator[RunningService]:
    """The service with four workers and the demo data, for all tests of a file."""
    service = RunningService(roomy_folder)
    try:
        service.start()
        yield service
    finally:
        service.stop()
