"""The settings of talk_local; the only reader of its environment."""

from __future__ import annotations

from dataclasses import dataclass

from talk_kit.settings import integer, one_of, seconds, setting, words

PARTS = ("asr", "tts", "llm")


def parts(raw: str) -> tuple[str, ...]:
    """Names of `PARTS`, separated by commas; at least one."""
    named = words(raw.lower())
    if not named or set(named) - set(PARTS):
        raise ValueError(f"give some of {', '.join(PARTS)}, separated by commas")
    return named


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once, at start."""

    host: str = setting("TALK_HOST", "127.0.0.1", doc="Address to listen on; * is every address of both families.")
    port: int = setting("TALK_PORT", 8090, doc="Port of the API.", parse=integer(0, 65535))
    metrics_port: int = setting(
        "TALK_METRICS_PORT", 0, doc="A port of its own for /metrics; 0: only beside the API.", parse=integer(0, 65535)
    )
    log_level: str = setting(
        "TALK_LOG_LEVEL",
        "info",
        doc="debug, info, warning or error.",
        parse=one_of("debug", "info", "warning", "error"),
    )
    parts: tuple[str, ...] = setting(
        "TALK_LOCAL_PARTS", PARTS, doc="What to load and serve: asr, tts, llm, separated by commas.", parse=parts
    )
    threads: int = setting(
        "TALK_LOCAL_THREADS",
        2,
        doc="Threads of one synthesis.",
        parse=integer(1, 64),
    )
    queue: int = setting(
        "TALK_LOCAL_QUEUE",
        32,
        doc="Requests of one kind that may wait for their turn; one more is answered 503 provider_busy.",
        parse=integer(0, 10_000),
    )
    audio_seconds: float = setting(
        "TALK_LOCAL_AUDIO_SECONDS",
        150.0,
        unit="seconds",
        doc="Longest recording that is transcribed; over the gateway's 120 s, so that its error is the one seen.",
        parse=seconds(1, 3600),
    )
    asr_model: str = setting(
        "TALK_LOCAL_ASR_MODEL", "", doc="Folder of a Moonshine model; empty: tiny-en, which moonshine-voice brings."
    )
    tts_voice: str = setting(
        "TALK_LOCAL_TTS_VOICE",
        "",
        doc="A United States English Piper voice (.onnx with its .onnx.json beside it); empty: joe.",
    )
    llm_gguf: str = setting(
        "TALK_LOCAL_LLM_GGUF",
        "",
        doc="A GGUF file of your own for the chat route; empty: SmolLM2-135M-Instruct, which is only a demonstration.",
    )
    llm_context: int = setting(
        "TALK_LOCAL_LLM_CONTEXT",
        4096,
        unit="tokens",
        doc="Context of one conversation. Memory grows with it and with the number of slots.",
        parse=integer(256, 1_048_576),
    )
    llm_slots: int = setting(
        "TALK_LOCAL_LLM_SLOTS",
        2,
        doc="Replies that are written at the same time; each slot keeps its last prompt for reuse.",
        parse=integer(1, 64),
    )
    llm_threads: int = setting(
        "TALK_LOCAL_LLM_THREADS",
        1,
        doc="Threads that write a reply. One loses nothing (146 against 137 tokens/s) and leaves a core for speech.",
        parse=integer(1, 64),
    )
    llm_prompt_threads: int = setting(
        "TALK_LOCAL_LLM_PROMPT_THREADS",
        0,
        doc="Threads that read a prompt; 0: half the cores, at most 4. They spin: with more of them than idle cores "
        "a prompt takes three times as long as with one.",
        parse=integer(0, 64),
    )
    llm_tokens: int = setting(
        "TALK_LOCAL_LLM_TOKENS",
        256,
        unit="tokens",
        doc="Longest reply when a request sets no max_tokens; a small model that loops stops there.",
        parse=integer(1, 1_048_576),
    )
    llm_idle: float = setting(
        "TALK_LOCAL_LLM_IDLE_SECONDS",
        60.0,
        unit="seconds",
        doc="Longest silence of the model while it reads a prompt or waits for a slot.",
        parse=seconds(1, 3600),
    )
    drain_seconds: float = setting(
        "TALK_DRAIN_SECONDS",
        5.0,
        unit="seconds",
        doc="How long running requests may go on after SIGTERM.",
        parse=seconds(1, 3600),
    )
