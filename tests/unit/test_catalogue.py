"""The catalogue file: what it may say of procedures, groups and policies, and what is wrong is named by its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from office.catalogue import CatalogueError, read

FILE = """\
schema = 1
[[agency]]
code = "H26.18"
name = "Ủy ban"
name_en = "Committee"

[[procedure]]
code = "1.1"
name = "Khai sinh"
name_en = "Birth"
field = "Hộ tịch"
field_en = "Civil status"
limits = [{ valid_from = 2020-01-01, limit = "1d" }, { valid_from = 2025-07-01, limit = "4h", fee = 8000 }]
papers = [
    { name = "Tờ khai", name_en = "Form", original = true },
    { name = "Giấy chứng sinh", name_en = "Certificate", original = false },
]
letter = "birth"
four_steps = true

[[office]]
id = "here"
short_key = "her"
name = "Điểm"
name_en = "Point"
kind = "point"
agencies = ["H26.18"]
valid_from = 2025-07-01

[[office.policy_change]]
valid_from = 2026-01-01
rules = { max_extensions = 2 }

[[office.policy_change]]
valid_from = 2027-01-01
rules = { max_extensions = 0 }

[[office.service]]
id = "ho-tich"
name = "Hộ tịch"
name_en = "Civil status"
prefix = "A"
expected_minutes = 10
procedures = ["1.1", "1.2"]
agencies = { "1.1" = "H26.11" }

[[group]]
id = "birth"
name = "Khai sinh và cư trú"
name_en = "Birth and residence"

[[group.part]]
procedure = "1.1"

[[group.part]]
procedure = "1.2"
after = [0]

