"""Guards of the repository itself: facts that drift unless something looks."""

from __future__ import annotations

import ast
import queue
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from metrics import catalogue
from service.cli import COMMANDS

ROOT = Path(__file__).parents[2]
FOLDERS = ("service", "tracking", "queue/tickets", "office", "kit", "metrics")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PERSONAL = re.compile(r"phone|password|citizen_name|address|dossier_code|\.code\b|\.text\b|token", re.IGNORECASE)
ADVISORIES = {"redis": "8.1.0", "aiohttp": "3.14.4", "holidays": "0.109", "asyncpg": "0.32"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, as ``a.b.c`` and the node."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_the_standard_library_keeps_its_queue() -> None:
    assert not (ROOT / "queue" / "__init__.py").exists()
    assert Path(queue.__file__).parent == Path(sysconfig.get_paths()["stdlib"])
    program = "import queue, tickets; queue.SimpleQueue(); print(tickets.__path__[0])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert Path(done.stdout.strip()) == ROOT / "queue" / "tickets"


def test_no_test_lies_under_queue_and_none_shares_its_name() -> None:
    assert not list((ROOT / "queue").rglob("test_*")) + list((ROOT / "queue").rglob("conftest.py"))
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    assert len({path.name for path in tests}) == len(tests)
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_nothing_but_the_database_module_touches_a_pool() -> None:
    for path in SOURCES:
        for name, _ in calls(path):
            touches = re.search(r"pool\.(fetch\w*|execute\w*|acquire|release)$|create_pool$", name)
            assert not touches or path == ROOT / "kit" / "database.py", f"{path}: {name}"


def test_every_sql_statement_stands_in_a_file() -> None:
    """Of SQL in Python only what no named query can do: connection set-up and migrations."""
    allowed = {
        "kit/database.py",
        "kit/migrations.py",
        "service/admin.py",
        "service/commands/database.py",
        "service/embedded/postgres.py",
    }
    statement = re.compile(
        r"\s*(SELECT |INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS|(CREATE|DROP|ALTER|LOCK) TABLE)"
    )
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.match(node.value)
    }
    assert found <= allowed, found - allowed


def declared() -> set[str]:
    return {name for name, thing in vars(catalogue).items() if type(thing).__module__ == "prometheus_client.metrics"}


def test_every_metric_is_used_and_every_use_declared() -> None:
    used = {
        node.attr
        for path in SOURCES
        if "from metrics import catalogue" in path.read_text(encoding="utf-8")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "catalogue"
    }
    assert used - {"registry"} == declared()


def test_every_metric_says_what_it_is() -> None:
    for name in declared():
        metric = getattr(catalogue, name)
        assert metric._name.startswith("motcua_"), name
        assert len(metric._documentation) > 20, name
        assert set(metric._labelnames) <= {
            "route",
            "method",
            "status",
            "topic",
            "channel",
            "layer",
            "reason",
            "state",
            "by",
            "office",
        }


def test_no_log_line_and_no_label_holds_personal_data_or_a_code() -> None:
    log_calls = 0
    for path in SOURCES:
        for name, call in calls(path):
            is_log = re.search(r"(^|\.)_?log(ger)?\.(debug|info|warning|error|exception|critical)$", name)
            if is_log or name.endswith(".labels"):
                log_calls += 1
                arguments = [*call.args, *call.keywords]
                told = " ".join(ast.unparse(argument) for argument in arguments)
                assert not PERSONAL.search(told), f"{path}:{call.lineno}: {told}"
    assert log_calls > 10


def test_no_module_holds_a_connection() -> None:
    makers = re.compile(r"(^|\.)(Redis|Remote|Database\.connect|create_pool|Settings|from_url|settings\.load)$")
    for path in SOURCES:
        for node in tree(path).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
                assert not makers.search(ast.unparse(node.value.func)), f"{path}:{node.lineno}"


@pytest.mark.parametrize(("name", "floor"), ADVISORIES.items())
def test_version_floors(name: str, floor: str) -> None:
    assert Version(metadata.version(name)) >= Version(floor)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    required = next(one for text in project["project"]["dependencies"] if (one := Requirement(text)).name == name)
    assert min(Version(part.version) for part in required.specifier) >= Version(floor)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_lock_files_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--(index|extra-index|find-links|trusted)", text)
    pins = re.split(r"\n(?=\S)", text.replace("\\\n", " "))
    pins = [pin for pin in pins if pin and not pin.startswith("#")]
    assert len(pins) > 20
    for pin in pins:
        assert re.match(r"[a-z0-9.\-_]+(\[[a-z,]+\])?==\S+", pin), pin[:80]
        assert "--hash=sha256:" in pin, pin[:80]


def test_what_is_required_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = dict(re.findall(r"^([a-z0-9.\-_]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    for text in project["project"]["dependencies"]:
        required = Requirement(text)
        assert required.specifier.contains(locked[required.name.lower()]), text


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_the_readme_tells_to_make_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test", "lint", "types", "bench", "fmt", "clean"} <= targets
    assert set(re.findall(r"^\s*make ([a-z-]+)", readme(), re.MULTILINE)) <= targets


def test_what_the_pages_tell_to_call_can_be_called() -> None:
    texts = [readme(), *(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))]
    told = {name for text in texts for name in re.findall(r"(?:^|`|\$ )motcua ([a-z]+)", text, re.MULTILINE)}
    assert told <= set(COMMANDS)


def test_no_file_names_a_place_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    machine = re.compile(r"/(work|root|home)/[a-z]|pypi\.(internal|local)|artifactory|nexus\.")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".csv") and path != Path(__file__):
            found = machine.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{name}: {found}"


def test_every_module_says_what_it_is_about() -> None:
    for path in SOURCES:
        assert ast.get_docstring(tree(path)), path
