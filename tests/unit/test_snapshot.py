"""How a public answer lies in Redis, and that nothing else is ever taken for one."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.snapshot import NotASnapshot, Snapshot

NUMBERS = st.integers(0, 10**16 - 1)
SNAPSHOTS = st.builds(
    Snapshot,
    key=st.from_regex(r"(dossier|hall):[A-Za-z0-9.\-]{1,60}", fullmatch=True),
    version=NUMBERS,
    as_of=NUMBERS,
    body=st.binary(max_size=300),
    good_until=NUMBERS,
)
ONE = Snapshot(key="dossier:H26.18-260921-0007", version=3, as_of=1_790_000_000_000_000, body=b'{"status":4}')


@given(SNAPSHOTS)
def test_what_is_packed_is_unpacked(snapshot: Snapshot) -> None:
    assert Snapshot.unpack(snapshot.key, snapshot.pack()) == snapshot


@given(SNAPSHOTS, SNAPSHOTS)
def test_another_keys_value_is_foreign(mine: Snapshot, other: Snapshot) -> None:
    assume(mine.key != other.key)
    with pytest.raises(NotASnapshot) as caught:
        Snapshot.unpack(mine.key, other.pack())
    assert caught.value.reason == "foreign"


@given(SNAPSHOTS, st.data())
def test_what_is_cut_short_is_malformed(snapshot: Snapshot, data: st.DataObject) -> None:
    packed = snapshot.pack()
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    with pytest.raises(NotASnapshot) as caught:
        Snapshot.unpack(snapshot.key, cut)
    assert caught.value.reason == "malformed"


@given(SNAPSHOTS, st.data())
def test_one_flipped_byte_is_noticed(snapshot: Snapshot, data: st.DataObject) -> None:
    packed = bytearray(snapshot.pack())
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NotASnapshot):
        Snapshot.unpack(snapshot.key, bytes(packed))


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"x", b'{"status":4}', b"dossier:H26.18-260921-0007 3 4\nbody", b"\xff" * 40]
)
def test_junk_is_malformed(raw: bytes) -> None:
    with pytest.raises(NotASnapshot) as caught:
        Snapshot.unpack(ONE.key, raw)
    assert caught.value.reason == "malformed"


def test_newer_is_by_version_and_then_by_the_moment_it_was_read() -> None:
    older, same_version, newer = (
        Snapshot(key="k", version=version, as_of=as_of, body=b"") for version, as_of in ((1, 9), (2, 3), (2, 4))
    )
    assert older.order < same_version.order < newer.order
    assert len({older.etag, same_version.etag, newer.etag}) == 3


def test_until_when_it_speaks_the_truth() -> None:
    assert ONE.good_at(10**16)
    turning = Snapshot(key="k", version=1, as_of=0, body=b"", good_until=100)
    assert turning.good_at(99)
    assert not turning.good_at(100)
