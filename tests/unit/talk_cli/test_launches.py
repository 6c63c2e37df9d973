"""What an agent's process is given to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from talk_cli.running.launches import LaunchRefused, launches, running, write_directory
from talk_kit.talkagent import Agents, read_agent, read_agents

AGENT = "apiVersion: talk.dwani.ai/v1alpha1\nkind: TalkAgent\nmetadata: {name: %s}\nspec:\n  %s\n"


def agents(tmp_path: Path, *documents: str, environ: dict[str, str] | None = None) -> Agents:
    file = tmp_path / "source.yaml"
    file.write_text("---\n".join(documents), "utf-8")
    return read_agents([file], environ=environ)


def test_a_file_holds_the_agent_and_those_it_calls(tmp_path: Path) -> None:
    text = "Grüße \U0001f600 {city}\\u2028\\u0085\\t"
    found = agents(
        tmp_path,
        AGENT % ("a", f'instruction: "{text}"\n  tools: [{{agent: {{name: b}}}}, {{agent: {{name: nobody}}}}]'),
        AGENT % ("b", "instruction: Hi.\n  description: Knows b."),
        AGENT % ("c", "instruction: Hi."),
    )
    launch = launches(found, tmp_path)[0]
    written = read_agents([launch.file])
    assert sorted(written.by_name) == ["a", "b"]
    assert written.by_name["a"] == found.by_name["a"]
    assert read_agents([write_directory(found, tmp_path)]).by_name.keys() == {"a", "b", "c"}


def test_secrets_travel_as_variables_and_touch_no_disk(tmp_path: Path) -> None:
    found = agents(
        tmp_path,
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: 'sk-1\n'}\n",
        AGENT % ("a", "instruction: Hi.\n  model: {name: openai/x, apiKeySecretRef: {name: s, key: k}}"),
        AGENT % ("b", "instruction: Hi.\n  model: {name: openai/x, apiKeySecretRef: {name: t, key: k}}"),
        AGENT % ("c", "instruction: Hi.\n  model: {name: openai/x, apiKeySecretRef: {name: u, key: k}}"),
        environ={"TALK_SECRET_T_K": "sk-2"},
    )
    (tmp_path / "out").mkdir()
    launched = launches(found, tmp_path / "out")
    assert [launch.secrets for launch in launched] == [{"TALK_SECRET_S_K": "sk-1"}, {"TALK_SECRET_T_K": "sk-2"}, {}]
    assert "sk-" not in "".join(file.read_text() for file in (tmp_path / "out").iterdir())
    assert "sk-1" not in repr(launched)


def test_an_instruction_from_a_config_map_comes_along(tmp_path: Path) -> None:
    found = agents(
        tmp_path,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata: {k: 'Line.\n\n  two'}\n",
        AGENT % ("a", "instructionFrom: {configMapKeyRef: {name: p, key: k}}"),
    )
    agent, references = read_agent(launches(found, tmp_path)[0].file, "a")
    assert agent.spec.instruction_ref is not None
    assert references.text(agent.spec.instruction_ref) == found.references.text(agent.spec.instruction_ref)


def test_suspended_agents_do_not_run(tmp_path: Path) -> None:
    found = agents(
        tmp_path,
        AGENT % ("a", "instruction: Hi.\n  suspend: true"),
        AGENT % ("b", "instruction: Hi.\n  replicas: 0"),
        AGENT % ("c", "instruction: Hi."),
    )
    assert [agent.name for agent in running(found)] == ["c"]


def test_two_keys_in_one_variable_are_refused(tmp_path: Path) -> None:
    fallback = "{name: openai/y, apiKeySecretRef: {name: a, key: b-c}}"
    model = f"{{name: openai/x, apiKeySecretRef: {{name: a-b, key: c}}, fallbacks: [{fallback}]}}"
    with pytest.raises(LaunchRefused, match="TALK_SECRET_A_B_C"):
        launches(agents(tmp_path, AGENT % ("a", f"instruction: Hi.\n  model: {model}")), tmp_path)
