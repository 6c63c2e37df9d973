"""The spec as it holds: what the author wrote, over the chart's `agentDefaults`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talk_operator.config import Object

_NO_SPEC = ("endpointDelaySeconds", "egress", "baseURLs")
# Lists of these are joined: an author's wish does not take away what the platform wants of every pod.
_JOINED = ("tolerations", "imagePullSecrets", "env", "volumes", "volumeMounts")
_KEY = {"env": "name", "volumes": "name", "volumeMounts": "mountPath"}


def effective(spec: Mapping[str, Any], defaults: Mapping[str, Any]) -> Object:
    """The whole spec. The default key goes to the default provider at the default URL, and nowhere else."""
    own = {
        name: value for name, value in defaults.items() if name not in ("endpointDelaySeconds", "egress", "baseURLs")
    }
    if "replicas" in spec or "autoscaling" in spec:
        own.pop("replicas", None)
        own.pop("autoscaling", None)
    model, pod = own.pop("model", None) or {}, own.pop("pod", None) or {}
    merged = _merged(own, spec)
    merged.pop("model", None)
    chosen = _model(spec.get("model") or {}, model)
    if chosen:
        merged["model"] = chosen
    if pod or "pod" in spec:
        merged["pod"] = _pod(pod, spec.get("pod") or {})
    return merged


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    made = dict(below)
    for name, value in above.items():
        beneath = made.get(name)
        both = isinstance(beneath, dict) and isinstance(value, dict)
        made[name] = _merged(beneath, value) if both else value  # type: ignore[arg-type]
    return made


def _model(own: Mapping[str, Any], defaults: Mapping[str, Any]) -> Object:
    name = own.get("name") or defaults.get("name")
    if not name:
        return {}
    inherited = {k: v for k, v in defaults.items() if k not in ("name", "baseURL", "apiKeySecretRef", "fallbacks")}
    made = {**inherited, **own, **_where({**own, "name": name}, defaults)}
    fallbacks = own.get("fallbacks", defaults.get("fallbacks") if "name" not in own else None)
    if fallbacks:
        made["fallbacks"] = [{**each, **_where(each, defaults)} for each in fallbacks]
    return made


def _where(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> Object:
    """Name, URL and key of a model."""
    made = {"name": str(model["name"])}
    same = _provider(made["name"]) == _provider(str(defaults.get("name", made["name"])))
    url = model.get("baseURL") or (defaults.get("baseURL") if same else None)
    key = model.get("apiKeySecretRef")
    if key is None and same and _same_url(url, defaults.get("baseURL")):
        key = defaults.get("apiKeySecretRef")
    return made | ({"baseURL": url} if url else {}) | ({"apiKeySecretRef": key} if key else {})


def _provider(name: str) -> str:
    return name.split("/", 1)[0] if "/" in name else "openai"


def _same_url(one: str | None, other: str | None) -> bool:
    return (one or "").rstrip("/") == (other or "").rstrip("/")


def _pod(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    made = _merged(below, above)
    for name in _JOINED:
        if name in below and name in above:
            taken = {each.get(_KEY[name]) for each in above[name]} if name in _KEY else set()
            kept = [each for each in below[name] if name not in _KEY or each.get(_KEY[name]) not in taken]
            made[name] = [*kept, *(each for each in above[name] if each not in kept)]
    return made
