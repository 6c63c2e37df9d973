"""A TalkAgent as the services use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_kit.talkagent import (
    AgentDefaults,
    InvalidFiles,
    KeyRef,
    LimitsSpec,
    Secret,
    SessionSpec,
    Spec,
    SpeechChoice,
    ToolSpec,
    VoiceSpec,
    read_agent,
    read_agents,
    talk_agent,
)
from talk_kit.talkagent.durations import seconds

DEFAULTS = AgentDefaults(model="openai/gpt", base_url="http://models/v1/", api_key=Secret("sk-default"))


def spec(raw: dict[str, Any], defaults: AgentDefaults = DEFAULTS) -> Spec:
    return talk_agent({"metadata": {"name": "a"}, "spec": {"instruction": "Hi.", **raw}}, defaults).spec


def test_what_is_left_out_comes_from_the_defaults() -> None:
    found = spec({})
    assert found.model is not None
    assert (found.model.name, found.model.base_url) == ("openai/gpt", "http://models/v1")
    assert (found.model.provider, found.model.model) == ("openai", "gpt")
    assert found.model.uses_default_key
    assert found.voice == VoiceSpec()
    assert found.session == SessionSpec(ttl=86_400.0, recent_turns=20, required=True)
    assert found.limits == LimitsSpec(60.0, 4_000, 8, 20, None)
    assert found.drain_seconds == 60


def test_what_the_spec_says_wins() -> None:
    found = spec(
        {
            "model": {"name": "openai/x", "temperature": 0.5, "maxTokens": 9, "timeout": "1m30s"},
            "voice": {"enabled": False, "language": "hi", "speech": {"provider": "p", "model": "m", "voice": "v"}},
            "tools": [{"agent": {"name": "b"}}],
            "session": {"ttl": "1h", "recentTurns": 3, "required": False},
            "limits": {"runTimeout": "500ms", "requestsPerMinute": 5},
            "drainSeconds": 0,
            "suspend": True,
        }
    )
    assert found.model is not None
    assert (found.model.temperature, found.model.max_tokens, found.model.timeout) == (0.5, 9, 90.0)
    assert found.voice == VoiceSpec(False, "hi", SpeechChoice(), SpeechChoice("p", "m", "v"))
    assert found.tools == (ToolSpec("b"),)
    assert found.session == SessionSpec(3600.0, 3, False)
    assert found.limits == LimitsSpec(0.5, 4_000, 8, 20, 5)
    assert (found.drain_seconds, found.suspend) == (0, True)


def test_no_model_anywhere_is_none() -> None:
    assert spec({}, AgentDefaults()).model is None
    assert spec({}, AgentDefaults()).models == ()


def test_a_default_model_without_provider_is_openai_compatible() -> None:
    assert AgentDefaults(model="llama3").model == "openai/llama3"


@pytest.mark.parametrize(
    "model",
    [
        {"name": "openai/x", "baseURL": "http://elsewhere/v1"},
        {"name": "anthropic/claude"},
        {"name": "openai/x", "apiKeySecretRef": {"name": "s", "key": "k"}},
    ],
)
def test_the_default_key_goes_only_where_the_default_model_is(model: dict[str, Any]) -> None:
    found = spec({"model": model}).model
    assert found is not None
    assert not found.uses_default_key


def test_another_providers_model_does_not_get_the_default_base_url() -> None:
    found = spec({"model": {"name": "anthropic/claude"}}).model
    assert found is not None
    assert found.base_url is None


def test_the_chain_is_the_model_and_its_fallbacks_in_order() -> None:
    raw = {"name": "openai/a", "temperature": 1, "fallbacks": [{"name": "openai/b"}, {"name": "anthropic/c"}]}
    models = spec({"model": raw}).models
    assert [model.name for model in models] == ["openai/a", "openai/b", "anthropic/c"]
    assert models[1].temperature is None


def test_an_instruction_may_be_elsewhere() -> None:
    data = {"metadata": {"name": "a"}, "spec": {"instructionFrom": {"configMapKeyRef": {"name": "p", "key": "k"}}}}
    found = talk_agent(data, DEFAULTS).spec
    assert (found.instruction, found.instruction_ref) == (None, KeyRef("ConfigMap", "p", "k"))


def test_defaults_and_agents_show_no_key() -> None:
    assert "sk-default" not in repr(DEFAULTS)


FILE = "apiVersion: talk.dwani.ai/v1alpha1\nkind: TalkAgent\nmetadata: {name: NAME}\nspec: {instruction: Hi.}\n---\n"


def test_one_agent_is_found_by_name_or_because_it_is_the_only_one(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(FILE.replace("NAME", "a"))
    assert read_agent(file, "")[0].name == "a"
    file.write_text(FILE.replace("NAME", "a") + FILE.replace("NAME", "b"))
    assert read_agent(file, "b")[0].name == "b"
    for name in ("", "c"):
        with pytest.raises(InvalidFiles, match="there are: a, b"):
            read_agent(file, name)


def test_one_name_in_two_namespaces_cannot_run_side_by_side(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(FILE.replace("NAME", "a, namespace: x") + FILE.replace("NAME", "a, namespace: y"))
    with pytest.raises(InvalidFiles, match="two agents named a"):
        read_agents([file])


@pytest.mark.parametrize(
    ("text", "value"), {"60s": 60, "24h": 86400, "250ms": 0.25, "1h30m": 5400, "1.5s": 1.5}.items()
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@given(st.text(max_size=12) | st.sampled_from(["60", "-1s", "1d", "s", "1 s", "1S", "", "1s\n", "٣s"]))
def test_no_other_text_is_a_duration(text: str) -> None:
    try:
        seconds(text)
    except ValueError:
        return
    assert text.isascii()
    assert text[-1] in "smh"
