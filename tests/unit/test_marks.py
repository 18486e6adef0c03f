"""Marks: what one worker shows for the first time, every other worker of the host asks about again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kit.local import Local
from kit.marks import SLOTS, Marks
from kit.snapshot import Snapshot


def snapshot(version: int, as_of: int = 1, key: str = "dossier:A") -> Snapshot:
    return Snapshot(key, version, as_of, b"{}")


def two_workers(tmp_path: Path) -> tuple[Local, Local]:
    marks = (Marks(tmp_path / "marks"), Marks(tmp_path / "marks"))
    first, second = (Local(entries=10, age=60, marks=each) for each in marks)
    return first, second


def keep(local: Local, given: Snapshot) -> None:
    local.put(given, local.mark_of(given.key))


def test_a_newer_version_shown_by_one_worker_is_asked_for_by_the_other(tmp_path: Path) -> None:
    first, second = two_workers(tmp_path)
    keep(first, snapshot(1))
    keep(second, snapshot(1))
    keep(first, snapshot(1))  # both know it now, and agree
    assert first.fresh("dossier:A")
    assert second.fresh("dossier:A")
    keep(second, snapshot(2))
    assert second.fresh("dossier:A") == snapshot(2)
    assert first.fresh("dossier:A") is None
    assert first.seen("dossier:A") == snapshot(1)


def test_what_was_fetched_before_a_mark_is_not_trusted_after_it(tmp_path: Path) -> None:
    first, second = two_workers(tmp_path)
    before = first.mark_of("dossier:A")
    keep(second, snapshot(2))
    first.put(snapshot(1), before)
    assert first.fresh("dossier:A") is None


def test_what_a_writer_publishes_everybody_asks_for(tmp_path: Path) -> None:
    first, second = two_workers(tmp_path)
    for local in (first, second, first):
        keep(local, snapshot(1))
    first.learn(snapshot(2))
    assert first.fresh("dossier:A") is None
    assert second.fresh("dossier:A") is None
    assert first.seen("dossier:A") == snapshot(2)


def test_the_same_snapshot_stays_the_same_object(tmp_path: Path) -> None:
    first, _ = two_workers(tmp_path)
    original = snapshot(1)
    keep(first, original)
    keep(first, snapshot(1))
    assert first.fresh("dossier:A") is original


def test_another_process_sees_a_mark_at_once(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks")
    slot = marks.slot("dossier:A")
    before = marks.table[slot]
    script = (
        f"from pathlib import Path; from kit.marks import Marks; Marks(Path({str(tmp_path / 'marks')!r})).mark({slot})"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    assert marks.table[slot] != before
    assert sum(1 for mark in marks.table if mark) == 1
    assert len(marks.table) == SLOTS
    marks.close()
