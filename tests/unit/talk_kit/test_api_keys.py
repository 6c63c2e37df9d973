"""Files of API keys: what is read, what is refused, and that nothing of a file is ever repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_kit.api_keys import (
    MOST_KEYS,
    ApiKey,
    CallerLimits,
    InvalidKeys,
    encode_keys,
    find,
    hash_of,
    new_key,
    parse_keys,
)

NOW = datetime(2027, 1, 1, tzinfo=UTC)
CANARY = "talk_canary-that-nobody-may-read"

limits = st.none() | st.integers(0, 10**12)
keys = st.builds(
    ApiKey,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", fullmatch=True),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    agents=st.none() | st.lists(st.sampled_from(["assistant", "viva-examiner", "a.team"])).map(tuple),
    limits=st.builds(CallerLimits, limits, limits, limits),
    expires=st.none() | st.datetimes(timezones=st.just(UTC)),
    created=st.just("2027-01-01T00:00:00Z"),
)
members = st.sampled_from(["keys", "name", "sha256", "agents", "expires"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(members, inner),
    max_leaves=12,
)


@given(st.lists(keys, unique_by=lambda key: key.sha256))
def test_what_is_written_is_read_again(written: list[ApiKey]) -> None:
    assert parse_keys(encode_keys(written)) == tuple(written)


@given(st.binary(max_size=300) | json_values.map(lambda value: orjson.dumps(value)))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parse_keys(raw)
    except InvalidKeys:
        return


@pytest.mark.parametrize(
    "entry",
    [
        {"name": CANARY * 9, "sha256": "0" * 64},
        {"name": "a", "sha256": CANARY},
        {"name": "a", "sha256": "0" * 64, CANARY: 1},
        {"name": "a", "sha256": "0" * 64, "expires": CANARY},
        {"name": "a", "sha256": "0" * 64, "expires": "2027-01-01T00:00:00"},
        {"name": "a", "sha256": "0" * 64, "agents": CANARY},
        {"name": "a", "sha256": "0" * 64, "tokensPerDay": CANARY},
        {"name": "a", "sha256": "0" * 64, "concurrentTurns": True},
        {"name": "a", "sha256": "A" * 64},
        CANARY,
    ],
)
def test_a_refusal_repeats_nothing_of_the_file(entry: object) -> None:
    with pytest.raises(InvalidKeys) as refused:
        parse_keys(orjson.dumps({"keys": [entry]}))
    assert CANARY not in str(refused.value)
    assert "keys[0]" in str(refused.value)


def test_too_many_keys_and_equal_hashes_are_refused() -> None:
    many = {"keys": [{"name": "a", "sha256": f"{at:064x}"} for at in range(MOST_KEYS + 1)]}
    with pytest.raises(InvalidKeys, match="more than"):
        parse_keys(orjson.dumps(many))
    with pytest.raises(InvalidKeys, match="same sha256"):
        parse_keys(orjson.dumps({"keys": [{"name": "a", "sha256": "0" * 64}, {"name": "b", "sha256": "0" * 64}]}))


def test_a_key_is_found_until_it_ends() -> None:
    presented = new_key()
    key = ApiKey("alice", hash_of(presented), expires=NOW)
    assert find([ApiKey("bob", hash_of("other")), key], presented, NOW - timedelta(seconds=1)) is key
    assert find([key], presented, NOW) is None


def test_two_keys_of_one_name_are_live_at_once() -> None:
    old, new = new_key(), new_key()
    both = [ApiKey("alice", hash_of(old)), ApiKey("alice", hash_of(new))]
    assert [find(both, each, NOW) for each in (old, new)] == both
    assert both[0].id != both[1].id


@given(st.text(max_size=600))
def test_nothing_else_is_found(presented: str) -> None:
    assert find([ApiKey("alice", hash_of(new_key()))], presented, NOW) is None


def test_neither_key_nor_hash_is_in_its_repr() -> None:
    key = ApiKey("alice", hash_of(CANARY))
    assert key.sha256 not in repr(key)
    assert key.id not in key.sha256
