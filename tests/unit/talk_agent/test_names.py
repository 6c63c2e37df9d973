from __future__ import annotations

import re
import string

import pytest
from google.adk.agents.llm_agent import LlmAgent
from hypothesis import given
from hypothesis import strategies as st

from talk_agent.names import NameClash, adk_agent_name, agent_tool_name, bounded, tool_names

KUBERNETES_NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("viva-examiner", "viva_examiner"),
        ("3d-helper", "agent_3d_helper"),
        ("user", "agent_user"),
        ("class", "class"),
        ("assistant", "assistant"),
    ],
)
def test_adk_gets_an_identifier(resource: str, expected: str) -> None:
    assert adk_agent_name(resource) == expected


@given(KUBERNETES_NAMES)
def test_adk_takes_every_name_that_kubernetes_takes(resource: str) -> None:
    assert LlmAgent(name=adk_agent_name(resource)).name == adk_agent_name(resource)


@given(KUBERNETES_NAMES)
def test_models_take_every_tool_name(resource: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", agent_tool_name(resource))


@given(st.lists(KUBERNETES_NAMES, unique=True, max_size=20))
def test_different_agents_have_different_tool_names(resources: list[str]) -> None:
    assert list(tool_names(resources).values()) == resources


def test_one_name_for_two_tools_is_an_error_that_names_both() -> None:
    with pytest.raises(NameClash, match=r"'a-b' and 'a_b' would both be called 'ask_a_b'"):
        tool_names(["a-b", "a_b"])


@given(st.text(string.ascii_letters, min_size=65, max_size=80), st.text(string.ascii_letters, min_size=1, max_size=3))
def test_long_names_are_cut_and_stay_apart(name: str, more: str) -> None:
    assert len(bounded(name)) == 64
    assert bounded(name) != bounded(name + more)
