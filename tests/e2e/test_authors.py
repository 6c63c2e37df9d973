"""What authors may ask for, at the API server: its policy says what the operator's own function says of each case."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from talk_kit.talkagent.authors import image_allowed
from tests.e2e.cluster import Namespace, run, until
from tests.e2e.served import Served, asked
from tests.e2e.workloads import talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

CASES = [(case, True) for case in asked()["allowed"]] + [(case, False) for case in asked()["refused"]]
REFUSED: dict[str, str] = asked()["refused"][0]
JOINTS = re.compile(r"(?<=[/:@.])|(?=[/:@.])")
REFUSED_BY_THE_SCHEMA = ("talkagent-another", "talkagent-")


def agent(number: int, case: dict[str, str]) -> dict[str, Any]:
    """The case as a TalkAgent; its own account is that of its name."""
    name, url = f"case-{number}", case.get("baseURL", "http://model:8000/v1")
    own = {field: value.replace("talkagent-asks", f"talkagent-{name}") for field, value in case.items()}
    own.pop("baseURL", None)
    return talk_agent(name, "Be brief.", url, **({"pod": own} if "serviceAccountName" in own else own))


def created(space: Namespace, agents: list[dict[str, Any]]) -> tuple[set[str], str]:
    """Names of those that the API server would take, and what it says of the others."""
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": agents})
    command = ["kubectl", "-n", space.name, "create", "--dry-run=server", "-o", "name", "-f", "-"]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)
    return {line.rpartition("/")[2] for line in done.stdout.split()}, done.stderr


def test_the_policy_and_the_operator_agree_on_every_case(served: Served) -> None:
    taken, said = created(served.team, [agent(number, case) for number, (case, _) in enumerate(CASES)])
    assert taken == {f"case-{number}" for number, (_, allowed) in enumerate(CASES) if allowed}, said
    for number, (case, allowed) in enumerate(CASES):
        ((field, value),) = case.items()
        if allowed or value in REFUSED_BY_THE_SCHEMA:
            continue
        (line,) = [line for line in said.splitlines() if f'"case-{number}"' in line]
        if field == "baseURL":
            assert f"denied request: spec.model {value}: this machine, link-local addresses and" in line
            continue
        where = "spec.image" if field == "image" else f"spec.pod.{field}"
        assert f"denied request: {where} {value}: the platform does not allow this " in line
        assert f"Ask whoever runs Talk here to add it to authors.{field}s." in line


def mutants(seed: int, count: int) -> list[str]:
    """Images that are nearly allowed: pieces of the allowed ones, joined, swapped, doubled and cut."""
    chance = random.Random(seed)
    pieces = sorted({part for image in asked()["images"] for part in JOINTS.split(image)} | {"A"})
    made: set[str] = set()
    while len(made) < count:
        base = JOINTS.split(chance.choice(asked()["images"]))
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(base) + 1)
            base[at : at + chance.randrange(2)] = [chance.choice(pieces) for _ in range(chance.randrange(3))]
        image = "".join([*base, chance.choice(["", "/agent", ":1.2", "@sha256:" + "b" * 32])])
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", image) and len(image) <= 512:
            made.add(image)
    return sorted(made)


def test_the_policy_and_the_operator_agree_on_what_nobody_thought_of(served: Served) -> None:
    seed = random.SystemRandom().randrange(2**32)
    images = mutants(seed, 200)
    allowed = {f"case-{number}" for number, each in enumerate(images) if image_allowed(each, asked()["images"])}
    assert 5 < len(allowed) < 195, seed
    taken, _ = created(served.team, [agent(number, {"image": each}) for number, each in enumerate(images)])
    assert not [images[int(name.removeprefix("case-"))] for name in taken ^ allowed], seed


def test_a_namespace_that_the_release_does_not_serve_is_left_alone(served: Served) -> None:
    assert created(served.release, [agent(0, REFUSED)])[0] == set()
    assert created(served.outside, [agent(0, REFUSED)])[0] == {"case-0"}


@pytest.fixture
def also_outside(served: Served) -> Iterator[Namespace]:
    """The namespace that no release serves, with an agent of a refused image that was there before the policy."""
    ((_, image),) = REFUSED.items()
    served.outside.apply(talk_agent("kept", "Be brief.", "http://model:8000/v1", image=image))
    (policy,) = [name for name in policies() if name == f"talk.{served.release.name}.authors"]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": served.outside.name}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{served.outside.name}.authors"},
        "spec": {
            "policyName": policy,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
    served.outside.apply(binding)
    try:
        yield served.outside
    finally:
        run("kubectl", "delete", "validatingadmissionpolicybinding", f"{served.outside.name}.authors")
        served.outside.kubectl("delete", "talkagent", "kept")


def policies() -> list[str]:
    return run("kubectl", "get", "validatingadmissionpolicies", "-o", "jsonpath={.items[*].metadata.name}").split()


def test_what_an_agent_has_already_is_not_refused_again(also_outside: Namespace) -> None:
    another = agent(0, {"image": "evil.example/another:1"})
    until("the policy holds", lambda: not created(also_outside, [another])[0] or None, 30)
    patch = ["patch", "talkagent", "kept", "--type=merge", "--dry-run=server", "-p"]
    assert "patched" in also_outside.kubectl(*patch, json.dumps({"spec": {"description": "Another."}}))
    assert "patched" not in also_outside.kubectl(*patch, json.dumps({"spec": another["spec"]}), check=False)
