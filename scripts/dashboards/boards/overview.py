"""What users meet."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, heatmap, rate, share, slowest, stage

OVERVIEW = Board(
    "talk-overview",
    "Talk / Overview",
    "What users meet: objectives and what is left of their budgets, traffic, failures, latency.",
    agents=True,
    rows={
        "Objectives": [
            Panel(
                "Error budget left",
                "The part of the 30-day budget that is left, by objective. Below 0 the objective is missed.",
                "percentunit",
                {"{{slo}} {{agent}}{{service}} {{namespace}}": 'talk:slo_budget_left:ratio{slo!=""}'},
                "bargauge",
                12,
                bounds=(0.0, 0.25),
            ),
            Panel(
                "Bad part, last hour",
                "The part of events in the last hour that was bad, by objective.",
                "percentunit",
                {"{{slo}} {{agent}}{{service}} {{namespace}}": 'talk:slo_error_ratio:1h{slo!=""}'},
            ),
        ],
        "Now": [
            Panel(
                "Turns a second",
                "Turns that end, of every kind and outcome.",
                "reqps",
                {"turns": f"sum(rate(talk_gateway_turns_total{RATE}))"},
                "stat",
                4,
            ),
            Panel(
                "Turns under way",
                "Turns that run at this moment.",
                "short",
                {"turns": "sum(talk_gateway_turns_running)"},
                "stat",
                4,
            ),
            Panel(
                "Turns that succeed",
                "The part of the turns that completed; those that a caller left are not counted.",
                "percentunit",
                share(
                    'talk_gateway_turns_total{outcome="completed"}', 'talk_gateway_turns_total{outcome!="cancelled"}'
                ),
                "stat",
                4,
            ),
            Panel(
                "First audio, p95",
                "Nineteen of twenty voice turns speak within this time of the end of the question.",
                "s",
                {"p95": stage("first_audio")["p95"]},
                "stat",
                4,
            ),
            Panel(
                "Agents ready",
                "Agents of which at least one pod takes turns.",
                "short",
                {"ready": "sum(max by (namespace, agent) (talk_agent_ready))"},
                "stat",
                4,
            ),
            Panel(
                "Models reachable",
                "Agents of which at least one pod reaches its model.",
                "short",
                {"reachable": "sum(max by (namespace, agent) (talk_agent_llm_reachable))"},
                "stat",
                4,
            ),
        ],
        "Traffic and failures": [
            Panel(
                "Turns by outcome",
                "Turns a second that completed, failed or were left by their caller.",
                "reqps",
                rate("talk_gateway_turns_total", "outcome"),
                stacked=True,
            ),
            Panel(
                "Turns by agent",
                "Turns a second of each agent.",
                "reqps",
                rate("talk_gateway_turns_total", "agent"),
                stacked=True,
            ),
            Panel(
                "Failures by code",
                "Failed turns a second by the code that the caller got; docs/reference/http-api.md explains each.",
                "reqps",
                rate("talk_gateway_turn_errors_total", "code"),
                stacked=True,
            ),
            Panel(
                "Turns by kind",
                "Spoken and written turns a second.",
                "reqps",
                rate("talk_gateway_turns_total", "kind"),
                stacked=True,
            ),
            Panel(
                "Room for turns",
                "Turns under way and turns that wait for a place, beside what the gateways may run at once.",
                "short",
                {
                    "under way": "sum(talk_gateway_turns_running)",
                    "waiting": "sum(talk_gateway_turns_waiting)",
                    "places": "sum(talk_gateway_turn_places)",
                },
            ),
            Panel(
                "Turns without a place",
                "Turns a second that were refused: overloaded in all, rate_limited for their agent.",
                "reqps",
                rate("talk_gateway_turns_refused_total", "code"),
                stacked=True,
            ),
        ],
        "Latency": [
            Panel(
                "Stages of a turn, p95",
                "The slowest twentieth of each stage; where a turn's time goes.",
                "s",
                slowest("talk_gateway_turn_stage_seconds", "stage"),
            ),
            heatmap(
                "First audio",
                "How long after the end of a question the answer is heard.",
                'talk_gateway_turn_stage_seconds_bucket{stage="first_audio"}',
            ),
        ],
    },
)
