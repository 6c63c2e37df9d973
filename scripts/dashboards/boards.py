"""What each dashboard shows."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel

RATE = "[$__rate_interval]"


def quantiles(metric: str, by: str = "", where: str = "") -> dict[str, str]:
    """The median and the slowest twentieth of a histogram, one pair for each value of the label `by`."""
    labels = f"le, {by}" if by else "le"
    name = f" {legend(by)}" if by else ""
    inner = f"sum by ({labels}) (rate({metric}_bucket{where}{RATE}))"
    return {f"p{q:g}{name}": f"histogram_quantile({q / 100:g}, {inner})" for q in (50, 95)}


def slowest(metric: str, by: str) -> dict[str, str]:
    """The slowest twentieth of a histogram, by a label."""
    return {legend(by): f"histogram_quantile(0.95, sum by (le, {by}) (rate({metric}_bucket{RATE})))"}


def rate(metric: str, by: str, where: str = "") -> dict[str, str]:
    """Events a second by one label or several."""
    return {legend(by): f"sum by ({by}) (rate({metric}{where}{RATE}))"}


def legend(by: str) -> str:
    """The labels of a grouping, as a legend shows them."""
    return " ".join(f"{{{{{label}}}}}" for label in by.split(", "))


def share(part: str, whole: str, by: str = "") -> dict[str, str]:
    """A part of a whole, 0 to 1; nothing where nothing happened."""
    group = f" by ({by}) " if by else ""
    return {
        legend(by)
        if by
        else "share": f"clamp(sum{group}(rate({part}{RATE})) / (sum{group}(rate({whole}{RATE})) > 0), 0, 1)"
    }


def stage(name: str) -> dict[str, str]:
    """One stage of a voice turn."""
    return quantiles("talk_gateway_turn_stage_seconds", where=f'{{stage="{name}"}}')


def heatmap(title: str, description: str, expr: str) -> Panel:
    """How a histogram's events spread, over time."""
    return Panel(title, description, "s", {"{{le}}": f"sum by (le) (increase({expr}{RATE}))"}, "heatmap", 12)


