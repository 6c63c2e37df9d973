"""The agent's NetworkPolicy: nobody but the declared flows.

in:   gateway, operator -> http;  Prometheus -> metrics      (the chart's rules)
out:  DNS;  Redis, gateway, talk-local (the chart's rules);  where the models are;  443 on public addresses
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from talk_operator.config import Config, Object
from talk_operator.render.identity import selector

# RFC 1918, RFC 6598, loopback, link-local (the metadata service of clouds), unique local.
PRIVATE_V4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
)
PRIVATE_V6 = ("::1/128", "fc00::/7", "fe80::/10")
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def network_policy(name: str, namespace: str, spec: Mapping[str, Any], config: Config) -> Object:
    """The spec of the NetworkPolicy."""
    rules = [_dns(config), *config.networkPolicy.egress, *config.agentDefaults.get("egress", [])]
    for rule in (_public(443, config), *_models(namespace, spec, config)):
        if rule not in rules:
            rules.append(rule)
    return {
        "podSelector": {"matchLabels": selector(name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": config.networkPolicy.ingress,
        "egress": rules,
    }


def _dns(config: Config) -> Object:
    ports = [{"protocol": each, "port": port} for port in config.networkPolicy.dnsPorts for each in ("UDP", "TCP")]
    return {"ports": ports, **({"to": config.networkPolicy.dns} if config.networkPolicy.dns else {})}


def _public(port: int, config: Config) -> Object:
    """A port of every address that is no private one."""
    more = [ipaddress.ip_network(cidr) for cidr in config.networkPolicy.exceptCIDRs]
    v4 = list(dict.fromkeys([*PRIVATE_V4, *(str(net) for net in more if net.version == 4)]))
    v6 = list(dict.fromkeys([*PRIVATE_V6, *(str(net) for net in more if net.version == 6)]))
    return {
        "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": v4}}, {"ipBlock": {"cidr": "::/0", "except": v6}}],
        "ports": [{"protocol": "TCP", "port": port}],
    }


def _models(namespace: str, spec: Mapping[str, Any], config: Config) -> Iterator[Object]:
    model: Mapping[str, Any] = spec.get("model") or {}
    for each in (model, *(model.get("fallbacks") or ())):
        if url := each.get("baseURL"):
            yield from _to(url, namespace, config)


def _to(url: str, namespace: str, config: Config) -> Iterator[Object]:
    """Where a URL leads: a namespace of the cluster, an address, or the world.

    A Service's port is not its pods' port, which is what a policy sees: so the whole namespace. `vllm.models` may be a
    Service of the namespace `models` or a domain of two labels: it is taken for both.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if address := _address(host):
        block = {"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}
        yield {"to": [block], "ports": [{"protocol": "TCP", "port": port}]}
        return
    labels = host.removesuffix(".").removesuffix(".cluster.local").split(".")
    if labels[-1] == "svc" or len(labels) <= 2:
        target = labels[1] if len(labels) > 1 else namespace
        yield {"to": [{"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: target}}}]}
    if labels[-1] != "svc" and len(labels) > 1:
        yield _public(port, config)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
