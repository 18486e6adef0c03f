"""An office's own words: which there may be, that a broken one is found before it is used, and that docs name all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tracking.notices.letters import Kind
from tracking.notices.own import CHANNELS, KINDS, SAMPLE, check
from tracking.notices.queue import Trigger
from tracking.notices.wording import FILTERS, BrokenWording

SECTION = (
    (Path(__file__).parents[2] / "docs/dossiers.md")
    .read_text()
    .split("## An office's own words\n")[1]
    .split("\n## ")[0]
)


def test_every_value_may_be_named_for_every_kind() -> None:
    assert len(KINDS) == len(Kind) + len(Trigger) * len(CHANNELS)
    flags = {name for name, value in SAMPLE.items() if isinstance(value, bool)}
    assert flags == {"late", "originals", "may_rate"}
    assert all(SAMPLE.values()), "an empty value would make a wording that only holds it say nothing"
    body = "".join(f"{{% if {name} %}}{{{{ {name} }}}}{{% else %}}{{{{ name }}}}{{% endif %}}" for name in SAMPLE)
    for kind in KINDS:
        check(kind, body)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("letter:love", "x", "no such letter"),
        ("message:accepted:pigeon", "x", "no such letter or message"),
        ("message:born:sms", "x", "no such letter or message"),
        ("letter:birth", "{{ child }}", "child"),
        ("letter:birth", "{% if late %}x{% else %}{{ child }}{% endif %}", "there is no value child"),
        ("letter:birth", "{% if late %}x{% else %}{{ name|center }}{% endif %}", "center"),
        ("letter:birth", "{{ name", "unexpected"),
        ("letter:birth", "{{ name.upper() }}", "Call is not possible here"),
        ("letter:birth", " \n ", "it says nothing"),
    ],
)
def test_a_broken_one_is_found(kind: str, body: str, words: str) -> None:
    with pytest.raises(BrokenWording, match=words):
        check(kind, body)


def test_the_documentation_names_every_kind_value_and_filter() -> None:
    named = set(re.findall(r"`(\w+)`", SECTION))
    assert {*SAMPLE, *FILTERS, *Kind, *Trigger, *CHANNELS} <= named