[[group.part]]
procedure = "1.3"
after = [0, 1]
"""


def test_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(FILE)
    catalogue = read(tmp_path / "good.toml")
    (procedure,), (office,), (group,) = catalogue.procedure, catalogue.office, catalogue.group
    assert [(limit.limit, limit.fee) for limit in procedure.limits] == [("1d", 0), ("4h", 8000)]
    assert [(paper.name_en, paper.original) for paper in procedure.papers] == [("Form", True), ("Certificate", False)]
    assert (procedure.letter, procedure.four_steps) == ("birth", True)
    assert [(change.valid_from, change.rules) for change in office.policy_change] == [
        (date(2026, 1, 1), {"max_extensions": 2}),
        (date(2027, 1, 1), {"max_extensions": 0}),
    ]
    assert [office.deciding(code) for code in ("1.1", "1.2")] == ["H26.11", "H26.18"]
    assert [list(part.after) for part in group.part] == [[], [0], [0, 1]]


def test_what_may_be_left_out(tmp_path: Path) -> None:
    short = FILE.replace('letter = "birth"\nfour_steps = true\n', "")
    start, end = short.index("papers = ["), short.index("]\n", short.index("papers = [")) + 2
    (tmp_path / "short.toml").write_text(short[:start] + short[end:])
    (procedure,) = read(tmp_path / "short.toml").procedure
    assert (procedure.papers, procedure.letter, procedure.four_steps) == ((), None, False)


SERVICE = '[[office.service]]\nid = "other"\nname = "x"\nname_en = "x"\nprefix = "B"\nexpected_minutes = 1\n'
WORDING = '[[office.wording]]\nkind = "letter:birth"\nlanguage = "vi"\nbody = "Chào {{ name }}"\n'
WRONG = [
    *(
        ("[[office.service]]", wording + "[[office.service]]", f"line {line}: office.0{words}")
        for wording, line, words in (
            (WORDING.replace("letter:birth", "letter:"), 39, ".wording.0.kind"),
            (WORDING.replace("letter:birth", "letter:" + "a" * 61), 39, ".wording.0.kind"),
            (WORDING.replace("letter:birth", "paper:birth"), 39, ".wording.0.kind"),
            (WORDING.replace('"vi"', '"fr"'), 40, ".wording.0.language"),
            (WORDING.replace("Chào", "x" * 3990), 41, ".wording.0.body"),
            (WORDING.replace("Chào", "\\u0000"), 41, ".wording.0.body"),
            (WORDING.replace("Chào {{ name }}", ""), 41, ".wording.0.body"),
            (WORDING + WORDING.replace("Chào", "Xin chào"), 21, ": wording 'letter:birth (vi)' is there twice"),
        )
    ),
    ("fee = 8000", "fee = -1", "line 13: procedure.0.limits.1.fee"),
    ("fee = 8000", "fee = 1000000000001", "line 13: procedure.0.limits.1.fee"),
    ("fee = 8000", "fee = 8000.0", "line 13: procedure.0.limits.1.fee"),
    ("fee = 8000", 'fee = "8000"', "line 13: procedure.0.limits.1.fee"),
    ("fee = 8000", "fees = 8000", "line 13: procedure.0.limits.1.fees"),
    ('limit = "4h"', 'limit = "٤h"', "line 13: procedure.0.limits.1.limit"),
    ("2025-07-01, limit", "2020-01-01, limit", "line 13: procedure.0.limits: valid_from '2020-01-01' is there twice"),
    ('name = "Tờ khai", ', "", "line 14: procedure.0.papers.0.name"),
    ("original = true", 'original = "yes"', "line 14: procedure.0.papers.0.original"),
    ("original = false", "copy = true", "line 14: procedure.0.papers.1.original"),
    ('"Tờ khai"', '"\\u0000"', "line 14: procedure.0.papers.0.name"),
    ("papers = [\n", "papers = [\n" + '{name="a",name_en="a",original=true},\n' * 29, "line 14: procedure.0.papers"),
    ('letter = "birth"', 'letter = "love"', "line 18: procedure.0.letter"),
    ("four_steps = true", "four_steps = 1", "line 19: procedure.0.four_steps"),
    ("{ max_extensions = 0 }", "{}", "line 36: office.0.policy_change.1.rules"),
    ("{ max_extensions = 0 }", "{ max_extensions = [1] }", "line 36: office.0.policy_change.1.rules"),
    ("valid_from = 2027-01-01", "valid_from = 2026-01-01", "line 21: office.0: policy_change valid_from '2026-01-01'"),
    ("valid_from = 2027-01-01", 'valid_from = "soon"', "line 35: office.0.policy_change.1.valid_from"),
    ('"1.1" = "H26.11"', '"1.3" = "H26.11"', "line 38: office.0.service.0: agencies names '1.3'"),
    ('"1.1" = "H26.11"', '"1.1" = "nobody"', "line 45: office.0.service.0.agencies.1.1"),
    (
        "[[group]]",
        SERVICE + 'procedures = ["1.1"]\nagencies = { "1.1" = "H26.12" }\n[[group]]',
        "line 21: office.0: two services name different agencies for procedure '1.1'",
    ),
    ("after = [0]", "after = [1]", "line 47: group.0.part: part 1 cannot come after part 1"),
    ("after = [0]", "after = [-1]", "line 57: group.0.part.1.after.0"),
    ("after = [0]", "after = [true]", "line 57: group.0.part.1.after.0"),
    ("after = [0, 1]", "after = [1, 1]", "line 47: group.0.part: part 2: after '1' is there twice"),
    (FILE[FILE.index('\n[[group.part]]\nprocedure = "1.2"') :], "", "line 47: group.0.part"),
    ("after = [0, 1]\n", "after = [0, 1]\n" + '[[group.part]]\nprocedure = "1.3"\n' * 8, "line 47: group.0.part"),
    ('id = "birth"', 'id = "Birth"', "line 48: group.0.id"),
    (FILE[FILE.index("[[group]]") :], 2 * FILE[FILE.index("[[group]]") :], "group id 'birth' is there twice"),
]


def test_an_offices_own_words(tmp_path: Path) -> None:
    english = WORDING.replace('"vi"', '"en"').replace("Chào {{ name }}", "x" * 4000)
    (tmp_path / "good.toml").write_text(FILE.replace("[[office.service]]", WORDING + english + "[[office.service]]"))
    (office,) = read(tmp_path / "good.toml").office
    assert [(wording.kind, wording.language, wording.body) for wording in office.wording] == [
        ("letter:birth", "vi", "Chào {{ name }}"),
        ("letter:birth", "en", "x" * 4000),
    ]


@pytest.mark.parametrize(("old", "new", "words"), WRONG)
def test_what_is_wrong_is_named_by_file_line_and_key(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in FILE
    (tmp_path / "bad.toml").write_text(FILE.replace(old, new, 1))
    with pytest.raises(CatalogueError) as told:
        read(tmp_path / "bad.toml")
    assert words in str(told.value)
    assert str(told.value).startswith(f"{tmp_path / 'bad.toml'}, line ")
    assert "\n" not in str(told.value)
