"""Redis users of agents: what they may do is theirs alone."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from talk_agent.sessions.keys import agent_keys, owner_key, session_keys
from talk_kit.names import name_for_gateway
from talk_kit.redis_users import COMMANDS, user_name, user_password, user_rules
from talk_kit.session_keys import SCHEMA_KEY

# Names that begin alike, or that one could take for each other's keys.
NAMES = st.one_of(st.sampled_from(["a", "a-b", "ab", "b", "a-", "aa"]), st.from_regex(r"[a-z0-9]{1,3}", fullmatch=True))
SPACES = st.sampled_from(["", "a", "b", "a-b"])
TEXT = st.one_of(st.sampled_from(["", "a", "b}", "a/b", "*", "}:app", "a}:x", "..", "%"]), st.text(max_size=8))


def patterns(name: str, foreign: str) -> list[str]:
    rules = user_rules("secret", foreign or "talk", name, foreign)
    return [rule.removeprefix("%R").removeprefix("~") for rule in rules if rule.startswith(("~", "%R~"))]


def keys(agent: str, user: str, session: str) -> list[str]:
    """All that an agent uses."""
    own, its = agent_keys(agent), session_keys(agent, user, session)
    return [
        *(own.app, own.users, own.probe, owner_key(agent, session), its.meta, its.events, its.user, its.index),
        *(its.lease, its.line, its.answers, its.answer_ends),
    ]


def test_the_password_is_derived_as_it_was_before() -> None:
    """A change would lock running pods out."""
    found = user_password("secret", "talk", "assistant")
    assert found == "1ce2284f486058c3b72819fee882ffd213bcdda1c68b1347f02ea93a54315afb"
    others = {user_password("other", "talk", "assistant"), user_password("secret", "tal", "k-assistant")}
    assert found not in others


def test_the_rule_begins_with_nothing_and_holds_no_password() -> None:
    rules = user_rules("secret", "talk", "assistant", "")
    assert rules[:2] == ("reset", "on")
    assert rules[2].startswith("#")
    assert user_password("secret", "talk", "assistant") not in " ".join(rules)
    assert rules[3:8] == (
        "~talk:1:{assistant}:*", "~talk:1:{assistant/*", f"%R~{SCHEMA_KEY}", "resetchannels", "-@all"
    )  # fmt: skip


def test_no_command_shows_what_others_have() -> None:
    shows = {
        "keys",
        "scan",
        "randomkey",
        "monitor",
        "debug",
        "dbsize",
        "config",
        "acl",
        "client",
        "flushall",
        "flushdb",
    }
    assert not shows & set(COMMANDS)
    assert not [rule for rule in user_rules("s", "n", "a", "") if rule.startswith("+@") or rule == "allcommands"]


@given(NAMES, SPACES, NAMES, SPACES, TEXT, TEXT)
def test_a_user_has_the_keys_of_its_agent_and_of_no_other(
    name: str, foreign: str, other: str, elsewhere: str, user: str, session: str
) -> None:
    own = patterns(name, foreign)
    for key in keys(name_for_gateway(name, foreign), user, session):
        assert any(fnmatchcase(key, pattern) for pattern in own)
    if (name, foreign) != (other, elsewhere):
        assert user_name(foreign or "talk", name) != user_name(elsewhere or "talk", other)
        for key in keys(name_for_gateway(other, elsewhere), user, session):
            assert not any(fnmatchcase(key, pattern) for pattern in own), key


@given(st.text(max_size=6))
def test_no_sign_of_a_name_has_a_meaning_in_a_pattern(name: str) -> None:
    (first, second, _) = patterns(name, "")
    assert not set("*?[]\\") & {*first[:-1], *second[:-1]}
