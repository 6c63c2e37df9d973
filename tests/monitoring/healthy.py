"""Two hours of a healthy system, as promtool's input: one turn a second, all of them quick and good."""

from __future__ import annotations

from scripts.metrics_inventory import ROOMS, declared

MINUTES = 120
AGENT = 'agent="assistant",instance="talkagent-assistant-1",job="talk-agents",namespace="talk"'
GATEWAY = 'instance="talk-gateway-1",job="talk-gateway",namespace="talk"'
LOCAL = 'instance="talk-local-1",job="talk-local",namespace="talk"'
OPERATOR = 'instance="talk-operator-1",job="talk-operator",namespace="talk"'
OF_AGENT = f'agent="assistant",agent_namespace="team",{OPERATOR}'
POD = AGENT.partition(",")[2]

# Events a minute.
COUNTERS = {
    **{
        f'talk_gateway_turns_total{{agent="assistant",kind="{kind}",outcome="{outcome}",{GATEWAY}}}': each
        for kind in ("chat", "voice")
        for outcome, each in (("completed", 30), ("failed", 0), ("cancelled", 1))
    },
    **{
        f'talk_gateway_turn_errors_total{{agent="assistant",code="{code}",{GATEWAY}}}': 0
        for code in ("agent_not_ready", "deadline", "provider_failed", "rate_limited", "session_busy")
    },
    f'talk_gateway_http_requests_total{{route="/v1/chat",method="POST",status="200",{GATEWAY}}}': 60,
    f'talk_gateway_http_requests_total{{route="/v1/chat",method="POST",status="502",{GATEWAY}}}': 0,
    f'talk_gateway_timeouts_total{{target="asr",{GATEWAY}}}': 0,
    **{
        f'talk_gateway_provider_requests_total{{service="{service}",outcome="{outcome}",{GATEWAY}}}': each
        for service in ("asr", "tts")
        for outcome, each in (("ok", 30), ("error", 0), ("cancelled", 1))
    },
    f'talk_gateway_provider_errors_total{{service="asr",code="provider_busy",{GATEWAY}}}': 0,
    f'talk_gateway_fallbacks_total{{service="asr",provider="other",{GATEWAY}}}': 0,
    f'talk_gateway_limits_unchecked_total{{outcome="let_in",{GATEWAY}}}': 0,
    f'talk_gateway_turns_refused_total{{code="overloaded",{GATEWAY}}}': 0,
    f"talk_agent_llm_calls_total{{{AGENT}}}": 60,
    f'talk_agent_llm_errors_total{{code="provider_busy",{AGENT}}}': 0,
    f'talk_agent_llm_errors_total{{code="provider_failed",{AGENT}}}': 0,
    f"talk_agent_llm_fallbacks_total{{{AGENT}}}": 0,
    f'talk_agent_tool_calls_total{{tool="ask_other",outcome="ok",{AGENT}}}': 10,
    f'talk_agent_tool_calls_total{{tool="ask_other",outcome="error",{AGENT}}}': 0,
    f'talk_agent_timeouts_total{{target="llm",{POD}}}': 0,
    f"talk_agent_redis_errors_total{{{POD}}}": 0,
    f'controller_runtime_reconcile_total{{controller="talkagent",result="success",{OPERATOR}}}': 3,
    f'controller_runtime_reconcile_errors_total{{controller="talkagent",{OPERATOR}}}': 0,
    f"talk_operator_agent_restarts_total{{{OF_AGENT}}}": 0,
}
GAUGES = {
    **{f"up{{{where}}}": "1" for where in (GATEWAY, POD, LOCAL, OPERATOR)},
    **{
        f'talk_{room}_build_info{{version="0.1.0",{where}}}': "1"
        for room, where in (("gateway", GATEWAY), ("agent", POD), ("local", LOCAL))
    },
    **{f"process_start_time_seconds{{{where}}}": "1000" for where in (GATEWAY, POD, LOCAL, OPERATOR)},
    **{f"process_open_fds{{{where}}}": "40" for where in (GATEWAY, POD, LOCAL, OPERATOR)},
    **{f"process_max_fds{{{where}}}": "1024" for where in (GATEWAY, POD, LOCAL, OPERATOR)},
    f'talk_gateway_breaker_state{{target="asr",{GATEWAY}}}': "0",
    f'talk_agent_breaker_state{{target="openai/m",{AGENT}}}': "0",
    f"talk_agent_ready{{{AGENT}}}": "1",
    f"talk_agent_llm_reachable{{{AGENT}}}": "1",
    f"talk_agent_turns_running{{{AGENT}}}": "3",
    f"talk_agent_turns_limit{{{AGENT}}}": "32",
    f"talk_agent_redis_up{{{POD}}}": "1",
    f"talk_agent_redis_memory_bytes{{{POD}}}": "20000000",
    f"talk_agent_redis_memory_limit_bytes{{{POD}}}": "100000000",
    f"talk_agent_redis_evicted_keys{{{POD}}}": "0",
    f"talk_agent_redis_clients{{{POD}}}": "20",
    f"talk_agent_redis_clients_limit{{{POD}}}": "10000",
    f"talk_agent_redis_persistence_ok{{{POD}}}": "1",
    f'talk_local_queue_requests{{engine="asr",{LOCAL}}}': "1",
    f'leader_election_master_status{{name="talkagent",{OPERATOR}}}': "1",
    f'workqueue_depth{{name="talkagent",{OPERATOR}}}': "2",
    f'talk_operator_agents{{ready="false",{OPERATOR}}}': "0",
    # Waits for its model: no fault of the TalkAgent.
    f'talk_operator_agent_degraded{{reason="ModelUnreachable",{OF_AGENT}}}': "1",
    f'talk_operator_autoscaler_at_limit{{object_namespace="team",autoscaler="talkagent-assistant",{OPERATOR}}}': "0",
}
# Labels, and events a minute; all end in the lowest bucket.
HISTOGRAMS = {
    "talk_gateway_turn_stage_seconds": (f'stage="first_audio",{GATEWAY}', 30),
    "talk_gateway_provider_seconds": (f'service="asr",{GATEWAY}', 30),
    "talk_gateway_event_loop_lag_seconds": (GATEWAY, 120),
    "talk_agent_event_loop_lag_seconds": (POD, 120),
    "talk_local_event_loop_lag_seconds": (LOCAL, 120),
    "talk_agent_turn_first_text_seconds": (AGENT, 60),
    "talk_agent_session_setup_seconds": (AGENT, 60),
    "talk_agent_llm_first_response_seconds": (AGENT, 60),
    "talk_agent_redis_command_seconds": (POD, 240),
}


def histogram(
    name: str, labels: str, each: int, late: int = 0, above: float = 0.0, minutes: int = MINUTES
) -> dict[str, str]:
    """`each` events a minute, of which `late` are longer than the bound `above` (and shorter than the next)."""
    (metric,) = [metric for room in ROOMS for metric in declared(room) if metric.name == name]
    series = {}
    for bound in (*metric.buckets, float("inf")):
        within = each if bound > above else each - late
        written = "+Inf" if bound == float("inf") else str(bound)
        series[f'{name}_bucket{{le="{written}",{labels}}}'] = f"0+{within}x{minutes}"
    series[f"{name}_count{{{labels}}}"] = f"0+{each}x{minutes}"
    return series


def healthy() -> dict[str, str]:
    """All of it."""
    series = {name: f"0+{each}x{MINUTES}" for name, each in COUNTERS.items()}
    series |= {name: f"{value}x{MINUTES}" for name, value in GAUGES.items()}
    series[f"talk_operator_last_sign_timestamp_seconds{{{OPERATOR}}}"] = f"0+60x{MINUTES}"
    for name, (labels, each) in HISTOGRAMS.items():
        series |= histogram(name, labels, each)
    return series
