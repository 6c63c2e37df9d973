"""The operator."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, quantiles, rate

OPERATOR = Board(
    "talk-operator",
    "Talk / Operator",
    "The operator: is it there, does it lead, does it keep up, does it fail.",
    rows={
        "State": [
            Panel(
                "TalkAgents",
                "TalkAgents that are ready, and that are not.",
                "short",
                {"ready: {{ready}}": "sum by (ready) (max by (namespace, ready) (talk_operator_agents))"},
                width=8,
            ),
            Panel(
                "Leads",
                "1 for the replica that holds the Lease.",
                "short",
                {"{{instance}}": 'leader_election_master_status{name="talkagent"}'},
                width=8,
            ),
            Panel(
                "Last sign of the API server",
                "Seconds since the API server last told something.",
                "s",
                {"ago": "time() - max(talk_operator_last_sign_timestamp_seconds)"},
                width=8,
            ),
        ],
        "Agents": [
            Panel(
                "Agents that need somebody",
                "TalkAgents whose condition Degraded is true, with its reason; empty while all is well.",
                "short",
                {
                    "{{agent}} {{agent_namespace}} {{reason}}": "max by (agent_namespace, agent, reason)"
                    " (talk_operator_agent_degraded)"
                },
                width=8,
            ),
            Panel(
                "Restarts of containers",
                "Restarts within the last quarter of an hour, by agent; 3 are a crash loop.",
                "short",
                {
                    "{{agent}} {{agent_namespace}}": "max by (agent_namespace, agent)"
                    " (increase(talk_operator_agent_restarts_total[15m]))"
                },
                width=8,
            ),
            Panel(
                "Autoscalers at their limit",
                "1 while an autoscaler wants more pods than its maxReplicas.",
                "short",
                {
                    "{{autoscaler}} {{object_namespace}}": "max by (object_namespace, autoscaler)"
                    " (talk_operator_autoscaler_at_limit)"
                },
                width=8,
            ),
        ],
        "Work": [
            Panel(
                "Reconciliations",
                "Reconciliations a second by result.",
                "reqps",
                rate("controller_runtime_reconcile_total", "result"),
                stacked=True,
            ),
            Panel(
                "Failures",
                "Reconciliations a second that failed.",
                "reqps",
                {"failed": f"sum(rate(controller_runtime_reconcile_errors_total{RATE}))"},
            ),
            Panel(
                "Redis users",
                "Times a minute that users of agents could not be set in Redis, or not kept by it.",
                "cpm",
                {"failed": f"60 * sum(rate(talk_operator_redis_failures_total{RATE}))"},
            ),
            Panel(
                "Time of a reconciliation",
                "Seconds of one.",
                "s",
                quantiles("controller_runtime_reconcile_time_seconds"),
            ),
            Panel(
                "Queue",
                "TalkAgents that wait, also for a later time, and workers at work.",
                "short",
                {"waiting": "sum(workqueue_depth)", "at work": "sum(controller_runtime_active_workers)"},
            ),
            Panel(
                "Into the queue",
                "Keys a second that come in, and that come again after a failure.",
                "reqps",
                {
                    "added": f"sum(rate(workqueue_adds_total{RATE}))",
                    "again": f"sum(rate(workqueue_retries_total{RATE}))",
                },
            ),
            Panel(
                "Requests to the API server",
                "Requests a second by code.",
                "reqps",
                rate("rest_client_requests_total", "code"),
                stacked=True,
            ),
            Panel(
                "Writes",
                "Writes a second by kind; 0 while nothing changes.",
                "reqps",
                rate("talk_operator_writes_total", "kind"),
                stacked=True,
            ),
            Panel(
                "Missed changes",
                "Changes that only a listing found.",
                "reqps",
                rate("talk_operator_missed_changes_total", "kind"),
            ),
        ],
    },
)
