from __future__ import annotations

from pathlib import Path

import pytest

from talk_agent.dependencies import read_dependencies
from talk_agent.settings import OPENAI_MODEL, Settings
from talk_kit.settings import SettingsError, load
from talk_kit.talkagent import AgentDefaults


def defaults(**environ: str) -> AgentDefaults:
    return load(Settings, environ).defaults()


def test_a_model_and_its_key() -> None:
    found = defaults(TALK_MODEL="openai/m", TALK_BASE_URL="http://vllm:8000/v1/", TALK_API_KEY="sk-1")

    assert (found.model, found.base_url) == ("openai/m", "http://vllm:8000/v1")
    assert found.api_key
    assert found.api_key.reveal() == "sk-1"


def test_openais_key_alone_selects_openai() -> None:
    found = defaults(OPENAI_API_KEY="sk-openai")

    assert (found.model, found.base_url) == (OPENAI_MODEL, None)
    assert found.api_key
    assert found.api_key.reveal() == "sk-openai"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"TALK_MODEL": "openai/m", "TALK_BASE_URL": "http://vllm:8000/v1"},
        {"TALK_MODEL": "anthropic/claude"},
        {"TALK_MODEL": "gemini/flash"},
        {"TALK_MODEL": "azure/openai/x"},
    ],
)
def test_openais_key_goes_nowhere_else(elsewhere: dict[str, str]) -> None:
    assert defaults(OPENAI_API_KEY="sk-openai", **elsewhere).api_key is None


def test_talks_own_key_wins() -> None:
    found = defaults(OPENAI_API_KEY="sk-openai", TALK_API_KEY="sk-talk")

    assert found.api_key
    assert found.api_key.reveal() == "sk-talk"


def test_keys_are_in_no_repr() -> None:
    settings = load(Settings, {"TALK_API_KEY": "sk-1", "OPENAI_API_KEY": "sk-2"})

    assert "sk-" not in repr(settings)


def test_a_typing_error_is_told_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError, match=r"TALK_SESION_WAIT_SECONDS.*TALK_SESSION_WAIT_SECONDS"):
        load(Settings, {"TALK_SESION_WAIT_SECONDS": "1"})


AGENT = "{apiVersion: talk.dwani.ai/v1alpha1, kind: TalkAgent, metadata: {name: NAME}, spec: {instruction: Hi}}\n"


def read(tmp_path: Path, text: str, name: str = "", model: str | None = "openai/m") -> str:
    file = tmp_path / "agent.yaml"
    file.write_text(text)
    return read_dependencies(Settings(agent_file=str(file), agent_name=name, model=model), {}).agent.name


def test_the_only_agent_of_a_file_needs_no_name(tmp_path: Path) -> None:
    assert read(tmp_path, AGENT.replace("NAME", "one")) == "one"


@pytest.mark.parametrize("name", ["two-b", "two_b"])
def test_one_of_several_is_named(tmp_path: Path, name: str) -> None:
    text = AGENT.replace("NAME", "one") + "---\n" + AGENT.replace("NAME", "two-b")

    assert read(tmp_path, text, name) == "two-b"
    with pytest.raises(SettingsError, match="one, two-b"):
        read(tmp_path, text)
    with pytest.raises(SettingsError, match="one, two-b"):
        read(tmp_path, text, "three")


def test_what_is_wrong_with_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"agent\.yaml"):
        read(tmp_path, AGENT.replace("NAME", "one").replace("instruction", "instructions"))
    with pytest.raises(SettingsError, match="no such file"):
        read_dependencies(Settings(agent_file=str(tmp_path / "none.yaml")), {})


def test_an_agent_without_a_model_is_told_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TALK_MODEL"):
        read(tmp_path, AGENT.replace("NAME", "one"), model=None)
