"""Where a TalkAgent may send its model's requests, and the key that goes with them. Pure: no name is resolved here.

A name that resolves to a refused address is held by the agent's NetworkPolicy: its 443 leads to public addresses only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

Address = IPv4Address | IPv6Address

# The API server by its names, and the metadata service of clouds.
NEVER = ("kubernetes.default", "metadata.google.internal", "instance-data.ec2.internal", "metadata.azure.internal")
_LABEL = re.compile(r"[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?")
# What resolvers read as IPv4 though it is no dotted quad: a last label that is a number, also 0x.. and octal.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")


class Target(NamedTuple):
    """A base URL taken apart. `host` is lower case and without the cluster's domain; `address` where it is one."""

    scheme: str
    host: str
    address: Address | None
    port: int
    path: str


def refused(url: str, namespace: str, allowed: Sequence[str], own: Sequence[str], never: Sequence[str]) -> str | None:
    """Why an author of `namespace` may not use this URL; None where they may.

    `own` are the platform's base URLs, whose servers are allowed; `never` hosts and addresses of Talk and the cluster.
    `allowed` are base URLs that others must begin with, with `*.` for a host's first labels; where it is empty, https
    to any public name or address and every Service of the cluster are.
    """
    try:
        target = parse(url, namespace)
    except ValueError as error:
        return str(error)
    if _is_never(target, {_host(each, namespace) for each in (*NEVER, *never)}):
        return f"{target.host} is never allowed: it is this machine, link-local, the API server or Talk's own."
    if any(_same_server(target, parse(each, namespace)) for each in own):
        return None
    if allowed:
        return None if any(_begins(target, each, namespace) for each in allowed) else "agentDefaults.baseURLs lacks it."
    if target.address is not None:
        return None if target.scheme == "https" and target.address.is_global else _PRIVATE
    in_cluster = target.host.endswith(".svc")
    return None if in_cluster or target.scheme == "https" else _PLAIN


_PRIVATE = "a private address, or plain http: the platform allows it by agentDefaults.baseURLs."
_PLAIN = "plain http out of the cluster: use https, or the platform allows it by agentDefaults.baseURLs."


def author_urls(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and base URL of each model of a spec as it was written."""
    model: Mapping[str, Any] = spec.get("model") or {}
    if url := model.get("baseURL"):
        yield "spec.model.baseURL", url
    for index, each in enumerate(model.get("fallbacks") or ()):
        if url := each.get("baseURL"):
            yield f"spec.model.fallbacks[{index}].baseURL", url


def parse(url: str, namespace: str) -> Target:
    """The URL's parts. ValueError, in words for its author, for what two readers could take for two places."""
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        raise ValueError("it has characters that URLs do not; write a name of another script as xn--...")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("it is no URL.") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
        raise ValueError("it is no http:// or https:// URL.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("it has a user, a query or a fragment.")
    if any(unquote(each) in (".", "..") for each in parts.path.split("/")):
        raise ValueError("its path has dots for a segment.")
    host = _host(parts.hostname, namespace)
    return Target(parts.scheme, host, _address(host), port or _DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))


def _host(raw: str, namespace: str) -> str:
    """One spelling for each host: `vllm`, `vllm.models` and `vllm.models.svc.cluster.local.` are Services."""
    host = raw.lower().strip("[]")
    if ":" in host:
        return host
    host = host.removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return host
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("its host is no name and no address.")
    if labels[-3:] == ["svc", "cluster", "local"]:
        labels = labels[:-2]
    if host == "localhost" or labels[-1] in ("svc", "localhost"):
        return ".".join(labels)
    if len(labels) == 1:
        return f"{host}.{namespace}.svc"
    return host


def _address(host: str) -> Address | None:
    """ValueError for what only some readers take for an address, such as 0x7f.1, 2130706433 and fe80::1%eth0."""
    if ":" not in host and not _NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
        return None
    if "%" in host:
        raise ValueError("its address names a network interface.")
    try:
        return _inner(ip_address(host))
    except ValueError:
        raise ValueError("its address is not written as four decimal numbers, or as IPv6.") from None


def _inner(address: Address) -> Address:
    """The IPv4 address within an IPv6 one that leads there."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _is_never(target: Target, never: set[str]) -> bool:
    host, address = target.host, target.address
    if address is not None:
        local = address.is_link_local or address.is_loopback or address.is_unspecified or address.is_multicast
        return local or address in _addresses(never)
    service = host.removesuffix(".svc")
    return host.split(".")[-1] == "localhost" or bool({host, service, f"{service}.svc"} & never)


def _addresses(hosts: set[str]) -> set[Address]:
    return {found for host in hosts if (found := _address(host)) is not None}


def _same_server(one: Target, other: Target) -> bool:
    return one[:4] == other[:4]


def _begins(target: Target, allowed: str, namespace: str) -> bool:
    scheme, _, rest = allowed.partition("://")
    wildcard = rest.startswith("*.")
    base = parse(f"{scheme}://{rest.removeprefix('*.')}", namespace)
    hosts = target.host.endswith(f".{base.host}") if wildcard else target.host == base.host
    place = f"{target.path}/".startswith(f"{base.path}/")
    return hosts and place and (target.scheme, target.port) == (base.scheme, base.port)
