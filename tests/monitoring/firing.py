"""For each alert what makes it fire: series in, the minute at which it fires, the exact labels, the value it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.monitoring.healthy import AGENT, GATEWAY, LOCAL, OF_AGENT, OPERATOR, POD, histogram

AGENT_LABELS = {"agent": "assistant"}
GATEWAY_LABELS = {"job": "talk-gateway", "instance": "talk-gateway-1"}
BUILD = {f'talk_gateway_build_info{{version="0.1.0",{GATEWAY}}}': "1x120"}
DAYS = 26 * 60
# The operator runs in one namespace and tells of the others.
TEAM = {"namespace": "team"}


@dataclass(frozen=True)
class Firing:
    """`at` is the first minute at which the alert fires; `labels` are those beside the rule's own and `namespace`.

    Samples and evaluations are `step` minutes apart.
    """

    at: int
    value: str
    series: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=lambda: {"namespace": "talk"})
    step: int = 1


MINUTES = 120


def shares(bad: str, total: str, each: int) -> dict[str, str]:
    """Two counters: of twenty events a minute, `each` are bad."""
    return {bad: f"0+{each}x{MINUTES}", total: f"0+20x{MINUTES}"}


def turn_errors(code: str, each: int) -> dict[str, str]:
    return shares(
        f'talk_gateway_turn_errors_total{{agent="assistant",code="{code}",{GATEWAY}}}',
        f'talk_gateway_turns_total{{agent="assistant",kind="chat",outcome="failed",{GATEWAY}}}',
        each,
    )


def speech(outcome: str, each: int) -> dict[str, str]:
    series = shares(
        f'talk_gateway_provider_requests_total{{service="asr",outcome="{outcome}",{GATEWAY}}}',
        f'talk_gateway_provider_requests_total{{service="asr",outcome="ok",{GATEWAY}}}',
        each,
    )
    return {name: values if outcome in name else f"0+{20 - each}x{MINUTES}" for name, values in series.items()}


def model(counter: str, each: int) -> dict[str, str]:
    return shares(
        f"talk_agent_{counter},{AGENT}}}" if "{" in counter else f"talk_agent_{counter}{{{AGENT}}}",
        f"talk_agent_llm_calls_total{{{AGENT}}}",
        each,
    )


FIRING: dict[str, Firing] = {
    # gateway
    "TalkGatewayAbsent": Firing(5, "", {f"up{{{GATEWAY}}}": "0x20"}, namespace={}),
    "TalkNoTraffic": Firing(
        1485,
        "",
        {
            f'talk_gateway_turns_total{{agent="assistant",kind="chat",outcome="completed",{GATEWAY}}}': (
                f"0+1x{DAYS - 120} {DAYS - 120}x300"
            )
        },
    ),
    "TalkGatewayErrors": Firing(
        6,
        "25%",
        {
            f'talk_gateway_http_requests_total{{route="/v1/chat",method="POST",status="502",{GATEWAY}}}': "0+5x30",
            f'talk_gateway_http_requests_total{{route="/v1/chat",method="POST",status="200",{GATEWAY}}}': "0+15x30",
        },
        {"route": "/v1/chat"},
    ),
    "TalkAgentUnreachable": Firing(3, "80%", turn_errors("agent_not_ready", 16), AGENT_LABELS),
    "TalkTurnsRefused": Firing(11, "10%", turn_errors("rate_limited", 2), AGENT_LABELS),
    "TalkSessionBusy": Firing(11, "10%", turn_errors("session_busy", 2), AGENT_LABELS),
    "TalkTimeouts": Firing(
        10, "10", {f'talk_gateway_timeouts_total{{target="asr",{GATEWAY}}}': "0+1x30"}, {"target": "asr"}
    ),
    "TalkLimitsUnchecked": Firing(
        9, "30", {f'talk_gateway_limits_unchecked_total{{outcome="let_in",{GATEWAY}}}': "0+6x30"}, {"outcome": "let_in"}
    ),
    "TalkSpeechProviderErrors": Firing(6, "50%", speech("error", 10), {"service": "asr"}),
    "TalkSpeechProviderBusy": Firing(
        6,
        "10%",
        shares(
            f'talk_gateway_provider_errors_total{{service="tts",code="provider_busy",{GATEWAY}}}',
            f'talk_gateway_provider_requests_total{{service="tts",outcome="error",{GATEWAY}}}',
            2,
        ),
        {"service": "tts"},
    ),
    "TalkSpeechProviderSlow": Firing(
        11,
        "4.8s",
        histogram("talk_gateway_provider_seconds", f'service="tts",{GATEWAY}', 10, 5, 3.0),
        {"service": "tts"},
    ),
    # Open for 10 s, half-open until the trial fails: a scrape sees either.
    "TalkBreakerOpen": Firing(
        8,
        "",
        {f'talk_gateway_breaker_state{{target="asr:default",{GATEWAY}}}': "0x4 " + "2 1 " * 10},
        {"target": "asr:default"},
    ),
    "TalkSpeechFallbackInUse": Firing(
        10,
        "10",
        {f'talk_gateway_fallbacks_total{{service="tts",provider="other",{GATEWAY}}}': "0+1x30"},
        {"service": "tts", "provider": "other"},
    ),
    "TalkGatewayOverloaded": Firing(
        5, "10", {f'talk_gateway_turns_refused_total{{code="overloaded",{GATEWAY}}}': "0+2x30"}
    ),
    # agents
    "TalkAgentNotReady": Firing(7, "", {f"talk_agent_ready{{{AGENT}}}": "1x4 0x20"}, AGENT_LABELS),
    "TalkModelUnreachable": Firing(6, "", {f"talk_agent_llm_reachable{{{AGENT}}}": "1x4 0x20"}, AGENT_LABELS),
    "TalkModelErrors": Firing(6, "20%", model('llm_errors_total{code="provider_failed"', 4), AGENT_LABELS),
    "TalkModelBusy": Firing(6, "10%", model('llm_errors_total{code="provider_busy"', 2), AGENT_LABELS),
    "TalkModelSlow": Firing(
        11, "9.5s", histogram("talk_agent_llm_first_response_seconds", AGENT, 10, 5, 5.0), AGENT_LABELS
    ),
    "TalkFallbackInUse": Firing(6, "50%", model("llm_fallbacks_total", 10), AGENT_LABELS),
    "TalkModelBreakerOpen": Firing(
        8,
        "",
        {f'talk_agent_breaker_state{{target="openai/m",{AGENT}}}': "0x4 " + "2 1 " * 10},
        {**AGENT_LABELS, "target": "openai/m"},
    ),
    "TalkAgentAtCapacity": Firing(
        10,
        "100%",
        {f"talk_agent_turns_running{{{AGENT}}}": "1x4 32x20", f"talk_agent_turns_limit{{{AGENT}}}": "32x24"},
        AGENT_LABELS,
    ),
    "TalkToolErrors": Firing(
        11,
        "50%",
        {
            f'talk_agent_tool_calls_total{{tool="ask_other",outcome="error",{AGENT}}}': "0+1x60",
            f'talk_agent_tool_calls_total{{tool="ask_other",outcome="ok",{AGENT}}}': "0+1x60",
        },
        {**AGENT_LABELS, "tool": "ask_other"},
    ),
    "TalkAgentTimeouts": Firing(
        10, "10", {f'talk_agent_timeouts_total{{target="llm",{POD}}}': "0+1x30"}, {"target": "llm"}
    ),
    # sessions
    "TalkRedisDown": Firing(6, "", {f"talk_agent_redis_up{{{POD}}}": "1x4 0x20"}),
    "TalkRedisErrors": Firing(
        6,
        "10%",
        shares(f"talk_agent_redis_errors_total{{{POD}}}", f"talk_agent_redis_command_seconds_count{{{POD}}}", 2),
    ),
    "TalkRedisSlow": Firing(11, "475ms", histogram("talk_agent_redis_command_seconds", POD, 100, 10, 0.25)),
    "TalkRedisMemory": Firing(
        15,
        "90%",
        {
            f"talk_agent_redis_memory_bytes{{{POD}}}": "50x4 90x30",
            f"talk_agent_redis_memory_limit_bytes{{{POD}}}": "100x34",
        },
    ),
    "TalkRedisEvicts": Firing(13, "8", {f"talk_agent_redis_evicted_keys{{{POD}}}": "0x12 8x20"}),
    "TalkRedisConnections": Firing(
        10,
        "90%",
        {f"talk_agent_redis_clients{{{POD}}}": "10x4 90x30", f"talk_agent_redis_clients_limit{{{POD}}}": "100x34"},
    ),
    "TalkRedisNotPersisted": Firing(10, "", {f"talk_agent_redis_persistence_ok{{{POD}}}": "1x4 0x20"}),
    "TalkSessionWaits": Firing(
        11, "2.9s", histogram("talk_agent_session_setup_seconds", AGENT, 10, 5, 2.0), AGENT_LABELS
    ),
    # processes
    "TalkTargetDown": Firing(
        10,
        "",
        {f"up{{{GATEWAY}}}": "1x4 0x20", f'talk_gateway_build_info{{version="0.1.0",{GATEWAY}}}': "1x4"},
        GATEWAY_LABELS,
    ),
    "TalkCrashLoop": Firing(
        11, "3", {f"process_start_time_seconds{{{GATEWAY}}}": "1x4 2x2 3x2 4x20", **BUILD}, GATEWAY_LABELS
    ),
    "TalkEventLoopLag": Firing(
        6, "950ms", histogram("talk_gateway_event_loop_lag_seconds", GATEWAY, 100, 10, 0.5), GATEWAY_LABELS
    ),
    "TalkFileDescriptors": Firing(
        10,
        "90%",
        {f"process_open_fds{{{GATEWAY}}}": "40x4 90x20", f"process_max_fds{{{GATEWAY}}}": "100x24", **BUILD},
        GATEWAY_LABELS,
    ),
    "TalkLocalQueue": Firing(
        10, "6", {f'talk_local_queue_requests{{engine="asr",{LOCAL}}}': "1x4 6x20"}, {"engine": "asr"}
    ),
    "TalkVersionsMixed": Firing(60, "2", {**BUILD, f'talk_agent_build_info{{version="0.0.9",{POD}}}': "1x120"}),
    # operator
    "TalkOperatorAbsent": Firing(10, "", {f"up{{{OPERATOR}}}": "0x20"}, {"name": "talkagent"}, namespace={}),
    "TalkOperatorNoLeader": Firing(
        10, "", {f'leader_election_master_status{{name="talkagent",{OPERATOR}}}': "1x4 0x20"}
    ),
    "TalkOperatorStalled": Firing(
        44,
        "3",
        {
            f'workqueue_depth{{name="talkagent",{OPERATOR}}}': "0x4 3x90",
            f'controller_runtime_reconcile_total{{controller="talkagent",result="success",{OPERATOR}}}': "0+3x4 12x90",
        },
    ),
    "TalkOperatorReconcileErrors": Firing(
        11,
        "50%",
        shares(
            f'controller_runtime_reconcile_errors_total{{controller="talkagent",{OPERATOR}}}',
            f'controller_runtime_reconcile_total{{controller="talkagent",result="error",{OPERATOR}}}',
            10,
        ),
    ),
    "TalkOperatorDeaf": Firing(
        20, "16m 0s", {f"talk_operator_last_sign_timestamp_seconds{{{OPERATOR}}}": "0+60x4 240x40"}
    ),
    "TalkAgentsNotReady": Firing(20, "2", {f'talk_operator_agents{{ready="false",{OPERATOR}}}': "0x4 2x40"}),
    "TalkAgentInvalid": Firing(
        14,
        "",
        {f'talk_operator_agent_degraded{{reason="ModelMissing",{OF_AGENT}}}': "_x4 1x40"},
        {**AGENT_LABELS, "reason": "ModelMissing"},
        TEAM,
    ),
    "TalkAgentCrashLoop": Firing(
        5, "3", {f"talk_operator_agent_restarts_total{{{OF_AGENT}}}": "0x2 1 2 3x40"}, AGENT_LABELS, TEAM
    ),
    "TalkAutoscalerAtLimit": Firing(
        20,
        "",
        {
            f'talk_operator_autoscaler_at_limit{{object_namespace="team",autoscaler="talkagent-a",{OPERATOR}}}': (
                "0x4 1x40"
            )
        },
        {"autoscaler": "talkagent-a"},
        TEAM,
    ),
    # SLOs: the fast burn within the hour, the slow one within hours of a smaller fault
    "TalkTurnSuccessBudgetBurn-fast": Firing(3, "50%", turn_errors("deadline", 10), AGENT_LABELS),
    "TalkTurnSuccessBudgetBurn-slow": Firing(16, "5%", turn_errors("deadline", 1), AGENT_LABELS),
    "TalkFirstAudioBudgetBurn-fast": Firing(
        4, "80%", histogram("talk_gateway_turn_stage_seconds", f'stage="first_audio",{GATEWAY}', 10, 8, 1.5)
    ),
    "TalkFirstAudioBudgetBurn-slow": Firing(
        17, "20%", histogram("talk_gateway_turn_stage_seconds", f'stage="first_audio",{GATEWAY}', 10, 2, 1.5)
    ),
    "TalkFirstTextBudgetBurn-fast": Firing(
        4, "80%", histogram("talk_agent_turn_first_text_seconds", AGENT, 10, 8, 2.0), AGENT_LABELS
    ),
    "TalkFirstTextBudgetBurn-slow": Firing(
        17, "20%", histogram("talk_agent_turn_first_text_seconds", AGENT, 10, 2, 2.0), AGENT_LABELS
    ),
    "TalkSessionSetupBudgetBurn-fast": Firing(
        4, "50%", histogram("talk_agent_session_setup_seconds", AGENT, 10, 5, 0.5), AGENT_LABELS
    ),
    "TalkSessionSetupBudgetBurn-slow": Firing(
        16, "5%", histogram("talk_agent_session_setup_seconds", AGENT, 20, 1, 0.5), AGENT_LABELS
    ),
    "TalkAgentReadinessBudgetBurn-fast": Firing(
        97, "11.48%", {f"talk_agent_ready{{{AGENT}}}": "1x90 0x30"}, AGENT_LABELS
    ),
    "TalkAgentReadinessBudgetBurn-slow": Firing(
        1272, "2.194%", {f"talk_agent_ready{{{AGENT}}}": "1x43 0 " * 10}, AGENT_LABELS, step=4
    ),
    "TalkSpeechAvailabilityBudgetBurn-fast": Firing(3, "50%", speech("error", 10), {"service": "asr"}),
    "TalkSpeechAvailabilityBudgetBurn-slow": Firing(16, "5%", speech("error", 1), {"service": "asr"}),
    "TalkModelAvailabilityBudgetBurn-fast": Firing(
        3, "50%", model('llm_errors_total{code="provider_failed"', 10), AGENT_LABELS
    ),
    "TalkModelAvailabilityBudgetBurn-slow": Firing(
        16, "5%", model('llm_errors_total{code="provider_failed"', 1), AGENT_LABELS
    ),
}
