"""Loading offices and dossiers: by the command line, on a real database, good files and bad ones."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kit.database import Database, Deadlines
from service.cli import main
from service.commands.database import PATIENT

OFFICES = """\
schema = 1
[[agency]]
code = "H26.18"
name = "Ủy ban"
name_en = "Committee"

[[procedure]]
code = "2.000815"
name = "Chứng thực"
name_en = "Certification"
field = "Tư pháp"
field_en = "Justice"
limits = [{ valid_from = 2025-07-01, limit = "0d" }]

[[office]]
id = "tay-ho"
short_key = "thw"
name = "Điểm Tây Hồ"
name_en = "Tay Ho"
kind = "point"
agencies = ["H26.18"]
valid_from = 2025-07-01
policy = { transfer_cutoff = "10:00" }

[[office.service]]
id = "chung-thuc"
name = "Chứng thực"
name_en = "Certification"
prefix = "A"
expected_minutes = 6
procedures = ["2.000815"]

[[office.service]]
id = "ho-tich"
name = "Hộ tịch"
name_en = "Civil status"
prefix = "B"
expected_minutes = 10

[[office.counter]]
id = "tay-ho-1"
name = "Quầy 1"
services = ["chung-thuc"]
"""
HEADER = "code,procedure,receiving_office,competent_agency,channel,status,received_at,version,public"


def row(serial: int = 1, status: str = "4", version: str = "", **other: str) -> str:
    cells = {
        "code": f"H26.18-260921-{serial:04d}",
        "procedure": "2.000815",
        "office": "tay-ho",
        "agency": "H26.18",
        "channel": "counter",
        "status": status,
        "received_at": "2026-09-21T08:00:00+07:00",
        "version": version,
        "public": "true",
    } | other
    return ",".join(cells.values())


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls ``motcua`` in the test's folder, on the test's database."""
    for name in list(os.environ):
        if name.startswith("MOTCUA_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, database: str = database_url) -> Done:
        monkeypatch.setenv("DATABASE_URL", database)
        capsys.readouterr()
        status = 0
        try:
            main(arguments)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
        return Done(status, *capsys.readouterr())

    return call


@pytest.fixture
def offices(run: Run, tmp_path: Path) -> Path:
    """A loaded catalogue."""
    path = tmp_path / "offices.toml"
    path.write_text(OFFICES)
    done = run("import", "offices", path.name)
    assert (done.returncode, done.stdout) == (0, "1 offices loaded from offices.toml\n"), done.stderr
    return path


def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(found) for found in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def dossiers(tmp_path: Path, *rows: str, header: str = HEADER, name: str = "dossiers.csv") -> str:
    (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")
    return name


def said(done: Done, status: int, *words: str) -> None:
    """The command ended so, with one clear line that names these."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last, done.stderr


CHANGES = "SELECT code, status, version FROM dossier ORDER BY code"


def test_a_csv_from_first_import_to_the_next(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    file = dossiers(tmp_path, row(1), row(2, "completed"), row(3).replace("H26.18-260921-0003", "*h26.18–260921–0003*"))
    done = run("import", "dossiers", file)
    assert (done.returncode, done.stdout) == (0, "3 rows: 3 added, 0 changed, 0 unchanged, 0 skipped\n"), done.stderr
    codes = [f"H26.18-260921-000{serial}" for serial in (1, 2, 3)]
    assert fetch(database_url, CHANGES) == [(codes[0], 4, 1), (codes[1], 9, 1), (codes[2], 4, 1)]
    assert fetch(database_url, "SELECT count(*) FROM outbox") == [(0,)]  # nobody can have seen them yet

    assert "0 added, 0 changed, 3 unchanged" in run("import", "dossiers", file).stdout
    changed = dossiers(tmp_path, row(1, "5"), row(2, "completed"), row(4))
    assert "1 added, 1 changed, 1 unchanged" in run("import", "dossiers", changed).stdout
    assert fetch(database_url, CHANGES)[0] == (codes[0], 5, 2)
    assert fetch(database_url, "SELECT topic, name FROM outbox") == [("dossier", codes[0])]
    events = fetch(database_url, f"SELECT version, to_status FROM dossier_event WHERE code = '{codes[0]}' ORDER BY id")
    assert events == [(1, 4), (2, 5)]


def test_versions_of_another_system(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    def take(*rows: str) -> str:
        return run("import", "dossiers", dossiers(tmp_path, *rows)).stdout

    assert "1 added, 0 changed" in take(row(1, "4", "7"))
    assert "0 added, 0 changed, 1 unchanged" in take(row(1, "9", "6"))
    assert "0 added, 0 changed, 1 unchanged" in take(row(1, "9", "7"))
    assert fetch(database_url, "SELECT status, version FROM dossier") == [(4, 7)]
    assert "0 added, 1 changed" in take(row(1, "5", "9"))
    assert fetch(database_url, "SELECT status, version FROM dossier") == [(5, 9)]
    assert "0 added, 1 changed, 2 unchanged" in take(row(1, "6", "10"), row(1, "9", "12"), row(1, "8", "11"))
    assert fetch(database_url, "SELECT status, version FROM dossier") == [(9, 12)]


def test_json_lines(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    names = HEADER.split(",")
    values = [dict(zip(names, row(serial).split(","), strict=True)) for serial in (1, 2)]
    good = [value | {"status": 4, "public": serial == 0, "version": None} for serial, value in enumerate(values)]
    (tmp_path / "d.jsonl").write_text("\ufeff" + "\n\n".join(json.dumps(value) for value in good) + "\n")
    done = run("import", "dossiers", "d.jsonl")
    assert "2 rows: 2 added" in done.stdout, done.stderr
    assert fetch(database_url, "SELECT public FROM dossier ORDER BY code") == [(True,), (False,)]
    for bad in ("{", "[]", "4", '{"code": "H26.18-260921-0009"}', "[" * 9000, '{"code": NaN}'):
        (tmp_path / "bad.jsonl").write_text(json.dumps(good[0]) + "\n" + bad + "\n")
        done = run("import", "dossiers", "bad.jsonl")
        said(done, 2, "bad.jsonl: nothing was kept because of 1 bad lines")
        assert "bad.jsonl, line 2: " in done.stderr


BAD_ROWS = [
    (row(2, code="nonsense"), "code: not a dossier code"),
    (row(2, procedure="9.9"), "procedure: '9.9' is not in the catalogue"),
    (row(2, office="nowhere"), "receiving_office: there is no office 'nowhere'"),
    (row(2, agency="H99"), "competent_agency: there is no agency 'H99'"),
    (row(2, channel="fax"), "channel: "),
    (row(2, status="11"), "status: "),
    (row(2, status="lost"), "status: "),
    (row(2, received_at="2026-09-21T08:00:00"), "received_at: "),
    (row(2, received_at="yesterday"), "received_at: "),
    (row(2, received_at="0001-01-01T00:00:00+07:00"), "received_at: "),
    (row(2, received_at="9999-12-31T23:59:59-12:00"), "received_at: "),
    (row(2, version="0"), "version: "),
    (row(2, version="1.5"), "version: "),
    (row(2, public="perhaps"), "public: "),
    (row(2) + ",more", "10 cells instead of 9"),
    (row(2).rsplit(",", 1)[0], "8 cells instead of 9"),
    (row(2, procedure=""), "procedure: "),
]


def test_a_bad_row_is_named_and_nothing_is_kept(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    for bad, reason in BAD_ROWS:
        done = run("import", "dossiers", dossiers(tmp_path, row(1), bad, row(3)))
        said(done, 2, "dossiers.csv: nothing was kept because of 1 bad lines (see --skip-bad)")
        assert f"dossiers.csv, line 3: {reason}" in done.stderr
        assert fetch(database_url, CHANGES) == []


def test_the_good_rows_can_be_kept(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    file = dossiers(tmp_path, row(1), *(bad for bad, _ in BAD_ROWS), row(3))
    done = run("import", "dossiers", "--skip-bad", file)
    bad = len(BAD_ROWS)
    assert done.stdout == f"{bad + 2} rows: 2 added, 0 changed, 0 unchanged, {bad} skipped\n", done.stderr
    for number, (_, reason) in enumerate(BAD_ROWS, start=3):
        assert f"dossiers.csv, line {number}: {reason}" in done.stderr
    assert len(fetch(database_url, CHANGES)) == 2


BAD_FILES: list[tuple[str, str | bytes | None, str]] = [
    ("d.csv", HEADER.replace("public", "phone") + "\n", "d.csv, line 1: unknown column 'phone'"),
    ("d.csv", HEADER.replace("code,", "", 1) + "\n", "d.csv, line 1: the header has no column 'code'"),
    ("d.csv", "", "d.csv, line 1: the header has no column 'code'"),
    ("d.csv", b"\xff\xfe\x00", "d.csv: not UTF-8"),
    ("d.csv", HEADER + "\n" + "x" * 10_001 + "\n", "a line is longer than 10000 characters"),
    ("d.csv", HEADER + '\n"open quote\n', "d.csv, line 2: "),
    ("d.csv", HEADER + "," + "code\n", "d.csv, line 1: "),
    ("d.xlsx", "PK", "d.xlsx: only .csv and .jsonl can be imported"),
    ("nothing.csv", None, "nothing.csv: No such file or directory"),
]


def test_a_file_that_is_no_import(run: Run, offices: Path, tmp_path: Path) -> None:
    for name, content, words in BAD_FILES:
        if content is not None:
            (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        said(run("import", "dossiers", name), 2, words)


def test_a_file_of_spreadsheets(run: Run, offices: Path, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"\xef\xbb\xbf" + (HEADER + "\r\n" + row(1) + "\r\n\r\n").encode())
    assert "1 rows: 1 added" in run("import", "dossiers", "d.csv").stdout


def test_out_again_and_in_again(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    run("import", "dossiers", dossiers(tmp_path, row(1), row(2, "completed", "7")), "--origin", "igate")
    assert fetch(database_url, "SELECT DISTINCT origin FROM dossier") == [("igate",)]
    days = ("--office", "tay-ho", "--from", "2026-09-21", "--to", "2026-09-21")
    for format_ in ("csv", "jsonl"):
        done = run("export", "dossiers", *days, "--format", format_)
        assert done.returncode == 0, done.stderr
        (tmp_path / f"out.{format_}").write_text(done.stdout)
        assert "2 rows: 0 added, 0 changed, 2 unchanged" in run("import", "dossiers", f"out.{format_}").stdout
    assert run("export", "dossiers", *days[:-1], "2026-09-22").stdout.count("\n") == 3
    said(run("export", "dossiers", "--office", "nowhere", *days[2:]), 2, "--office: there is no office 'nowhere'")
    said(run("export", "dossiers", *days[:-1], "tomorrow"), 2, "--to", "tomorrow")
    said(run("import", "dossiers", "out.csv", "--origin", "A B"), 2, "--origin 'A B'")


def test_a_year_of_dossiers(run: Run, offices: Path, tmp_path: Path, database_url: str) -> None:
    file = dossiers(tmp_path, *(row(serial) for serial in range(1, 20_501)))
    assert "20500 rows: 20500 added" in run("import", "dossiers", file).stdout
    assert "0 added, 0 changed, 20500 unchanged" in run("import", "dossiers", file).stdout
    assert fetch(database_url, "SELECT count(*), count(DISTINCT code) FROM dossier") == [(20_500, 20_500)]


WRONG = [
    ('name_en = "Tay Ho"', 'name_en = "Tay Ho"\nnickname = "x"', ["line 20", "office.0.nickname"]),
    ('prefix = "B"', 'prefix = "A"', ["prefix 'A' is there twice"]),
    ('prefix = "B"', 'prefix = "b"', ["line 37", "prefix"]),
    ('agencies = ["H26.18"]', 'agencies = ["H99.99"]', ["office tay-ho: there is no agency 'H99.99'"]),
    ('procedures = ["2.000815"]', 'procedures = ["9.9"]', ["office tay-ho: there is no procedure '9.9'"]),
    ('kind = "point"', 'kind = "point"\nparent = "nowhere"', ["office tay-ho: there is no office 'nowhere'"]),
    ('services = ["chung-thuc"]', 'services = ["xyz"]', ["counter tay-ho-1 names unknown service 'xyz'"]),
    ("expected_minutes = 6", "expected_minutes = 0", ["line 30", "expected_minutes"]),
    ("policy =", 'calendar = { hours = { mon = ["7-8"] } }\npolicy =', ["office.0.calendar: hours.mon", "'7'"]),
    ("policy =", 'calendar = { saturdy = "closed" }\npolicy =', ["saturdy: not a key of a calendar"]),
    ('transfer_cutoff = "10:00"', 'transfer_cutoff = "25:00"', ["transfer_cutoff"]),
    ("transfer_cutoff =", "cutoff =", ["offices.toml: office tay-ho: policy: cutoff: there is no such rule"]),
    ("policy = {", "policy = { target_wait_min = 0,", ["office tay-ho: policy: target_wait_min: 0 is no whole number"]),
    (
        '"10:00" }',
        '"10:00" }\n[[office.policy_change]]\nvalid_from = 2026-01-01\nrules = { max_extensions = 10 }',
        ["offices.toml: office tay-ho: policy_change of 2026-01-01: max_extensions: 10"],
    ),
    (
        '"10:00" }',
        '"10:00" }\n[[office.policy_change]]\nvalid_from = 2026-01-01\nrules = { extensions = 1 }',
        ["offices.toml: office tay-ho: policy_change of 2026-01-01: extensions: there is no such rule"],
    ),
    (
        'procedures = ["2.000815"]',
        'procedures = ["2.000815"]\nagencies = { "2.000815" = "H26.11" }',
        ["offices.toml: office tay-ho: there is no agency 'H26.11'"],
    ),
    (
        "[[office]]",
        '[[group]]\nid = "g"\nname = "g"\nname_en = "g"\npart = [{ procedure = "2.000815" }, { procedure = "9.9" }]\n'
        "[[office]]",
        ["offices.toml: group g: there is no procedure '9.9'"],
    ),
    ('limit = "0d"', 'limit = "0w"', ["limit"]),
    ("schema = 1", "schema = 2", ["line 1", "schema"]),
    ("schema = 1", "schema = ", ["offices.toml: ", "line 1"]),
    ("schema = 1", "schema = 1\nx = " + "[" * 20_000, ["offices.toml"]),
]


def test_a_wrong_catalogue_names_the_place_and_changes_nothing(run: Run, tmp_path: Path, database_url: str) -> None:
    for old, new, words in WRONG:
        assert old in OFFICES
        (tmp_path / "offices.toml").write_text(OFFICES.replace(old, new, 1))
        said(run("import", "offices", "offices.toml"), 2, *words)
        assert fetch(database_url, "SELECT id FROM office") == []


EVERYTHING = """
    SELECT to_jsonb(office) FROM office UNION ALL SELECT to_jsonb(service) FROM service
    UNION ALL SELECT to_jsonb(counter) FROM counter UNION ALL SELECT to_jsonb(agency) FROM agency
    UNION ALL SELECT to_jsonb(procedure_limit) FROM procedure_limit UNION ALL SELECT to_jsonb(procedure) FROM procedure
    UNION ALL SELECT to_jsonb(office_policy) FROM office_policy UNION ALL SELECT to_jsonb(group_kind) FROM group_kind
    UNION ALL SELECT to_jsonb(service_procedure) FROM service_procedure ORDER BY 1
"""


def test_the_same_catalogue_twice_is_the_same(run: Run, tmp_path: Path, database_url: str) -> None:
    with resources.as_file(resources.files("service.demo").joinpath("offices.toml")) as demo:
        assert run("import", "offices", str(demo)).returncode == 0
        before = fetch(database_url, EVERYTHING)
        assert len(before) > 100
        assert run("import", "offices", str(demo)).returncode == 0
    assert fetch(database_url, EVERYTHING) == before


MORE = """\
schema = 1
[[group]]
id = "copies"
name = "Bản sao"
name_en = "Copies"
part = [{ procedure = "2.000815" }, { procedure = "2.000815", after = [0] }]
"""
CHANGES_OF_POLICY = """
[[office.policy_change]]
valid_from = 2026-01-01
rules = { max_extensions = 2 }

[[office.service]]
id = "chung-thuc"
"""


def test_a_file_may_refer_to_what_an_earlier_one_brought(run: Run, offices: Path, tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(MORE)
    done = run("import", "offices", "more.toml")
    assert (done.returncode, done.stdout) == (0, "0 offices loaded from more.toml\n"), done.stderr


def test_changes_of_policy_are_replaced_with_their_office(run: Run, offices: Path, database_url: str) -> None:
    changed = OFFICES.replace('\n[[office.service]]\nid = "chung-thuc"\n', CHANGES_OF_POLICY, 1)
    for valid_from in ("2026-01-01", "2026-02-01"):
        offices.write_text(changed.replace("2026-01-01", valid_from))
        assert run("import", "offices", offices.name).returncode == 0
        rows = fetch(database_url, "SELECT valid_from::text, rules::text FROM office_policy")
        assert rows == [(valid_from, '{"max_extensions": 2}')]
    offices.write_text(OFFICES)
    assert run("import", "offices", offices.name).returncode == 0
    assert fetch(database_url, "SELECT FROM office_policy") == []


WORDING = """
[[office.wording]]
kind = "message:accepted:sms"
language = "vi"
body = "Chao {{ name }}"

[[office.service]]
id = "chung-thuc"
"""


def test_an_offices_own_words_are_replaced_with_it(run: Run, offices: Path, database_url: str) -> None:
    worded = OFFICES.replace('\n[[office.service]]\nid = "chung-thuc"\n', WORDING, 1)
    for channel in ("sms", "phone"):
        offices.write_text(worded.replace(":sms", f":{channel}"))
        assert run("import", "offices", offices.name).returncode == 0
        rows = fetch(database_url, "SELECT office_id, kind, language, body FROM letter_text")
        assert rows == [("tay-ho", f"message:accepted:{channel}", "vi", "Chao {{ name }}")]
    place = "offices.toml: office tay-ho: wording "
    for old, new, words in (
        (":sms", ":pigeon", [f"{place}message:accepted:pigeon (vi)", "there is no such letter or message"]),
        ("{{ name }}", "{{ nothing }}", [f"{place}message:accepted:sms (vi)", "nothing"]),
        ("{{ name }}", "{% if", [f"{place}message:accepted:sms (vi)", "unexpected 'end of template'"]),
    ):
        offices.write_text(worded.replace(old, new))
        said(run("import", "offices", offices.name), 2, *words)
        assert fetch(database_url, "SELECT kind FROM letter_text") == [("message:accepted:phone",)]
    offices.write_text(OFFICES)
    assert run("import", "offices", offices.name).returncode == 0
    assert fetch(database_url, "SELECT FROM letter_text") == []


def test_due_follows_the_policy_of_the_day_it_came_in(run: Run, offices: Path) -> None:
    offices.write_text(
        OFFICES.replace('\n[[office.service]]\nid = "chung-thuc"\n', CHANGES_OF_POLICY, 1)
        .replace("2026-01-01", "2026-09-22")
        .replace("max_extensions = 2", 'transfer_cutoff = "16:00"')
    )
    assert run("import", "offices", offices.name).returncode == 0
    for day, due in (("2026-09-21", "2026-09-22"), ("2026-09-22", "2026-09-22")):
        said_due = run("due", "--office", "tay-ho", "--received", f"{day}T14:00", "--limit", "0d", "--json").stdout
        assert json.loads(said_due)["due"] == f"{due}T17:00:00+07:00"


def test_services_may_swap_their_letters(run: Run, offices: Path, database_url: str) -> None:
    offices.write_text(OFFICES.replace('prefix = "A"', 'prefix = "x"').replace('"B"', '"A"').replace('"x"', '"B"'))
    done = run("import", "offices", offices.name)
    assert done.returncode == 0, done.stderr[-500:]
    assert fetch(database_url, "SELECT id, prefix FROM service ORDER BY id") == [("chung-thuc", "B"), ("ho-tich", "A")]


def test_a_short_key_of_another_office_is_one_clear_line(run: Run, offices: Path, tmp_path: Path) -> None:
    clash = OFFICES.replace('id = "tay-ho"', 'id = "phu-thuong"').replace("tay-ho-1", "phu-thuong-1")
    (tmp_path / "clash.toml").write_text(clash)
    said(run("import", "offices", "clash.toml"), 2, "thw")
    (tmp_path / "counter.toml").write_text(clash.replace("phu-thuong-1", "tay-ho-1").replace('"thw"', '"phu"'))
    said(run("import", "offices", "counter.toml"), 2, "counter 'tay-ho-1' belongs to office tay-ho")


def test_due_follows_the_office(run: Run, offices: Path) -> None:
    due = ("due", "--received", "2026-09-21T11:00", "--limit", "0d", "--json")
    assert json.loads(run(*due).stdout)["due"] == "2026-09-21T17:00:00+07:00"
    assert json.loads(run(*due, "--office", "tay-ho").stdout)["due"] == "2026-09-22T17:00:00+07:00"
    said(run(*due, "--office", "nowhere"), 2, "--office: there is no office 'nowhere'")


def test_staff(run: Run, offices: Path, database_url: str) -> None:
    add = ("staff", "add", "lan", "--role", "clerk", "--office")
    done = run(*add, "tay-ho", "--password", "long enough password")
    assert (done.returncode, done.stdout) == (0, "lan may sign in as clerk at tay-ho\n")
    assert fetch(database_url, "SELECT name, role, office_id FROM staff") == [("lan", "clerk", "tay-ho")]
    assert run("staff", "add", "LAN", "--role", "admin", "--office", "tay-ho", "--password", "x" * 10).returncode == 0
    assert fetch(database_url, "SELECT name, role FROM staff") == [("lan", "admin")]
    said(run(*add, "nowhere", "--password", "long enough password"), 2, "--office: there is no office 'nowhere'")
    said(run(*add, "tay-ho", "--password", "short"), 2, "a password has 10 to 200 characters")
    said(run("staff", "add", "lan", "--role", "king", "--office", "tay-ho"), 2, "--role", "king")
    said(run("staff", "add", "a\tb", "--role", "clerk", "--office", "tay-ho", "--password", "x" * 10), 2, "NAME")


def test_migrate(run: Run) -> None:
    done = run("migrate")
    assert (done.returncode, done.stdout) == (0, "the database is current\n")
    said(run("migrate", database="postgresql://motcua@127.0.0.1:9/x"), 2, "cannot connect to PostgreSQL")
    said(run("migrate", database="mysql://x"), 2, "DATABASE_URL")


def test_wrong_use_is_one_line_and_status_2(run: Run) -> None:
    for arguments in (["nonsense"], ["import", "nonsense"], ["import", "offices"], ["serve", "--port", "x"], ["due"]):
        said(run(*arguments), 2, "motcua: ")
    said(run("import", "offices", "nothing.toml"), 2, "nothing.toml: No such file")
    assert "Usage" in run("--help").stdout


def test_the_console_script_ends_with_the_same_status() -> None:
    script = Path(sys.executable).with_name("motcua")
    done = subprocess.run([script, "nonsense"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "motcua: No such command 'nonsense'.\n"


async def test_a_command_may_think_between_two_batches_and_a_request_may_not(database_url: str) -> None:
    for deadlines, allowed in ((PATIENT, "10min"), (Deadlines(acquire=0.5, command=1.4), "2s")):
        pool = await Database.connect(database_url, size=2, deadlines=deadlines)
        async with pool.connection() as connection:
            assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == allowed
        await pool.close()
