"""Every variable that any room reads, so that each room refuses what none knows. A test keeps it complete."""

from __future__ import annotations

KNOWN_PREFIXES = ("TALK_SECRET_", "TALK_TEST_")

KNOWN_NAMES = frozenset(
    [
        "TALK_AGENTS",
        "TALK_AGENT_FILE",
        "TALK_AGENT_FILES",
        "TALK_AGENT_NAME",
        "TALK_API_KEY",
        "TALK_ASR_API_KEY",
        "TALK_ASR_BASE_URL",
        "TALK_ASR_MODEL",
    "TALK_ASR_TIMEOUT",
    "TALK_DRAIN_SECONDS",
    "TALK_ENDPOINT_DELAY_SECONDS",
    "TALK_LANGUAGES",
    "TALK_RECORDING_SECONDS",
    "TALK_TEXT_LENGTH",
    "TALK_TTS_TIMEOUT",
    "TALK_TURN_TIMEOUT",
    "TALK_UPLOAD_BYTES",
    "TALK_UPLOAD_TIMEOUT",
        "TALK_BASE_URL",
        "TALK_CORS_ORIGINS",
        "TALK_DEFAULT_AGENT",
        "TALK_GATEWAY_URL",
        "TALK_HOST",
        "TALK_LOG_HASH_KEY",
        "TALK_LOG_LEVEL",
        "TALK_METRICS_PORT",
        "TALK_MAX_MEMORY_SESSIONS",
        "TALK_SESSION_WAIT_SECONDS",
        "TALK_MODEL",
        "TALK_PORT",
        "TALK_TTS_API_KEY",
        "TALK_TTS_BASE_URL",
        "TALK_TTS_MODEL",
        "TALK_TTS_VOICE",
    ]
)
