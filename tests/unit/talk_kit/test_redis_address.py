"""Where Redis is, as people write it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_agent.settings import Settings
from talk_kit.redis_address import InvalidAddress, RedisAddress, parse_redis_url
from talk_kit.settings import SettingsError, load

SIGNS = "p#@/:%?& ü"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://localhost", RedisAddress()),
        ("redis://h:7000/3", RedisAddress(host="h", port=7000, db=3)),
        ("redis://h?db=4", RedisAddress(host="h", db=4)),
        ("rediss://h:6380", RedisAddress(host="h", port=6380, tls=True)),
        ("redis://:secret@h", RedisAddress(host="h", password="secret")),
        ("redis://me:p%23%40%2F%3A%25@h/1", RedisAddress(host="h", user="me", password="p#@/:%", db=1)),
        ("redis://[::1]:7000", RedisAddress(host="::1", port=7000)),
        ("unix:///run/redis.sock", RedisAddress(path="/run/redis.sock")),
        ("unix://me:pw@/run/a%20b?db=2", RedisAddress(path="/run/a b", user="me", password="pw", db=2)),
    ],
)
def test_a_url_says_all(url: str, address: RedisAddress) -> None:
    assert parse_redis_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://h",
        "",
        "redis://h:0",
        "redis://h:port",
        "redis://h:99999",
        "redis://h/name",
        "redis://h?ssl=true",
        "unix://",
        "redis://:hunter2#x@h",
        "redis://:hunter2/x@h",
        "redis://:hunter2[x@h",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        parse_redis_url(url)
    assert "hunter2" not in str(refused.value)

    with pytest.raises(SettingsError) as told:
        load(Settings, {"TALK_REDIS_URL": url or "x"})
    assert "TALK_REDIS_URL" in str(told.value)
    assert "hunter2" not in str(told.value)


def redis(**environ: str) -> RedisAddress | None:
    return load(Settings, {f"TALK_REDIS_{name}": value for name, value in environ.items()}).redis()


def test_parts_take_a_password_with_any_sign() -> None:
    found = redis(HOST="h", PORT="7000", TLS="true", USER="me", PASSWORD=SIGNS, DB="2", CA_FILE="/ca.pem")
    assert found == RedisAddress("h", 7000, "", True, "/ca.pem", "me", SIGNS, 2)
    assert SIGNS not in repr(found)
    assert SIGNS not in str(found)
    assert SIGNS not in repr(load(Settings, {"TALK_REDIS_HOST": "h", "TALK_REDIS_PASSWORD": SIGNS}))


def test_parts_complete_a_url() -> None:
    assert redis(URL="redis://h/1", PASSWORD=SIGNS) == RedisAddress(host="h", password=SIGNS, db=1)
    assert redis(URL="redis://u:p@h/1", DB="0") == RedisAddress(host="h", user="u", password="p")


def test_without_an_address_sessions_stay_in_memory() -> None:
    assert redis() is None


@pytest.mark.parametrize(
    "environ",
    [{"URL": "redis://h", "HOST": "h"}, {"PASSWORD": "hunter2"}, {"PORT": "6379"}, {"USER": "me"}, {"TLS": "true"}],
)
def test_variables_that_contradict_each_other_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as told:
        redis(**environ)
    assert "TALK_REDIS_HOST" in str(told.value)
    assert "hunter2" not in str(told.value)


@given(
    st.text(max_size=80)
    | st.text(alphabet="redis:/@?#[]%0123456789.=&db -", max_size=40)
    | st.text(max_size=40).map(lambda rest: f"redis://{rest}")
    | st.text(alphabet=":/@?#[]%2F0123456789.", max_size=40).map(lambda rest: f"rediss://{rest}")
)
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_redis_url(text)
    except InvalidAddress:
        return
    assert 0 < address.port < 65536 or address.path
    assert address.db >= 0
    assert address.host or address.path


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_password_that_is_encoded_is_read_back_and_never_shown(password: str) -> None:
    address = parse_redis_url(f"redis://:{quote(password, safe='')}@h:7000/1")
    assert address == RedisAddress(host="h", port=7000, db=1, password=password)
    assert str(address) == "h:7000"
    assert repr(address) == repr(RedisAddress(host="h", port=7000, db=1))
