"""What the chart says about agents: one file, read once. The operator's README shows it whole."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from talk_kit.settings import SettingsError
from talk_kit.talkagent.authors import Authors

Object = dict[str, Any]


@dataclass(frozen=True)
class NetworkPolicyConfig:
    """The flows that the chart declares, as rules of networking.k8s.io/v1."""

    enabled: bool = True
    dns: list[Object] = field(default_factory=list)
    dnsPorts: list[int] = field(default_factory=lambda: [53])  # noqa: N815 - as in the file
    ingress: list[Object] = field(default_factory=list)
    egress: list[Object] = field(default_factory=list)
    exceptCIDRs: list[str] = field(default_factory=list)  # noqa: N815 - as in the file


@dataclass(frozen=True)
class Reserved:
    """What no TalkAgent may refer to: Talk's own objects whose names have no prefix that says so, and as `hosts` of a
    base URL, Redis and the API server."""

    secrets: list[str] = field(default_factory=list)
    configMaps: list[str] = field(default_factory=list)  # noqa: N815 - as in the file
    claims: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SecretKey:
    """A key of a Secret."""

    name: str = ""
    key: str = "password"


@dataclass(frozen=True)
class Config:
    """The file, spelled as in it. `agentDefaults` has the fields of a spec, `endpointDelaySeconds`, `egress` and
    `baseURLs`."""

    image: str
    gatewayURL: str  # noqa: N815 - as in the file
    namespace: str = ""
    publicURL: str = ""  # noqa: N815
    imagePullPolicy: str = "IfNotPresent"  # noqa: N815
    imagePullSecrets: list[Object] = field(default_factory=list)  # noqa: N815
    identityConfigMap: str = ""  # noqa: N815
    redisSecret: SecretKey = field(default_factory=SecretKey)  # noqa: N815
    metricsPort: int = 9090  # noqa: N815
    env: list[Object] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    reserved: Reserved = field(default_factory=Reserved)
    authors: Authors = field(default_factory=Authors)
    networkPolicy: NetworkPolicyConfig = field(default_factory=NetworkPolicyConfig)  # noqa: N815
    agentDefaults: Object = field(default_factory=dict)  # noqa: N815

    def foreign(self, namespace: str) -> str:
        """The namespace itself where it is not the release's own, else nothing."""
        return "" if self.namespace in ("", namespace) else namespace

    def never(self, host: str) -> Config:
        """The same, with one more host that no base URL may lead to; an empty one is none."""
        hosts = [*self.reserved.hosts, host] if host else self.reserved.hosts
        return replace(self, reserved=replace(self.reserved, hosts=hosts))

    @property
    def endpoint_delay(self) -> int:
        """Seconds that a stopping agent still takes turns, until no endpoint names it."""
        return int(self.agentDefaults.get("endpointDelaySeconds", 5))


def read_config(path: Path) -> Config:
    """The configuration. Raises SettingsError with what is wrong in the file."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError([f"TALK_OPERATOR_CONFIG: {path}: {error}"]) from None
    return parse_config(data, str(path))


def parse_config(data: object, source: str = "configuration") -> Config:
    """The configuration of a parsed file; null counts as left out."""
    if not isinstance(data, dict):
        raise SettingsError([f"{source}: must be a mapping with image and gatewayURL"])
    problems = [*_unknown(data, Config, source)]
    for name in ("image", "gatewayURL"):
        if not isinstance(data.get(name), str) or not data[name]:
            problems.append(f"{source}: {name} is missing")
    nested = {
        "reserved": Reserved,
        "authors": Authors,
        "networkPolicy": NetworkPolicyConfig,
        "redisSecret": SecretKey,
    }
    values = {name: value for name, value in data.items() if value is not None}
    for name, cls in nested.items():
        if name in values:
            problems += _unknown(values[name], cls, f"{source}: {name}")
    if problems:
        raise SettingsError(problems)
    for name, cls in nested.items():
        if name in values:
            values[name] = cls(**{key: value for key, value in values[name].items() if value is not None})
    return Config(**values)


def _unknown(data: Mapping[str, object], cls: type[Any], source: str) -> list[str]:
    known = [each.name for each in fields(cls)]
    problems = []
    for name in data:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            problems.append(f"{source}: unknown field {name}" + (f"; did you mean {near[0]}?" if near else ""))
    return problems
