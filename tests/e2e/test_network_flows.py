"""Who reaches whom, asked from inside the pods: the flows that the policies declare, and no other."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from tests.e2e.cluster import Namespace, run, until
from tests.e2e.served import PORT, Served, api_server
from tests.e2e.workloads import scripted_model, talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

METADATA = "169.254.169.254"
# Asked at once; a policy drops or refuses, so both are `False`. Prints {name: reached}.
ASK = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
targets = json.loads(sys.argv[1])
def reached(target):
    try:
        socket.create_connection(target, timeout=3).close()
        return True
    except OSError:
        return False
with ThreadPoolExecutor(32) as pool:
    print(json.dumps(dict(zip(targets, pool.map(reached, targets.values())))))
"""
# Redis' image has no Python.
ASK_OF_BASH = 'timeout 3 bash -c "exec 3<>/dev/tcp/$0/$1" 2>/dev/null && echo reached || echo not'

REACHED = {
    "gateway": {"agent", "team agent", "redis", "local", "DNS", "API server", "API server's address"},
    "operator": {"agent", "team agent", "redis", "DNS", "API server", "API server's address"},
    # The metrics too: its default model is a Service of this namespace, and a policy sees pods, not Services.
    "agent": {"gateway", "gateway's metrics", "redis", "local", "DNS"},
    "team agent": {"gateway", "redis", "local", "DNS", "team's own model"},
    "local": set(),
    "redis": set(),
}


@pytest.fixture(scope="module")
def pods(served: Served) -> dict[str, tuple[Namespace, Any]]:
    """A pod of each room, one of the team's agents and one of nobody's."""
    served.team.apply(*scripted_model())
    url = f"http://model.{served.team.name}.svc:8000/v1"
    served.team.apply(talk_agent("insider", "Be brief.", url))
    served.team.kubectl("wait", "--for=condition=Ready", "talkagent/insider", "--timeout=180s")
    room = "app.kubernetes.io/instance=talk,app.kubernetes.io/component="
    chosen = {name: (served.release, f"{room}{name}") for name in ("gateway", "operator", "redis", "local")}
    chosen["agent"] = (served.release, "talk.dwani.ai/agent=assistant")
    chosen["team agent"] = (served.team, "talk.dwani.ai/agent=insider")
    chosen["outsider"] = (served.outside, "app=outsider")
    return {name: (space, space.pod(selector)) for name, (space, selector) in chosen.items()}


@pytest.fixture(scope="module")
def metadata_port() -> Iterator[int]:
    """A server at the address of a cloud's metadata service, on the port that agents may use elsewhere.

    Where that address is this machine's, so that "not reached" has its opposite; elsewhere the cloud's own port.
    """
    try:
        server = socket.create_server((METADATA, 443))
    except OSError:
        yield 80
        return
    with server:
        thread = threading.Thread(target=_accept, args=(server,), name="metadata", daemon=True)
        thread.start()
        yield 443
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


@pytest.fixture(scope="module")
def targets(pods: dict[str, tuple[Namespace, Any]], served: Served, metadata_port: int) -> dict[str, tuple[str, int]]:
    """Addresses by name. Pods' own: with a Service in front, a policy sees the same."""
    at = {name: pod["status"]["podIP"] for name, (_, pod) in pods.items()}
    services = json.loads(run("kubectl", "get", "services", "-A", "-o", "json"))["items"]
    cluster_ip = {(s["metadata"]["namespace"], s["metadata"]["name"]): s["spec"].get("clusterIP") for s in services}
    model = served.team.pod("app=model")["status"]["podIP"]
    dns = next(ip for (_, name), ip in cluster_ip.items() if name == "kube-dns")
    return {
        "gateway": (at["gateway"], 8080),
        "gateway's metrics": (at["gateway"], 9090),
        "agent": (at["agent"], 8081),
        "team agent": (at["team agent"], 8081),
        "redis": (at["redis"], 6379),
        "local": (at["local"], 8090),
        "operator": (at["operator"], 8080),
        "outsider": (at["outsider"], PORT),
        "team's own model": (model, 8000),
        "DNS": (dns, 53),
        "API server": (cluster_ip["default", "kubernetes"], 443),
        "API server's address": api_server()[0],
        "metadata": (METADATA, metadata_port),
    }


