"""The operator's metrics, under the names that controller-runtime made known, and Talk's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from talk_operator.kinds import WATCHED

CONTROLLER = "talkagent"
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

RECONCILES = Counter("controller_runtime_reconcile", "Reconciliations by outcome.", ["controller", "result"])
RECONCILE_ERRORS = Counter(
    "controller_runtime_reconcile_errors", "Reconciliations that failed.", ["controller"]
).labels(CONTROLLER)
RECONCILE_SECONDS = Histogram(
    "controller_runtime_reconcile_time_seconds", "Seconds of a reconciliation.", ["controller"], buckets=_BUCKETS
).labels(CONTROLLER)
ACTIVE = Gauge("controller_runtime_active_workers", "Workers at work.", ["controller"]).labels(CONTROLLER)
QUEUE_DEPTH = Gauge("workqueue_depth", "Keys that wait, also for a later time.", ["name"]).labels(CONTROLLER)
QUEUE_ADDS = Counter("workqueue_adds", "Keys that were put in.", ["name"]).labels(CONTROLLER)
QUEUE_RETRIES = Counter("workqueue_retries", "Keys that are tried again after a failure.", ["name"]).labels(CONTROLLER)
LEADER = Gauge("leader_election_master_status", "1 while this replica holds the Lease.", ["name"]).labels(CONTROLLER)
REQUESTS = Counter("rest_client_requests", "Requests to the API server.", ["method", "code"])
WRITES = Counter(
    "talk_operator_writes", "Writes to the API server, the Lease apart, by kind and verb.", ["kind", "verb"]
)
AGENTS = Gauge("talk_operator_agents", "TalkAgents by whether they are ready.", ["ready"])
# The object's own namespace: the label `namespace` is Prometheus', for the pod of the operator.
RESTARTS = Counter(
    "talk_operator_agent_restarts",
    "Restarts of the containers of a TalkAgent's pods, since this operator first saw the pod.",
    ["agent_namespace", "agent"],
)
DEGRADED = Gauge(
    "talk_operator_agent_degraded",
    "1 for each TalkAgent that needs somebody, with the reason of its condition Degraded; else nothing.",
    ["agent_namespace", "agent", "reason"],
)
AUTOSCALERS = Gauge(
    "talk_operator_autoscaler_at_limit",
    "1 while an autoscaler of agents or of the gateway wants more pods than its maxReplicas, else 0.",
    ["object_namespace", "autoscaler"],
)
MISSED = Counter("talk_operator_missed_changes", "Changes that a listing found and no watch had told.", ["kind"])
REDIS_FAILURES = Counter(
    "talk_operator_redis_failures", "Times that users of agents could not be set in Redis, or not kept by it."
)
LAST_SIGN = Gauge("talk_operator_last_sign_timestamp_seconds", "When the API server last told something.")

for _result in ("success", "error"):
    RECONCILES.labels(CONTROLLER, _result)
for _ready in ("true", "false"):
    AGENTS.labels(_ready)
for _kind in WATCHED:
    MISSED.labels(_kind.name)


@contextmanager
def reconciling() -> Iterator[None]:
    """Counts and times one reconciliation."""
    begun = time.perf_counter()
    ACTIVE.inc()
    try:
        yield
    except BaseException:
        RECONCILES.labels(CONTROLLER, "error").inc()
        RECONCILE_ERRORS.inc()
        raise
    else:
        RECONCILES.labels(CONTROLLER, "success").inc()
    finally:
        ACTIVE.dec()
        RECONCILE_SECONDS.observe(time.perf_counter() - begun)
