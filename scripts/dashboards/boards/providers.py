"""The services behind Talk."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, heatmap, legend, quantiles, rate, share

PROVIDERS = Board(
    "talk-providers",
    "Talk / Providers",
    "The services behind Talk: models, speech recognition, speech synthesis. Which one is slow, which one fails.",
    agents=True,
    rows={
        "Models": [
            Panel(
                "Calls that fail",
                "The part of the calls of the model that failed, by agent.",
                "percentunit",
                share("talk_agent_llm_errors_total", "talk_agent_llm_calls_total", "agent"),
            ),
            Panel(
                "Failures by code",
                "Failed calls a second; provider_busy is the provider's 429.",
                "reqps",
                rate("talk_agent_llm_errors_total", "code"),
                stacked=True,
            ),
            Panel(
                "First response",
                "From a call of the model to its first text or tool call.",
                "s",
                quantiles("talk_agent_llm_first_response_seconds", "agent"),
            ),
            Panel(
                "Calls of the model",
                "Calls a second, by agent; one turn may make several.",
                "reqps",
                rate("talk_agent_llm_calls_total", "agent"),
                stacked=True,
            ),
            Panel(
                "Answers of a fallback",
                "The part of the answers that a fallback model gave: the first model failed.",
                "percentunit",
                share("talk_agent_llm_fallbacks_total", "talk_agent_llm_calls_total", "agent"),
            ),
            Panel(
                "Models left alone",
                "Whether a model's endpoint is asked: 0 it is, 1 one trial is, 2 its circuit is open in some pod.",
                "short",
                {legend("agent, target"): "max by (namespace, agent, target) (talk_agent_breaker_state)"},
            ),
            Panel(
                "Calls of a model made again",
                "Calls a second that an agent made again before the first word; at most a tenth of all.",
                "reqps",
                rate("talk_agent_retries_total", "agent, target"),
            ),
            heatmap(
                "First response, spread",
                "How long the model takes to its first text or tool call.",
                "talk_agent_llm_first_response_seconds_bucket",
            ),
        ],
        "Speech": [
            Panel(
                "Calls that fail",
                "The part of the calls of each speech service that failed.",
                "percentunit",
                share(
                    'talk_gateway_provider_requests_total{outcome="error"}',
                    'talk_gateway_provider_requests_total{outcome!="cancelled"}',
                    "service",
                ),
            ),
            Panel(
                "Failures by code",
                "Failed calls a second by service and code; provider_busy is the provider's 429.",
                "reqps",
                {"{{service}} {{code}}": f"sum by (service, code) (rate(talk_gateway_provider_errors_total{RATE}))"},
                stacked=True,
            ),
            Panel(
                "Time to the answer",
                "All of a transcription; the first sound of a sentence.",
                "s",
                quantiles("talk_gateway_provider_seconds", "service"),
            ),
            Panel(
                "Calls",
                "Calls a second by service and outcome.",
                "reqps",
                rate("talk_gateway_provider_requests_total", "service, outcome"),
                stacked=True,
            ),
            Panel(
                "Time-outs of the gateway",
                "Waits a second that ran into their bound, by what was waited for.",
                "reqps",
                rate("talk_gateway_timeouts_total", "target"),
            ),
            Panel(
                "Queue of the offline engines",
                "Requests that an offline engine works on, or that wait for it.",
                "short",
                {"{{engine}}": "sum by (engine) (talk_local_queue_requests)"},
            ),
            Panel(
                "Time-outs of the offline engines",
                "Waits a second of talk-local that ran into their bound.",
                "reqps",
                rate("talk_local_timeouts_total", "target"),
            ),
        ],
        "Protection": [
            Panel(
                "Left alone",
                "Whether an endpoint is asked: 0 it is, 1 one trial is, 2 its circuit is open and it is left alone.",
                "short",
                {"{{target}}": "max by (target) (talk_gateway_breaker_state)"},
            ),
            Panel(
                "Circuits that opened",
                "Times a minute that the gateway began to leave an endpoint, or a pod of an agent, alone.",
                "cpm",
                {"{{target}}": f"60 * sum by (target) (rate(talk_gateway_breaker_opened_total{RATE}))"},
            ),
            Panel(
                "Calls made again",
                "Calls a second that the gateway made again before anything was passed on; at most a tenth of all.",
                "reqps",
                rate("talk_gateway_retries_total", "target"),
            ),
            Panel(
                "Turns of a fallback",
                "Turns a second that went on with another speech provider, by which.",
                "reqps",
                rate("talk_gateway_fallbacks_total", "service, provider"),
            ),
        ],
    },
)