def reached(space: Namespace, pod: Any, targets: dict[str, tuple[str, int]]) -> set[str]:
    """Names of the targets that take a connection from the pod."""
    name = pod["metadata"]["name"]
    if "redis" in name:
        said = {
            target: space.kubectl("exec", name, "--", "sh", "-c", ASK_OF_BASH, address, str(port)).strip()
            for target, (address, port) in targets.items()
        }
        return {target for target, words in said.items() if words == "reached"}
    answers = json.loads(space.python(name, ASK, json.dumps(targets)))
    return {target for target, yes in answers.items() if yes}


@pytest.mark.parametrize("source", REACHED)
def test_a_pod_reaches_what_its_policy_declares_and_nothing_else(
    source: str, pods: dict[str, tuple[Namespace, Any]], targets: dict[str, tuple[str, int]]
) -> None:
    others = {name: address for name, address in targets.items() if not name.startswith(source)}
    assert reached(*pods[source], others) == REACHED[source]


def test_a_pod_of_nobody_reaches_the_gateway_and_metrics_alone(
    pods: dict[str, tuple[Namespace, Any]], targets: dict[str, tuple[str, int]]
) -> None:
    """It has no policy, so this also shows that each address answers whoever may ask."""
    seen = reached(*pods["outsider"], targets)
    ours = {"gateway", "gateway's metrics", "agent", "team agent", "redis", "local", "operator"}
    assert seen & ours == {"gateway", "gateway's metrics"}
    assert {"DNS", "API server", "API server's address", "outsider", "team's own model"} <= seen
    assert ("metadata" in seen) or targets["metadata"][1] == 80


@contextmanager
def allowed(space: Namespace, selector: dict[str, str]) -> Iterator[None]:
    """A policy of somebody's that lets these pods out to everywhere."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open"},
        "spec": {"podSelector": {"matchLabels": selector}, "policyTypes": ["Egress"], "egress": [{}]},
    }
    space.apply(policy)
    try:
        yield
    finally:
        space.kubectl("delete", "networkpolicy", "open")


def test_an_agent_reaches_more_when_a_policy_says_so(
    served: Served, pods: dict[str, tuple[Namespace, Any]], targets: dict[str, tuple[str, int]]
) -> None:
    more = {name: targets[name] for name in ("API server", "API server's address", "outsider", "metadata")}
    if targets["metadata"][1] == 80:
        del more["metadata"]
    with allowed(served.release, {"talk.dwani.ai/agent": "assistant"}):
        until("all is reached", lambda: reached(*pods["agent"], more) == set(more) or None, 30)
    until("nothing is reached", lambda: not reached(*pods["agent"], more) or None, 30)


def test_the_agents_policy_has_dns_on_the_ports_of_the_values(served: Served) -> None:
    rules = served.release.get("networkpolicy", "talkagent-assistant")["spec"]["egress"]
    dns = [rule for rule in rules if any(port["port"] == 53 for port in rule.get("ports", []))]
    assert [[(each["protocol"], each["port"]) for each in rule["ports"]] for rule in dns] == [
        [("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353)]
    ]


@pytest.mark.parametrize("room", ["gateway", "operator"])
def test_the_way_to_the_api_server_leads_to_private_addresses_and_to_itself(room: str, served: Served) -> None:
    """The gateway and the operator are ready, so it is right; `metadata` above is a foreign 443 that is not reached."""
    rules = served.release.get("networkpolicy", f"talk-{room}")["spec"]["egress"]
    (rule,) = [rule for rule in rules if {6443, 443} <= {port["port"] for port in rule["ports"]}]
    networks = [ip_network(peer["ipBlock"]["cidr"]) for peer in rule["to"]]
    own = {ip_network(address) for address, _ in api_server()}
    assert own <= set(networks)
    wide = [each for each in networks if each.num_addresses > 1]
    assert wide
    assert all(not each.is_global and not each.is_link_local for each in wide)
    assert {port for _, port in api_server()} <= {port["port"] for port in rule["ports"]}


TOKEN = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io/serviceaccount/token'))"


@pytest.mark.parametrize(
    ("room", "token"),
    [("gateway", True), ("operator", True), ("agent", False), ("team agent", False), ("local", False)],
)
def test_only_who_asks_the_api_has_a_token(room: str, token: bool, pods: dict[str, tuple[Namespace, Any]]) -> None:
    space, pod = pods[room]
    assert space.python(pod["metadata"]["name"], TOKEN).strip() == str(token)


def test_redis_has_no_token(pods: dict[str, tuple[Namespace, Any]]) -> None:
    space, pod = pods["redis"]
    path = "/var/run/secrets/kubernetes.io/serviceaccount"
    said = space.kubectl("exec", pod["metadata"]["name"], "--", "sh", "-c", f"test -e {path} && echo yes || echo no")
    assert said.strip() == "no"
