"""What the platform lets authors ask for: the same in the operator's configuration and in the admission policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talk_kit.talkagent.authors import REFERENCE
from talk_operator.config import Config, parse_config
from tests.chart.helm import CHART, Refused, Rendered, helm, render
from tests.chart.test_values import operator_config

POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


def config(rendered: Rendered) -> Config:
    return parse_config(operator_config(rendered))


def expressions(rendered: Rendered) -> str:
    (policy,) = rendered.all(POLICY)
    return "\n".join(each["expression"] for each in policy["spec"]["validations"])


def test_nothing_but_talks_own_is_allowed_by_default() -> None:
    authors = config(render()).authors
    assert (authors.images, authors.serviceAccountNames) == ([], [])
    assert authors.neverServiceAccountNames == ["talk-gateway", "talk-operator", "talk-redis", "talk-local"]


def test_the_policy_asks_for_what_the_operator_asks_for() -> None:
    rendered = render(values={"authors": {"images": ["ghcr.io/a", "ghcr.io/b:1"], "serviceAccountNames": ["wi"]}})
    authors = config(rendered).authors
    for listed in (authors.images, authors.serviceAccountNames, authors.neverServiceAccountNames):
        assert json.dumps(listed, separators=(",", ":")) in expressions(rendered)
    assert f'matches("^{REFERENCE}$")' in expressions(rendered)


def test_the_policy_is_there_where_the_crd_is_or_where_it_is_asked_for() -> None:
    assert render().all(POLICY)
    assert not render("--set", "crds.install=false").all(POLICY)
    assert render("--set", "crds.install=false", "--set", "admissionPolicy.enabled=true").all(POLICY)
    assert not render("--set", "admissionPolicy.enabled=false").all(BINDING)
    assert not render("--set", "operator.enabled=false").all(POLICY)


def test_a_kubernetes_without_such_policies_gets_none() -> None:
    assert not render("--kube-version", "1.29.3").all(POLICY)


def test_each_release_has_a_policy_of_its_own_for_the_namespaces_that_it_serves() -> None:
    rendered = render("--set", "watchNamespaces={team-a,voice}")
    (policy,), (binding,) = rendered.all(POLICY), rendered.all(BINDING)
    assert policy["metadata"]["name"] == binding["metadata"]["name"] == binding["spec"]["policyName"]
    assert policy["metadata"]["name"] == "talk.voice.authors"
    (served,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert served == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["voice", "team-a"]}
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["validationActions"] == ["Deny"]


@pytest.mark.parametrize(
    "images",
    [["*"], ["ghcr.io"], ["localhost:5000"], ["reg:5000/a/b"], ["a.b:80/c:1.2"], [f"a.b/c@sha256:{'a' * 64}"]],
)
def test_registries_folders_repositories_and_versions_are_taken(images: list[str]) -> None:
    assert config(render(values={"authors": {"images": images}})).authors.images == images


@pytest.mark.parametrize(
    "values",
    [
        {"images": ["redis"]},
        {"images": ["team/agent"]},
        {"images": ["ghcr.io/"]},
        {"images": ["ghcr.io/a/"]},
        {"images": ["ghcr.io/A"]},
        {"images": ["ghcr.io/a/*"]},
        {"images": ["ghcr.io/a:1/b"]},
        {"images": ['ghcr.io/a"]']},
        {"serviceAccountNames": ["a*"]},
        {"serviceAccountNames": ['a"']},
        {"images": "ghcr.io"},
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="/authors/"):
        helm("template", "talk", str(CHART), "--set-json", f"authors={json.dumps(values)}")
