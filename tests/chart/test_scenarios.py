"""What holds for every way to install the chart."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest

from tests.chart.helm import CASES, CHART, SCENARIOS, Object, Rendered, helm, render

# Gateway API, TalkAgent and PodMonitor are no kinds of Kubernetes itself: the API server checks them in the tests on a
# cluster.
OTHER_GROUPS = ("gateway.networking.k8s.io/", "talk.dwani.ai/", "monitoring.coreos.com/")
# The chart makes these from Kubernetes 1.30 on.
NEWER = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
REFUSED = {"V01-unknown-key.yaml", "V02-number-as-string.yaml", "V35-anonymous-ingress.yaml"}
ACCEPTED = [path for path in sorted(CASES.glob("*.yaml")) if path.name not in REFUSED]
VERSIONS = os.environ.get("TALK_TEST_KUBERNETES", "1.29 1.34").split()

pytestmark = pytest.mark.timeout(120)
every = pytest.mark.parametrize("values", [*SCENARIOS, *ACCEPTED], ids=lambda path: path.stem)


@cache
def rendered(values: Path) -> Rendered:
    """Rendered once for all tests: nobody changes it."""
    return render(values=values)


@every
def test_objects_are_what_the_api_accepts(values: Path) -> None:
    for each in rendered(values).objects:
        if not each["apiVersion"].startswith(OTHER_GROUPS):
            for version in VERSIONS:
                if each["kind"] in NEWER and version == "1.29":
                    continue
                kubernetes_validate.validate(each, version, strict=True)


@every
def test_helm_lints(values: Path) -> None:
    helm("lint", "--strict", str(CHART), "-f", str(values))


@every
def test_every_pod_is_restricted_and_has_no_service_links(values: Path) -> None:
    removed = {"podSecurityContext"} if values.name == "bare-values.yaml" else set()
    for name, _, spec in rendered(values).pods():
        assert spec["enableServiceLinks"] is False, name
        if "gateway" in name and removed:
            continue
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] >= 1000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


@every
def test_only_gateway_and_operator_have_a_token(values: Path) -> None:
    for name, metadata, spec in rendered(values).pods():
        component = metadata["labels"]["app.kubernetes.io/component"]
        assert spec["automountServiceAccountToken"] in (False, component in ("gateway", "operator")), name


@every
def test_roles_have_no_wildcard_and_no_secret(values: Path) -> None:
    roles = [*rendered(values).all("Role"), *rendered(values).all("ClusterRole")]
    for role in roles:
        for rule in role["rules"]:
            words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert "*" not in words
            assert "secrets" not in rule["resources"]
    assert all(role["kind"] == "Role" for role in roles)


@every
def test_a_pod_has_time_for_its_delay_and_its_drain(values: Path) -> None:
    for name, _, spec in rendered(values).pods():
        env = {each["name"]: each.get("value") for each in spec["containers"][0].get("env", [])}
        if "TALK_ENDPOINT_DELAY_SECONDS" in env:
            waits = float(env["TALK_ENDPOINT_DELAY_SECONDS"]) + float(env.get("TALK_DRAIN_SECONDS") or 60)
            assert spec["terminationGracePeriodSeconds"] > waits, name


@every
def test_nothing_is_empty_or_in_exponents(values: Path) -> None:
    text = re.sub(r"(?ms)^\s*description: .*?$", "", rendered(values).text)
    assert not re.search(r"[0-9]e\+[0-9]", text)
    assert "map[" not in text
    for each in rendered(values).objects:
        if each["kind"] != "CustomResourceDefinition":
            assert_no_nulls(each, each["kind"] + "/" + each["metadata"]["name"])


def assert_no_nulls(value: object, where: str) -> None:
    """No null anywhere: the API drops it, and GitOps sees a difference for ever."""
    assert value is not None, where
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        assert_no_nulls(member, f"{where}.{key}")


@every
def test_names_are_legal_and_used_once(values: Path) -> None:
    names = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in rendered(values).objects
    ]
    assert len(names) == len(set(names))


@every
def test_the_same_values_render_the_same(values: Path) -> None:
    assert rendered(values).text == render(values=values).text


@every
def test_selectors_find_their_pods(values: Path) -> None:
    objects = rendered(values)
    pods = [(name, metadata["labels"]) for name, metadata, _ in objects.pods()]
    for kind in ("Service", "PodDisruptionBudget", "Deployment", "StatefulSet"):
        for each in objects.all(kind):
            selector = each["spec"]["selector"].get("matchLabels", each["spec"]["selector"])
            found = [name for name, labels in pods if selector.items() <= labels.items()]
            assert found == [each["metadata"]["name"]], (kind, each["metadata"]["name"], found)


@every
def test_every_pod_is_under_a_default_deny(values: Path) -> None:
    objects = rendered(values)
    policies: list[Object] = objects.all("NetworkPolicy")
    if not policies:
        assert values.name == "bare-values.yaml"
        return
    for name, metadata, _ in objects.pods():
        matching = [
            policy
            for policy in policies
            if policy["spec"]["podSelector"]["matchLabels"].items() <= metadata["labels"].items()
        ]
        assert any(set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"} for policy in matching), name
        assert len(matching) >= 2, f"{name} has no policy of its own"
