"""How kopf reaches the API server: with the trust that the rest of the operator has."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, fields
from typing import Any

import kopf

from talk_kit.cluster_trust import trusting_cluster


@dataclass(frozen=True, kw_only=True)
class Connection(kopf.ConnectionInfo):
    """kopf's own, but for the form of the authority's certificate."""

    def as_ssl_context(self) -> ssl.SSLContext:
        context = super().as_ssl_context()
        trusting_cluster(context)
        return context


async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """A pod's own account, or KUBECONFIG."""
    found = kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
    if found is None:
        return None
    return Connection(**{field.name: getattr(found, field.name) for field in fields(kopf.ConnectionInfo)})
