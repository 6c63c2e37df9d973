"""Writes docs/reference/reach.md: who may reach what, of the chart as it is rendered with its defaults.

    python -m scripts.reach_reference           writes it (needs helm on PATH)
    python -m scripts.reach_reference --check   fails where it differs

The agent is what the operator makes of the TalkAgent below with the configuration that the same chart gives it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from talk_operator.config import parse_config
from talk_operator.render import render

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/reach.md"
NAMESPACE = "talk"
KUBERNETES = "1.34.0"
Object = dict[str, Any]
AGENT: Object = {
    "apiVersion": "talk.dwani.ai/v1alpha1",
    "kind": "TalkAgent",
    "metadata": {"name": "examiner", "namespace": NAMESPACE, "uid": "0"},
    "spec": {
        "instruction": "You hold an oral exam.",
        "model": {"name": "openai/gpt-4.1-mini", "apiKeySecretRef": {"name": "openai", "key": "apiKey"}},
    },
}
HEAD = """# Who may reach what

The chart with its defaults as the release `talk` in the namespace `talk`, and one TalkAgent, `examiner`, whose model is
`openai/gpt-4.1-mini` with its key in the Secret `openai`. Written by `make reference` from the rendered objects, so it
is what is installed; your values may add to it. [Secure Talk](../how-to/secure.md) says why.
"""
CONNECTIONS = """\
All else is denied both ways, by the policy `talk-default-deny` and by each agent's own. A connection within the release
needs both sides: a row `out` of the one who asks, and a row `in` of the other. DNS is UDP and TCP 53 and 5353 at any
pod of the cluster. The rows to **any address** on 443 and 6443 are the API server as `helm template` renders them, for
it cannot ask where that is: an install with `networkPolicy.apiServer.lookup` (where `crds.install` is) has the API
server's addresses and private ranges there, nothing public beside.
"""


def objects() -> list[Object]:
    """What the chart makes, and what the operator makes of the agent."""
    program = shutil.which("helm")
    if program is None:
        raise SystemExit("helm is not on PATH; `make tools` finds or brings it")
    command = ["template", "--kube-version", KUBERNETES, "--namespace", NAMESPACE, "talk", str(ROOT / "charts/talk")]
    text = subprocess.run([program, *command], capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S603 - our own words
    made = [each for each in yaml.safe_load_all(text) if each]
    (given,) = [each for each in made if _is(each, "ConfigMap", "talk-operator")]
    config = replace(parse_config(yaml.safe_load(given["data"]["operator.yaml"])), namespace=NAMESPACE)
    return [*made, *render(AGENT, config)]


def _is(each: Object, kind: str, name: str) -> bool:
    return (each["kind"], each["metadata"]["name"]) == (kind, name)


class Pod(NamedTuple):
    """A pod that runs all the time, or for a moment."""

    room: str
    labels: Object
    spec: Object


def pods(made: list[Object]) -> list[Pod]:
    """Every pod and pod template."""
    found = []
    for each in made:
        spec = each["spec"] if each["kind"] == "Pod" else (each.get("spec") or {}).get("template", {}).get("spec")
        if spec and each["kind"] in ("Pod", "Deployment", "StatefulSet"):
            labels = (each if each["kind"] == "Pod" else each["spec"]["template"])["metadata"]["labels"]
            found.append(Pod(_room(labels), labels, spec))
    return found


def _room(labels: Object) -> str:
    if agent := labels.get("talk.dwani.ai/agent"):
        return f"agent {agent}"
    room = str(labels["app.kubernetes.io/component"])
    return "helm test" if room == "test" else room


def accounts(made: list[Object]) -> Iterator[list[str]]:
    """Pod, account, whether its token is in the pod."""
    for pod in pods(made):
        account = pod.spec.get("serviceAccountName", "default")
        yield [pod.room, f"`{account}`", "yes" if pod.spec.get("automountServiceAccountToken", True) else "no"]


def verbs(made: list[Object]) -> Iterator[list[str]]:
    """Account, resources, verbs and the scope of each rule that is bound to it."""
    rules = {(each["kind"], each["metadata"]["name"]): each["rules"] for each in made if "rules" in each}
    for binding in made:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        scope = f"namespace `{binding['metadata']['namespace']}`" if binding["kind"] == "RoleBinding" else "cluster"
        for subject in binding["subjects"]:
            for rule in rules[binding["roleRef"]["kind"], binding["roleRef"]["name"]]:
                names = [_resource(group, each) for group in rule["apiGroups"] for each in rule["resources"]]
                yield [f"`{subject['name']}`", ", ".join(names), ", ".join(rule["verbs"]), scope]


def _resource(group: str, name: str) -> str:
    return f"`{name}.{group}`" if group else f"`{name}`"


def flows(made: list[Object]) -> Iterator[list[str]]:
    """From, to, port and which side's policy says so."""
    known = pods(made)
    for policy in made:
        if policy["kind"] != "NetworkPolicy":
            continue
        selector = policy["spec"]["podSelector"].get("matchLabels", {})
        chosen = [pod.room for pod in known if selector.items() <= pod.labels.items()]
        if not policy["spec"].get("ingress") and not policy["spec"].get("egress"):
            continue
        for direction, key in (("out", "to"), ("in", "from")):
            for rule in policy["spec"].get({"out": "egress", "in": "ingress"}[direction], []):
                others = [_peer(peer, known) for peer in rule.get(key, [])] or ["**any address**"]
                for room in chosen:
                    for other in dict.fromkeys(others):
                        ends = [room, other] if direction == "out" else [other, room]
                        yield [*ends, _ports(rule), direction]


