"""The kinds that the operator reads and writes, in the order they are applied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lightkube.generic_resource import create_namespaced_resource

from talk_kit.talkagent.schema import API_VERSION, KIND

AGENT_LABEL = "talk.dwani.ai/agent"
PART_OF_LABEL = "app.kubernetes.io/part-of"
PART_OF = "talk"
FIELD_MANAGER = "talk-operator"


@dataclass(frozen=True)
class Kind:
    """A kind of the API. `selector` is the label selector of its watch; None takes all."""

    api_version: str
    name: str
    plural: str
    selector: str | None = AGENT_LABEL

    @property
    def group(self) -> str:
        """The API group; the core's is empty."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version within the group."""
        return self.api_version.rpartition("/")[2]

    @cached_property
    def resource(self) -> Any:
        """The class that lightkube knows it by: its objects are plain dicts."""
        return create_namespaced_resource(self.group, self.version, self.name, self.plural)

    @property
    def head(self) -> dict[str, str]:
        """How an object of it begins."""
        return {"apiVersion": self.api_version, "kind": self.name}


TALK_AGENT = Kind(API_VERSION, KIND, "talkagents", selector=None)
POD = Kind("v1", "Pod", "pods")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
# The ConfigMap of the chart's `agents:` and the gateway's autoscaler are of no agent: they are watched by the label
# that they share with the others.
_ANY = f"{PART_OF_LABEL}={PART_OF}"
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps", selector=_ANY)
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
SERVICE = Kind("v1", "Service", "services")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
POD_DISRUPTION_BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", selector=_ANY)

# A pod is not started before what it reads and what bounds it is there.
CHILDREN = (SERVICE_ACCOUNT, CONFIG_MAP, NETWORK_POLICY, SERVICE, DEPLOYMENT, POD_DISRUPTION_BUDGET, AUTOSCALER)
WATCHED = (TALK_AGENT, *CHILDREN, POD)
BY_NAME = {kind.name: kind for kind in WATCHED}
EVENT = Kind("v1", "Event", "events")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
