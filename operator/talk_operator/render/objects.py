"""A TalkAgent to its objects: pure, the same input gives the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talk_operator.config import Config, Object
from talk_operator.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from talk_operator.render.agent_file import agent_file
from talk_operator.render.effective import effective
from talk_operator.render.identity import child, selector
from talk_operator.render.network import network_policy
from talk_operator.render.pod import PORT, pod_template
from talk_operator.render.workload import autoscaler, deployment, disruption_budget, scale


def render(agent: Mapping[str, Any], config: Config) -> list[Object]:
    """The objects of a TalkAgent, in the order they are applied."""
    name, namespace = agent["metadata"]["name"], agent["metadata"]["namespace"]
    spec = effective(agent["spec"], config.agentDefaults)
    text, wanted = agent_file(name, spec), scale(spec)
    template = pod_template(name, namespace, spec, text, config)
    objects = [
        child(SERVICE_ACCOUNT, agent, config, automountServiceAccountToken=False),
        child(CONFIG_MAP, agent, config, data={"agent.yaml": text}),
        child(SERVICE, agent, config, spec=_service(name)),
        child(DEPLOYMENT, agent, config, spec=deployment(name, template, wanted)),
    ]
    if config.networkPolicy.enabled:
        policy = network_policy(name, namespace, spec, config)
        objects.insert(2, child(NETWORK_POLICY, agent, config, spec=policy))
    if wanted.most > 1:
        objects.append(child(POD_DISRUPTION_BUDGET, agent, config, spec=disruption_budget(name)))
    if wanted.replicas is None:
        objects.append(child(AUTOSCALER, agent, config, spec=autoscaler(name, spec["autoscaling"], wanted)))
    return objects


def _service(name: str) -> Object:
    """Headless: the gateway chooses among the pods itself."""
    return {
        "clusterIP": "None",
        "selector": selector(name),
        "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
    }
