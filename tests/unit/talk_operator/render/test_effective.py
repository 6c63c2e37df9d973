"""What a spec leaves out comes from the chart; the default key goes to the default provider and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from talk_operator.render import effective

KEY = {"name": "keys", "key": "default"}
OWN = {"name": "mine", "key": "k"}
DEFAULTS: dict[str, Any] = {
    "model": {"name": "openai/demo", "baseURL": "http://llm.talk.svc/v1", "apiKeySecretRef": KEY}
}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (None, {"name": "openai/demo", "baseURL": "http://llm.talk.svc/v1", "apiKeySecretRef": KEY}),
        ({"name": "openai/b"}, {"name": "openai/b", "baseURL": "http://llm.talk.svc/v1", "apiKeySecretRef": KEY}),
        ({"baseURL": "http://llm.talk.svc/v1/"},
         {"name": "openai/demo", "baseURL": "http://llm.talk.svc/v1/", "apiKeySecretRef": KEY}),
        ({"baseURL": "http://evil.example.com/v1"}, {"name": "openai/demo", "baseURL": "http://evil.example.com/v1"}),
        ({"name": "anthropic/claude"}, {"name": "anthropic/claude"}),
        ({"name": "anthropic/claude", "apiKeySecretRef": OWN}, {"name": "anthropic/claude", "apiKeySecretRef": OWN}),
        ({"baseURL": "http://x/v1", "apiKeySecretRef": OWN},
         {"name": "openai/demo", "baseURL": "http://x/v1", "apiKeySecretRef": OWN}),
        ({"fallbacks": [{"name": "anthropic/claude"}, {"name": "openai/b", "baseURL": "http://evil.example.com"}]},
         {"name": "openai/demo", "baseURL": "http://llm.talk.svc/v1", "apiKeySecretRef": KEY,
          "fallbacks": [{"name": "anthropic/claude"}, {"name": "openai/b", "baseURL": "http://evil.example.com"}]}),
    ],
)  # fmt: skip
def test_the_model(model: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    spec = {"model": model} if model else {}
    assert effective(spec, DEFAULTS)["model"] == expected


def test_without_any_model_there_is_none() -> None:
    assert "model" not in effective({}, {})


def test_a_default_model_without_provider_is_an_openai_compatible_one() -> None:
    defaults = {"model": {"name": "demo", "baseURL": "http://llm/v1"}}
    assert effective({"model": {"name": "openai/x"}}, defaults)["model"]["baseURL"] == "http://llm/v1"


def test_one_of_replicas_and_autoscaling_puts_both_defaults_away() -> None:
    defaults = {"replicas": 2, "drainSeconds": 9, "autoscaling": {"maxReplicas": 3}}
    assert effective({"replicas": 1}, defaults) == {"replicas": 1, "drainSeconds": 9}
    assert effective({"autoscaling": {"maxReplicas": 5}}, defaults) == {
        "autoscaling": {"maxReplicas": 5},
        "drainSeconds": 9,
    }


def test_maps_are_merged_and_lists_of_the_pod_are_joined() -> None:
    defaults = {
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
        "pod": {"tolerations": [{"key": "a"}], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]},
    }
    spec = {
        "resources": {"requests": {"cpu": "2"}},
        "pod": {"tolerations": [{"key": "a"}, {"key": "b"}], "env": [{"name": "A", "value": "2"}]},
    }
    made = effective(spec, defaults)
    assert made["resources"] == {"requests": {"cpu": "2", "memory": "1Gi"}}
    assert made["pod"]["tolerations"] == [{"key": "a"}, {"key": "b"}]
    assert made["pod"]["env"] == [{"name": "B", "value": "1"}, {"name": "A", "value": "2"}]


def test_neither_argument_is_changed() -> None:
    spec, defaults = {"pod": {"env": [{"name": "A"}]}}, {"pod": {"env": [{"name": "B"}]}, "model": {"name": "openai/a"}}
    effective(spec, defaults)
    assert spec == {"pod": {"env": [{"name": "A"}]}}
    assert defaults == {"pod": {"env": [{"name": "B"}]}, "model": {"name": "openai/a"}}