def running(metric: str) -> dict[str, str]:
    """CPU or memory of each process."""
    return {"{{job}} {{instance}}": metric}


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
                {"{{slo}} {{agent}}{{service}}": 'talk:slo_budget_left:ratio{slo!=""}'},
                "bargauge",
                12,
                bounds=(0.0, 0.25),
            ),
            Panel(
                "Bad part, last hour",
                "The part of events in the last hour that was bad, by objective.",
                "percentunit",
                {"{{slo}} {{agent}}{{service}}": 'talk:slo_error_ratio:1h{slo!=""}'},
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
                {"ready": "sum(max by (agent) (talk_agent_ready))"},
                "stat",
                4,
            ),
            Panel(
                "Models reachable",
                "Agents of which at least one pod reaches its model.",
                "short",
                {"reachable": "sum(max by (agent) (talk_agent_llm_reachable))"},
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

VOICE = Board(
    "talk-voice",
    "Talk / Voice turns",
    "A spoken turn from the end of the question to the last sound, stage by stage.",
    rows={
        "From question to sound": [
            Panel("1. Recognition", "From the end of the upload to the transcript.", "s", stage("asr"), width=8),
            Panel("2. First text", "From the model's request to its first text.", "s", stage("llm_ttft"), width=8),
            Panel(
                "3. First sentence",
                "From the model's request to the first sentence that can be spoken.",
                "s",
                stage("first_sentence"),
                width=8,
            ),
            Panel(
                "4. First sound of a sentence",
                "From the request to the voice to its first sound.",
                "s",
                stage("tts_ttfb"),
                width=8,
            ),
            Panel(
                "5. First audio",
                "From the end of the upload to the first sound that is sent: what the user waits for. The "
                "objective is 1.5 s.",
                "s",
                stage("first_audio"),
                width=8,
            ),
            Panel("6. Whole turn", "From the end of the upload to the last sound.", "s", stage("total"), width=8),
        ],
        "Spread": [
            heatmap(
                "First audio",
                "How long after the end of a question the answer is heard.",
                'talk_gateway_turn_stage_seconds_bucket{stage="first_audio"}',
            ),
            heatmap(
                "Recognition", "How long recognition takes.", 'talk_gateway_turn_stage_seconds_bucket{stage="asr"}'
            ),
            Panel(
                "First audio within 1.5 s",
                "The part of the voice turns that meet the objective.",
                "percentunit",
                share(
                    'talk_gateway_turn_stage_seconds_bucket{stage="first_audio",le="1.5"}',
                    'talk_gateway_turn_stage_seconds_count{stage="first_audio"}',
                ),
            ),
            Panel(
                "Voice turns by outcome",
                "Spoken turns a second that completed, failed or were left.",
                "reqps",
                rate("talk_gateway_turns_total", "outcome", '{kind="voice"}'),
                stacked=True,
            ),
            Panel(
                "Mean time of each stage",
                "Seconds of a stage, on average: they add up to little more than the turn, since stages overlap.",
                "s",
                {
                    "{{stage}}": f"sum by (stage) (rate(talk_gateway_turn_stage_seconds_sum{RATE}))"
                    f" / (sum by (stage) (rate(talk_gateway_turn_stage_seconds_count{RATE})) > 0)"
                },
            ),
            Panel(
                "Voice turns under way",
                "Spoken turns that run at this moment.",
                "short",
                {"{{kind}}": 'sum by (kind) (talk_gateway_turns_running{kind="voice"})'},
            ),
        ],
    },
)

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
                {"{{agent}}": "sum by (agent) (talk_agent_ready)"},
                width=8,
            ),
            Panel(
                "Pods that reach the model",
                "Pods whose latest probe of the model, or of a fallback, was answered.",
                "short",
                {"{{agent}}": "sum by (agent) (talk_agent_llm_reachable)"},
                width=8,
            ),
            Panel(
                "Turns taken of those allowed",
                "Turns that run, as part of those that the pods run at once; above 1 a turn is answered 429.",
                "percentunit",
                {
                    "{{agent}}": "sum by (agent) (talk_agent_turns_running)"
                    " / (sum by (agent) (talk_agent_turns_limit) > 0)"
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
                {"{{agent}}": "sum by (agent) (talk_agent_turns_running)"},
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
                {"{{agent}} {{direction}}": f"sum by (agent, direction) (rate(talk_agent_tokens_total{RATE}))"},
                stacked=True,
            ),
            Panel(
                "Tokens of a turn",
                "Tokens of a completed turn, on average: what a turn costs.",
                "short",
                {
                    "{{agent}} {{direction}}": f"sum by (agent, direction) (rate(talk_agent_tokens_total{RATE}))"
                    " / on (agent) group_left () "
                    f'(sum by (agent) (rate(talk_agent_turns_total{{outcome="completed"}}{RATE})) > 0)'
                },
            ),
            Panel(
                "Tokens in the last 24 hours",
                "All tokens of a day, by agent and direction: what is paid for.",
                "short",
                {"{{agent}} {{direction}}": "sum by (agent, direction) (increase(talk_agent_tokens_total[24h]))"},
                "table",
                24,
            ),
        ],
    },
)

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
    },
)


def http(room: str, name: str) -> list[Panel]:
    """Rate, errors and duration of one room."""
    return [
        Panel(
            f"Requests of the {name}",
            "Requests a second by route.",
            "reqps",
            rate(f"talk_{room}_http_requests_total", "route"),
            width=8,
            stacked=True,
        ),
        Panel(
            f"Answers of the {name} that are no success",
            "Answers a second with a status of 400 or more, by status. 499: the client went.",
            "reqps",
            rate(f"talk_{room}_http_requests_total", "status", '{status=~"4..|5.."}'),
            width=8,
            stacked=True,
        ),
        Panel(
            f"Time of a request to the {name}, p95",
            "From the head of a request to the last byte of its answer; a stream counts whole.",
            "s",
            slowest(f"talk_{room}_http_request_seconds", "route"),
            width=8,
        ),
    ]


HTTP = Board(
    "talk-http",
    "Talk / HTTP",
    "Rate, errors and duration of every route.",
    rows={
        "Gateway": http("gateway", "gateway"),
        "Agents": http("agent", "agents"),
        "Offline services": http("local", "offline services"),
    },
)

