"""What a spec that the API server took still cannot be: found before a pod is made that could only fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from talk_kit.talkagent.authors import refusals
from talk_kit.talkagent.names import INTERNAL_PREFIXES
from talk_operator.base_urls import author_urls, refused
from talk_operator.config import Config
from talk_operator.diagnose import Finding
from talk_operator.render.agent_file import references

_REASONS = {"image": "ImageRefused", "serviceAccountName": "ServiceAccountRefused"}


def blocking(agent: Mapping[str, Any], spec: Mapping[str, Any], config: Config) -> Finding | None:
    """Why a TalkAgent's effective spec is not rendered; None when it is. The objects that exist stay as they are.

    What its author has written may name nothing of Talk's own; the chart's defaults may, such as the CA of Redis.
    """
    if not (spec.get("model") or {}).get("name"):
        return Finding("ModelMissing", "spec.model.name is left out, and the chart's agentDefaults.model has no name.")
    written, meta = agent["spec"], agent["metadata"]
    for refusal in refusals(meta["name"], written, config.authors):
        return Finding(_REASONS[refusal.path[-1]], str(refusal))
    for kind, name, where in _referred(written):
        reserved = _reserved(config)[kind]
        if name.startswith(INTERNAL_PREFIXES) or name in reserved:
            return Finding("ReservedName", f"{where}: {kind} {name} is Talk's own; no TalkAgent may refer to it.")
    for where, url in author_urls(written):
        if why := refused(url, meta["namespace"], *_base_urls(config)):
            return Finding("BaseURLRefused", f"{where} {url}: {why}")
    return None


def _base_urls(config: Config) -> tuple[list[str], list[str], list[str]]:
    """What the platform allows, what it uses itself, and what nobody may use."""
    own = [url for _, url in author_urls(config.agentDefaults)]
    return list(config.agentDefaults.get("baseURLs") or ()), own, config.reserved.hosts


def _reserved(config: Config) -> dict[str, list[str]]:
    own = config.reserved
    return {"Secret": own.secrets, "ConfigMap": own.configMaps, "PersistentVolumeClaim": own.claims}


def _referred(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Kind, name and place of every Secret, ConfigMap and claim that the pod would get at."""
    for ref in references(spec):
        yield ref.kind, ref.name, "spec.model" if ref.kind == "Secret" else "spec.instructionFrom"
    pod: Mapping[str, Any] = spec.get("pod") or {}
    for secret in pod.get("imagePullSecrets") or ():
        yield "Secret", secret["name"], "spec.pod.imagePullSecrets"
    for variable in pod.get("env") or ():
        source = variable.get("valueFrom") or {}
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if field in source:
                yield kind, source[field]["name"], f"spec.pod.env {variable['name']}"
    for volume in pod.get("volumes") or ():
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"], f"spec.pod.volumes {volume['name']}"
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"], f"spec.pod.volumes {volume['name']}"
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            yield "PersistentVolumeClaim", claim, f"spec.pod.volumes {volume['name']}"
