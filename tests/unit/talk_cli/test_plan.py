"""Which processes a machine runs, and what each of them is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from talk_cli.running.launches import Launch
from talk_cli.running.plan import ChildSpec, Ports, local_parts, plan
from talk_cli.settings import Settings
from talk_kit.settings import load

PORTS = Ports(8080, [8081, 8082], 8090)
A = Launch("a", Path("/run/a.yaml"), needs_model=True, voice=True, secrets={"TALK_SECRET_S_K": "sk-a"})
B = Launch("b", Path("/run/b.yaml"), needs_model=False, voice=False)


def planned(environ: dict[str, str], *agents: Launch) -> dict[str, ChildSpec]:
    launched = list(agents or (A, B))
    ports = Ports(PORTS.gateway, PORTS.agents[: len(launched)], PORTS.local)
    settings = load(Settings, environ)
    return {child.name: child for child in plan(settings, environ, launched, Path("/run/all.yaml"), ports)}


def test_without_a_provider_everything_is_local() -> None:
    children = planned({})
    assert list(children) == ["local", "a", "b", "gateway"]
    assert children["local"].env["TALK_LOCAL_PARTS"] == "llm,asr,tts"
    assert children["a"].env["TALK_BASE_URL"] == "http://127.0.0.1:8090/v1"
    assert children["a"].env["TALK_MODEL"].startswith("openai/")
    assert children["gateway"].env["TALK_ASR_BASE_URL"] == "http://127.0.0.1:8090/v1"
    assert children["gateway"].env["TALK_TTS_BASE_URL"] == "http://127.0.0.1:8090/v1"


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        ({"OPENAI_API_KEY": "sk"}, []),
        ({"TALK_MODEL": "openai/x", "TALK_BASE_URL": "http://m/v1"}, ["asr", "tts"]),
        ({"TALK_API_KEY": "sk"}, ["asr", "tts"]),
        ({"TALK_ASR_BASE_URL": "http://s/v1"}, ["llm", "tts"]),
        ({"TALK_TTS_BASE_URL": "http://s/v1"}, ["llm", "asr"]),
    ],
)
def test_what_has_a_provider_is_not_local(environ: dict[str, str], parts: list[str]) -> None:
    assert local_parts(load(Settings, environ), [A, B]) == parts
    assert ("local" in planned(environ)) == bool(parts)


def test_agents_that_name_their_model_and_do_not_speak_need_nothing_local() -> None:
    assert "local" not in planned({}, B)


def test_openai_alone_selects_it_for_all() -> None:
    children = planned({"OPENAI_API_KEY": "sk-openai"})
    assert children["a"].env["TALK_MODEL"] == "openai/gpt-4.1-mini"
    assert children["a"].env["TALK_BASE_URL"] == "https://api.openai.com/v1"
    assert children["a"].env["TALK_API_KEY"] == "sk-openai"
    assert children["gateway"].env["OPENAI_API_KEY"] == "sk-openai"
    assert "TALK_ASR_BASE_URL" not in children["gateway"].env


def test_each_process_gets_its_own_secrets_and_no_others() -> None:
    environ = {
        "TALK_API_KEY": "sk-model",
        "TALK_MODEL": "openai/x",
        "TALK_ASR_API_KEY": "sk-asr",
        "ANTHROPIC_API_KEY": "sk-anthropic",
        "TALK_SECRET_OTHER_KEY": "sk-other",
        "PATH": "/bin",
    }
    children = planned(environ)
    shown = {name: " ".join(child.env.values()) for name, child in children.items()}
    assert {word for word in shown["a"].split() if word.startswith("sk-")} == {"sk-model", "sk-anthropic", "sk-a"}
    assert {word for word in shown["b"].split() if word.startswith("sk-")} == {"sk-model", "sk-anthropic"}
    assert {word for word in shown["gateway"].split() if word.startswith("sk-")} == {"sk-asr"}
    assert "sk-" not in shown["local"]
    assert all(child.env["PATH"] == "/bin" for child in children.values())
    assert "sk-" not in repr(children)


def test_the_gateway_knows_where_each_agent_is() -> None:
    gateway = planned({"TALK_DEFAULT_AGENT": "a", "TALK_CORS_ORIGINS": "http://x"})["gateway"]
    assert gateway.env["TALK_AGENTS"] == "a=http://127.0.0.1:8081,b=http://127.0.0.1:8082"
    assert gateway.env["TALK_AGENT_FILES"] == "/run/all.yaml"
    assert gateway.env["TALK_DEFAULT_AGENT"] == "a"
    assert gateway.env["TALK_CORS_ORIGINS"] == "http://x"


def test_each_agent_knows_its_file_its_port_and_the_gateway() -> None:
    agent = planned({"TALK_PORT": "8080", "TALK_AGENT_NAME": "poison"})["b"]
    assert agent.module == "talk_agent"
    assert agent.env["TALK_AGENT_FILE"] == "/run/b.yaml"
    assert agent.env["TALK_AGENT_NAME"] == "b"
    assert agent.env["TALK_PORT"] == "8082"
    assert agent.env["TALK_HOST"] == "127.0.0.1"
    assert agent.env["TALK_GATEWAY_URL"] == "http://127.0.0.1:8080"


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "::"])
def test_only_the_gateway_listens_elsewhere(host: str) -> None:
    children = planned({"TALK_HOST": host})
    assert children["gateway"].env["TALK_HOST"] == host
    assert children["gateway"].url == "http://127.0.0.1:8080"
    assert {child.env["TALK_HOST"] for name, child in children.items() if name != "gateway"} == {"127.0.0.1"}


def test_what_the_user_set_for_speech_stays() -> None:
    gateway = planned({"TALK_TTS_VOICE": "amy"})["gateway"]
    assert gateway.env["TALK_TTS_VOICE"] == "amy"