SESSIONS = Board(
    "talk-sessions",
    "Talk / Sessions and Redis",
    "Conversations: how many, how long a turn waits for its own, and the Redis that keeps them.",
    agents=True,
    rows={
        "Sessions": [
            Panel(
                "Sessions",
                "Conversations that are kept, by agent.",
                "short",
                {"{{agent}}": "max by (agent) (talk_agent_sessions)"},
                width=8,
            ),
            Panel(
                "Wait for a session",
                "From a turn's arrival to its conversation being read: earlier turns, the lease, the store. "
                "The objective is 0.5 s.",
                "s",
                quantiles("talk_agent_session_setup_seconds", "agent"),
                width=8,
            ),
            Panel(
                "Turns refused for a busy session",
                "Turns a second that waited in vain for the turn before them (409).",
                "reqps",
                rate("talk_agent_turn_failures_total", "agent", '{code="session_busy"}'),
                width=8,
            ),
        ],
        "Redis": [
            Panel(
                "Redis answers",
                "Agents' pods that reach Redis, as part of all.",
                "percentunit",
                {"reached": "avg(talk_agent_redis_up)"},
                width=8,
            ),
            Panel(
                "Round trips",
                "Seconds of a command, or a batch of them.",
                "s",
                quantiles("talk_agent_redis_command_seconds"),
                width=8,
            ),
            Panel(
                "Round trips that fail",
                "Round trips a second, all and failed.",
                "reqps",
                {
                    "all": f"sum(rate(talk_agent_redis_command_seconds_count{RATE}))",
                    "failed": f"sum(rate(talk_agent_redis_errors_total{RATE}))",
                },
                width=8,
            ),
            Panel(
                "Memory",
                "What Redis uses, and what it may use (0: no limit).",
                "bytes",
                {"used": "max(talk_agent_redis_memory_bytes)", "limit": "max(talk_agent_redis_memory_limit_bytes)"},
            ),
            Panel(
                "Connections",
                "Connections that Redis serves, and how many it accepts.",
                "short",
                {"open": "max(talk_agent_redis_clients)", "limit": "max(talk_agent_redis_clients_limit)"},
            ),
            Panel(
                "Lost for want of room",
                "Keys dropped and connections refused since Redis started; both stay at 0.",
                "short",
                {
                    "keys": "max(talk_agent_redis_evicted_keys)",
                    "connections": "max(talk_agent_redis_rejected_connections)",
                },
                width=8,
            ),
            Panel(
                "Writes to disk go well",
                "1 while Redis' latest writes to its disk succeeded.",
                "short",
                {"ok": "min(talk_agent_redis_persistence_ok)"},
                width=8,
            ),
            Panel(
                "Uptime of Redis",
                "Seconds since Redis started; a fall is a restart.",
                "s",
                {"up for": "max(talk_agent_redis_uptime_seconds)"},
                width=8,
            ),
        ],
    },
)

LOOPS = " or ".join(f"rate(talk_{room}_event_loop_lag_seconds_bucket{RATE})" for room in ("gateway", "agent", "local"))
BUILDS = " or ".join(f"talk_{room}_build_info" for room in ("gateway", "agent", "local"))

PROCESSES = Board(
    "talk-processes",
    "Talk / Processes",
    "Each process by its own figures: CPU, memory, event loop, files, restarts, version.",
    rows={
        "Load": [
            Panel(
                "CPU",
                "Cores that each process uses; a Python process uses one for its event loop.",
                "short",
                running(f"rate(process_cpu_seconds_total{RATE})"),
            ),
            Panel("Memory", "Memory that each process holds (RSS).", "bytes", running("process_resident_memory_bytes")),
            Panel(
                "Lag of the event loop, p99",
                "How late the event loop comes to what is due; above 0.25 s sound stutters.",
                "s",
                {"{{job}} {{instance}}": f"histogram_quantile(0.99, sum by (le, job, instance) ({LOOPS}))"},
            ),
            Panel(
                "Open files",
                "Open file descriptors, as part of those allowed.",
                "percentunit",
                running("process_open_fds / process_max_fds"),
            ),
        ],
        "Life": [
            Panel("Up", "1 while the process answers Prometheus.", "short", running("up")),
            Panel(
                "Age",
                "Seconds since each process started; a fall is a restart.",
                "s",
                running("time() - process_start_time_seconds"),
            ),
            Panel(
                "Versions",
                "Processes by version; two for long is a roll-out that hangs.",
                "short",
                {"{{version}}": f"count by (version) ({BUILDS})"},
            ),
            Panel(
                "Runs of the garbage collector",
                "Runs a second by generation; the oldest one pauses everything.",
                "reqps",
                rate("python_gc_collections_total", "generation"),
            ),
        ],
    },
)

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
                {"ready: {{ready}}": "max by (ready) (talk_operator_agents)"},
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

BOARDS = (OVERVIEW, VOICE, AGENTS, PROVIDERS, HTTP, SESSIONS, PROCESSES, OPERATOR)
