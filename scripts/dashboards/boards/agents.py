"""One agent."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, legend, quantiles, rate

TOKENS = "talk_agent_tokens_total"

AGENTS = Board(
    "talk-agents",
    "Talk / Agents",
    "One agent: is it ready, what do its turns do, its model, its tools, its tokens.",
    agents=True,
    rows={
        "Ready": [
            Panel(
                "Pods that are ready",
                "Pods that take turns, by agent; 0 is an outage of the agent.",
                "short",
                {"{{agent}} {{namespace}}": "sum by (namespace, agent) (talk_agent_ready)"},
                width=8,
            ),
            Panel(
                "Pods that reach the model",
                "Pods whose latest probe of the model, or of a fallback, was answered.",
                "short",
                {"{{agent}} {{namespace}}": "sum by (namespace, agent) (talk_agent_llm_reachable)"},
                width=8,
            ),
            Panel(
                "Turns taken of those allowed",
                "Turns that run, as part of those that the pods run at once; above 1 a turn is answered 429.",
                "percentunit",
                {
                    "{{agent}} {{namespace}}": "sum by (namespace, agent) (talk_agent_turns_running)"
                    " / (sum by (namespace, agent) (talk_agent_turns_limit) > 0)"
                },
                width=8,
            ),
        ],
        "Turns": [
            Panel(
                "Turns by outcome",
                "Turns a second of the agent's pods. A refused turn never began.",
                "reqps",
                rate("talk_agent_turns_total", "outcome"),
                stacked=True,
            ),
            Panel(
                "Failed and refused turns by code",
                "Turns a second that ended badly, by code.",
                "reqps",
                rate("talk_agent_turn_failures_total", "code"),
                stacked=True,
            ),
            Panel(
                "First text",
                "From a turn's acceptance to its first text.",
                "s",
                quantiles("talk_agent_turn_first_text_seconds", "agent"),
            ),
            Panel(
                "Whole turn",
                "From a turn's acceptance to its end.",
                "s",
                quantiles("talk_agent_turn_seconds", "agent", '{outcome="completed"}'),
            ),
            Panel(
                "Time-outs",
                "Waits a second that ran into their bound: for the model, or of the whole turn.",
                "reqps",
                rate("talk_agent_timeouts_total", "target"),
            ),
            Panel(
                "Turns under way",
                "Turns that run at this moment.",
                "short",
                {"{{agent}} {{namespace}}": "sum by (namespace, agent) (talk_agent_turns_running)"},
            ),
            Panel(
                "Turns moved to another pod",
                "Turns a second that did not begin at the pod they were sent to, and went to another, by why.",
                "reqps",
                rate("talk_gateway_turns_moved_total", "reason"),
            ),
        ],
        "Tools": [
            Panel(
                "Tool calls",
                "Calls a second by tool and outcome.",
                "reqps",
                {"{{tool}} {{outcome}}": f"sum by (tool, outcome) (rate(talk_agent_tool_calls_total{RATE}))"},
                stacked=True,
            ),
            Panel("Time of a tool call", "Seconds of a call.", "s", quantiles("talk_agent_tool_seconds", "tool")),
        ],
        "Tokens": [
            Panel(
                "Tokens a second",
                "Tokens that providers counted, in and out, by agent.",
                "short",
                rate(TOKENS, "agent, direction"),
                stacked=True,
            ),
            Panel(
                "Tokens of a turn",
                "Tokens of a completed turn, on average: what a turn costs.",
                "short",
                {
                    legend("agent, direction"): f"sum by (namespace, agent, direction) (rate({TOKENS}{RATE}))"
                    " / on (namespace, agent) group_left () "
                    f'(sum by (namespace, agent) (rate(talk_agent_turns_total{{outcome="completed"}}{RATE})) > 0)'
                },
            ),
            Panel(
                "Tokens in the last 24 hours",
                "All tokens of a day, by agent and direction: what is paid for.",
                "short",
                {legend("agent, direction"): f"sum by (namespace, agent, direction) (increase({TOKENS}[24h]))"},
                "table",
                24,
            ),
        ],
    },
)
