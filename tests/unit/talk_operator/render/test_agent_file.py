"""agent.yaml says to the agent's reader what the TalkAgent says, whatever text is in it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from talk_kit.talkagent import load_text
from talk_kit.talkagent.references import KeyRef
from talk_operator.render.agent_file import agent_file, digest, references

# What an API server takes: JSON strings of Unicode, without the surrogates and controls that YAML has no words for.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\n\t "), min_size=1)


def read(text: str) -> object:
    loaded = load_text(text, "agent.yaml")
    assert loaded.problems == []
    return loaded.documents[0].data["spec"].get("instruction")


@given(TEXTS)
def test_any_text_arrives_as_it_is(text: str) -> None:
    written = agent_file("a", {"instruction": text})
    assert read(written) == text
    assert yaml.safe_load(written)["spec"]["instruction"] == text


@pytest.mark.parametrize(
    "text",
    ["no", "1e3", "0x1f", "007", "null", "~", "a: b", "# c", " x ", "x\u2028y", "x\u0085y", "\ufeffx", "😀", "a\r\nb",
     "-", "- a", "{city}", "%x", "@x", "`x`", "2026-01-01", "12:30", ".inf", "=", "<<", "y", "a\n",
     "\na", "a\n\n", "  a\nb", "a \nb"],
)  # fmt: skip
def test_texts_that_yaml_would_read_otherwise(text: str) -> None:
    written = agent_file("a", {"instruction": text})
    assert read(written) == text
    assert yaml.safe_load(written)["spec"]["instruction"] == text


def test_the_order_of_fields_rolls_no_pod_and_a_new_voice_does_not_either() -> None:
    one = {"instruction": "x", "limits": {"llmCalls": 1, "messageLength": 2}, "voice": {"language": "en"}}
    other = {"limits": {"messageLength": 2, "llmCalls": 1}, "instruction": "x", "replicas": 3}
    assert digest(agent_file("a", one)) == digest(agent_file("a", other))


def test_references_are_sorted_and_each_is_there_once() -> None:
    key = {"name": "keys", "key": "b"}
    model = {"name": "a/b", "apiKeySecretRef": key, "fallbacks": [{"apiKeySecretRef": key}, {"name": "x"}]}
    spec = {"model": model, "instructionFrom": {"configMapKeyRef": {"name": "prompts", "key": "a"}}}
    assert references(spec) == [KeyRef("ConfigMap", "prompts", "a"), KeyRef("Secret", "keys", "b")]
