"""Where an agent may call: what its models need, and no private address beside."""

from __future__ import annotations

from typing import Any

import pytest

from talk_operator.config import parse_config
from talk_operator.render.network import NAMESPACE_LABEL, network_policy

CONFIG = parse_config({"image": "a", "gatewayURL": "http://gw", "networkPolicy": {"exceptCIDRs": ["203.0.113.0/24"]}})


def egress(*urls: str) -> list[dict[str, Any]]:
    first, *rest = urls
    model = {"name": "openai/a", "baseURL": first, "fallbacks": [{"name": "openai/b", "baseURL": url} for url in rest]}
    rules: list[dict[str, Any]] = network_policy("a", "talk", {"model": model}, CONFIG)["egress"]
    return rules[1:]  # without DNS


def namespaces(rules: list[dict[str, Any]]) -> set[str]:
    peers = [peer for rule in rules for peer in rule["to"] if "namespaceSelector" in peer]
    return {peer["namespaceSelector"]["matchLabels"][NAMESPACE_LABEL] for peer in peers}


def ports(rules: list[dict[str, Any]]) -> set[int]:
    return {port["port"] for rule in rules for port in rule.get("ports", [])}


@pytest.mark.parametrize(
    ("url", "spaces", "also"),
    [
        ("http://vllm.models.svc:8000/v1", {"models"}, {443}),
        ("http://vllm.models.svc.cluster.local:8000/v1", {"models"}, {443}),
        ("http://vllm:8000/v1", {"talk"}, {443}),
        ("http://vllm.models:8000/v1", {"models"}, {443, 8000}),
        ("https://api.openai.com/v1", set(), {443}),
        ("https://llm.example.com:8443/v1", set(), {443, 8443}),
        ("http://10.1.2.3:8000/v1", set(), {443, 8000}),
        ("http://[fd00::1]:8000/v1", set(), {443, 8000}),
    ],
)
def test_where_a_url_leads(url: str, spaces: set[str], also: set[int]) -> None:
    rules = egress(url)
    assert namespaces(rules) == spaces
    assert ports(rules) == also


def test_a_private_address_is_only_itself() -> None:
    blocks = [peer["ipBlock"] for rule in egress("http://10.1.2.3:8000/v1") for peer in rule["to"]]
    assert blocks[-1] == {"cidr": "10.1.2.3/32"}
    assert {"169.254.0.0/16", "10.0.0.0/8", "203.0.113.0/24"} <= set(blocks[0]["except"])


def test_one_destination_is_one_rule() -> None:
    assert egress("https://a.example.com/v1", "https://b.example.com/v1") == egress("https://c.example.com/v1")


def test_dns_answers_on_the_ports_that_the_chart_names() -> None:
    peers: list[Any] = [{"namespaceSelector": {}}]
    config = parse_config({"image": "a", "gatewayURL": "b", "networkPolicy": {"dns": peers, "dnsPorts": [53, 5353]}})
    rule = network_policy("a", "talk", {}, config)["egress"][0]
    assert rule["to"] == peers
    assert [(each["protocol"], each["port"]) for each in rule["ports"]] == [
        ("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353),
    ]  # fmt: skip