def _peer(peer: Object, known: list[Pod]) -> str:
    if block := peer.get("ipBlock"):
        public = block["cidr"] in ("0.0.0.0/0", "::/0")
        return "public addresses" if public and block.get("except") else f"`{block['cidr']}`"
    selector = peer.get("podSelector")
    if selector is None:
        space = peer["namespaceSelector"].get("matchLabels", {})
        return f"namespace `{next(iter(space.values()))}`" if space else "any pod of the cluster"
    if "matchExpressions" in selector:
        return "every agent"
    found = [pod.room for pod in known if selector["matchLabels"].items() <= pod.labels.items()]
    return found[0] if found else str(selector["matchLabels"].get("app.kubernetes.io/component", "other pods"))


def _ports(rule: Object) -> str:
    by_port: dict[str, list[str]] = {}
    for each in rule.get("ports", []):
        by_port.setdefault(str(each.get("port", "any")), []).append(each.get("protocol", "TCP"))
    named = {"http": "8081", "metrics": "9090"}
    return ", ".join(f"{'/'.join(protocols)} {named.get(port, port)}" for port, protocols in by_port.items()) or "any"


def secrets(made: list[Object]) -> Iterator[list[str]]:
    """Secret, key, pod and how it gets there."""
    for pod in pods(made):
        first = pod.spec.get("initContainers", [])
        for container in [*first, *pod.spec["containers"]]:
            where = f"environment of the init container `{container['name']}`" if container in first else "environment"
            for variable in container.get("env", []):
                if ref := variable.get("valueFrom", {}).get("secretKeyRef"):
                    yield [f"`{ref['name']}`", f"`{ref['key']}`", pod.room, f"{where}, `{variable['name']}`"]
            for source in container.get("envFrom", []):
                if "secretRef" in source:
                    yield [f"`{source['secretRef']['name']}`", "all", pod.room, where]
        for volume in pod.spec.get("volumes", []):
            yield from _mounted(volume, pod.room)
        for each in pod.spec.get("imagePullSecrets", []):
            yield [f"`{each['name']}`", "", pod.room, "the kubelet pulls with it"]


def _mounted(volume: Object, room: str) -> Iterator[list[str]]:
    own = [{**volume["secret"], "name": volume["secret"]["secretName"]}] if "secret" in volume else []
    projected = [each["secret"] for each in volume.get("projected", {}).get("sources", []) if "secret" in each]
    for each in (*own, *projected):
        keys = ", ".join(f"`{item['key']}`" for item in each.get("items", [])) or "all"
        yield [f"`{each['name']}`", keys, room, "file"]


def table(head: str, rows: Iterator[list[str]]) -> str:
    """A Markdown table without repeated rows."""
    names = head.split(" | ")
    lines = [f"| {head} |", f"|{' --- |' * len(names)}"]
    return "\n".join([*lines, *dict.fromkeys(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def page(made: list[Object]) -> str:
    """The page."""
    flow_rows = sorted(flows(made), key=lambda row: row[3] != "out")
    return f"""{HEAD}
## What the Kubernetes API lets them do
No account has a verb on Secrets. What has no row in the second table may do nothing there.

{table("pod | ServiceAccount | its token is in the pod", accounts(made))}
{table("ServiceAccount | resources | verbs | where", verbs(made))}
## Who connects to whom
{CONNECTIONS}
{table("from | to | port | the policy of", _sides(flow_rows))}
## Who has which Secret
{table("Secret | key | pod | how", secrets(made))}"""


def _sides(rows: list[list[str]]) -> Iterator[list[str]]:
    for start, end, port, direction in rows:
        yield [start, end, port, "the one who asks (`out`)" if direction == "out" else "the one who is asked (`in`)"]


def main() -> int:
    """Writes or checks."""
    made = page(objects())
    if "--check" not in sys.argv:
        PAGE.write_text(made, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != made:
        print("docs/reference/reach.md is not what the chart renders; run `make reference`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
