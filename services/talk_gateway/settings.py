"""The gateway's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from talk_gateway.auth.settings import AuthSettings
from talk_gateway.providers.named import NamedProvider, named_providers
from talk_kit.connections import CONNECTIONS
from talk_kit.settings import http_url, integer, load, one_of, seconds, setting, words

OPENAI_BASE_URL = "https://api.openai.com/v1"
# OpenAI's, for every provider whose own are not set.
ASR_MODEL, TTS_MODEL, TTS_VOICE = "gpt-4o-mini-transcribe", "gpt-4o-mini-tts", "alloy"

# The languages that speech is accepted in: upstream's Indian languages, and those that common ASR models share.
LANGUAGES = words("en,as,bn,de,es,fr,gu,hi,it,ja,kn,ko,ml,mr,ne,nl,or,pa,pl,pt,ru,sa,sd,ta,te,th,tr,uk,ur,vi,zh,ar,id")


def agent_urls(raw: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`name=url` pairs; an agent of several replicas is `name=url|url`."""
    pairs = [pair.partition("=") for pair in words(raw)]
    if not all(name and url for name, _, url in pairs):
        raise ValueError("give name=url pairs, separated by commas")
    return tuple((name.strip(), tuple(http_url(each.strip()) for each in urls.split("|"))) for name, _, urls in pairs)


def json_object(raw: str) -> Mapping[str, Any]:
    """A JSON object."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ValueError("give a JSON object") from error
    if not isinstance(value, dict):
        raise ValueError("give a JSON object")
    return value


def paths(raw: str) -> tuple[Path, ...]:
    """A comma separated list of files or folders."""
    return tuple(Path(part) for part in words(raw))


@dataclass(frozen=True, slots=True)
class Settings(AuthSettings):
    """Read once at start by `read`."""

    host: str = setting("TALK_HOST", "127.0.0.1", doc="Address to listen on; `*` is every address of both families.")
    port: int = setting("TALK_PORT", 8080, doc="Port of the API and the page.", parse=integer(1, 65535))
    metrics_port: int = setting(
        "TALK_METRICS_PORT",
        0,
        doc="A port of its own for /metrics, so that an Ingress never shows it; 0 serves it beside the API.",
        parse=integer(0, 65535),
    )
    log_level: str = setting(
        "TALK_LOG_LEVEL", "info", doc="Least level that is logged.", parse=one_of("debug", "info", "warning", "error")
    )
    log_hash_key: str = setting(
        "TALK_LOG_HASH_KEY", "", doc="Keys the hash of session ids in logs; processes that share it agree.", secret=True
    )
    directory: str = setting(
        "TALK_DIRECTORY",
        "static",
        doc="Where agents come from: `static` is TALK_AGENTS, `kubernetes` watches TalkAgents and their pods.",
        parse=one_of("static", "kubernetes"),
    )
    namespace: str = setting(
        "TALK_NAMESPACE", "", doc="Namespace whose agents go by their plain names. In a pod it is known without."
    )
    watch_namespaces: tuple[str, ...] = setting(
        "TALK_WATCH_NAMESPACES", (), doc="More namespaces, whose agents are name.namespace.", parse=words
    )
    agent_voice: Mapping[str, Any] | None = setting(
        "TALK_AGENT_VOICE",
        None,
        doc="JSON: what `spec.voice` of TalkAgents in a cluster leaves out (`agentDefaults.voice` of the chart).",
        parse=json_object,
    )
    agents: tuple[tuple[str, tuple[str, ...]], ...] = setting(
        "TALK_AGENTS",
        (),
        doc="Agents and where they listen: name=url pairs, separated by commas; replicas are name=url|url.",
        parse=agent_urls,
    )
    agent_files: tuple[Path, ...] = setting(
        "TALK_AGENT_FILES", (), doc="TalkAgent files that describe these agents, separated by commas.", parse=paths
    )
    default_agent: str = setting(
        "TALK_DEFAULT_AGENT", "", doc="The agent of `mode: llm`: `assistant`, or the only agent there is."
    )
    asr_base_url: str = setting(
        "TALK_ASR_BASE_URL", "", doc="OpenAI-compatible endpoint of the speech recognition.", parse=http_url
    )
    asr_model: str = setting("TALK_ASR_MODEL", ASR_MODEL, doc="Model of the speech recognition.")
    asr_api_key: str = setting("TALK_ASR_API_KEY", "", doc="Its API key.", secret=True)
    tts_base_url: str = setting(
        "TALK_TTS_BASE_URL", "", doc="OpenAI-compatible endpoint of the speech synthesis.", parse=http_url
    )
    tts_model: str = setting("TALK_TTS_MODEL", TTS_MODEL, doc="Model of the speech synthesis.")
    tts_voice: str = setting("TALK_TTS_VOICE", TTS_VOICE, doc="Voice of the speech synthesis.")
    tts_api_key: str = setting("TALK_TTS_API_KEY", "", doc="Its API key.", secret=True)
    openai_api_key: str = setting(
        "OPENAI_API_KEY", "", doc="Selects OpenAI for each part whose own endpoint is not set.", secret=True
    )
    asr_api_key_file: str = setting(
        "TALK_ASR_API_KEY_FILE",
        "",
        doc="File with the API key of the speech recognition, read at each call; wins over TALK_ASR_API_KEY.",
        secret=True,
    )
    tts_api_key_file: str = setting(
        "TALK_TTS_API_KEY_FILE",
        "",
        doc="File with the API key of the speech synthesis, read at each call; wins over TALK_TTS_API_KEY.",
        secret=True,
    )
    asr_fallbacks: tuple[str, ...] = setting(
        "TALK_ASR_FALLBACKS",
        (),
        doc="Speech providers that transcribe, in this order, what the default one does not.",
        parse=words,
    )
    tts_fallbacks: tuple[str, ...] = setting(
        "TALK_TTS_FALLBACKS",
        (),
        doc="Speech providers that speak, in this order, what the default one does not.",
        parse=words,
    )
    speech_providers: tuple[NamedProvider, ...] = setting(
        "TALK_SPEECH_PROVIDERS",
        (),
        doc="JSON: more speech providers, which TalkAgents and fallbacks name: a list of {name, baseURL, apiKeyFile, "
        "transcription: {model, fallbacks}, speech: {model, voice, fallbacks}}.",
        parse=named_providers,
    )
    cors_origins: tuple[str, ...] = setting(
        "TALK_CORS_ORIGINS", (), doc="Origins of other sites that may call the API from a browser.", parse=words
    )
    languages: tuple[str, ...] = setting(
        "TALK_LANGUAGES", LANGUAGES, doc="Languages of speech that are accepted (BCP-47).", parse=words
    )
    text_length: int = setting(
        "TALK_TEXT_LENGTH", 4000, unit="code points", doc="Longest text of a turn.", parse=integer(1, 100_000)
    )
    body_bytes: int = setting(
        "TALK_BODY_BYTES",
        1_048_576,
        unit="bytes",
        doc="Largest JSON body; a text of TALK_TEXT_LENGTH may bound it further.",
        parse=integer(1024, 1 << 30),
    )
    upload_bytes: int = setting(
        "TALK_UPLOAD_BYTES", 26_214_400, unit="bytes", doc="Largest recording: 25 MiB.", parse=integer(1024, 1 << 30)
    )
    recording_seconds: float = setting(
        "TALK_RECORDING_SECONDS", 120.0, unit="seconds", doc="Longest recording.", parse=seconds(1, 3600)
    )
    upload_timeout: float = setting(
        "TALK_UPLOAD_TIMEOUT", 60.0, unit="seconds", doc="Bound of receiving an upload.", parse=seconds(1, 3600)
    )
    upload_rate: int = setting(
        "TALK_UPLOAD_RATE",
        500,
        unit="bytes a second",
        doc="Least pace of a body, on average, after its first 10 s; 0 is none.",
        parse=integer(0, 1 << 30),
    )
    connections: int = setting(
        "TALK_CONNECTIONS",
        CONNECTIONS,
        doc="Connections held at once, at most half of the files that the process may open; "
        "one more closes the one that has been idle for longest.",
        parse=integer(1, 1_000_000),
    )
    asr_timeout: float = setting(
        "TALK_ASR_TIMEOUT", 30.0, unit="seconds", doc="Bound of one transcription.", parse=seconds(1, 600)
    )
    tts_timeout: float = setting(
        "TALK_TTS_TIMEOUT", 15.0, unit="seconds", doc="Longest silence of the synthesis.", parse=seconds(1, 600)
    )
    tts_first_timeout: float = setting(
        "TALK_TTS_FIRST_TIMEOUT",
        10.0,
        unit="seconds",
        doc="Bound of the first sound of a sentence; then a fallback is asked.",
        parse=seconds(0.1, 600),
    )
    tts_total_timeout: float = setting(
        "TALK_TTS_TOTAL_TIMEOUT",
        60.0,
        unit="seconds",
        doc="Longest that the synthesis of one sentence is waited for in all.",
        parse=seconds(1, 600),
    )
    connect_timeout: float = setting(
        "TALK_CONNECT_TIMEOUT",
        5.0,
        unit="seconds",
        doc="Bound of connecting to a speech provider.",
        parse=seconds(0.1, 60),
    )
    retries: int = setting(
        "TALK_RETRIES",
        1,
        doc="How often a call of a speech provider is made again where that is safe; 0 is never.",
        parse=integer(0, 10),
    )
    breaker_failures: int = setting(
        "TALK_BREAKER_FAILURES",
        5,
        doc="Failures in a row after which a speech provider, or a pod of an agent, is left alone.",
        parse=integer(1, 1_000_000),
    )
    breaker_seconds: float = setting(
        "TALK_BREAKER_SECONDS",
        10.0,
        unit="seconds",
        doc="For how long; then one call tries it.",
        parse=seconds(0.1, 3600),
    )
    turns: int = setting(
        "TALK_TURNS", 200, doc="Turns that this gateway runs at once; one more is 503.", parse=integer(1, 100_000)
    )
    agent_turns: int = setting(
        "TALK_AGENT_TURNS",
        100,
        doc="Turns of one agent that this gateway runs at once; one more is 429.",
        parse=integer(1, 100_000),
    )
    waiting_turns: int = setting(
        "TALK_WAITING_TURNS", 50, doc="Turns that wait for a place before any is refused.", parse=integer(0, 100_000)
    )
    turn_wait: float = setting(
        "TALK_TURN_WAIT_SECONDS", 2.0, unit="seconds", doc="How long they wait.", parse=seconds(0, 60)
    )
    turn_timeout: float = setting(
        "TALK_TURN_TIMEOUT",
        180.0,
        unit="seconds",
        doc="Bound of a whole turn; an agent's own limits.runTimeout (60 s) ends its part before.",
        parse=seconds(1, 3600),
    )
    drain_seconds: float = setting(
        "TALK_DRAIN_SECONDS",
        30.0,
        unit="seconds",
        doc="How long running turns may finish on stop.",
        parse=seconds(0, 3600),
    )
    endpoint_delay: float = setting(
        "TALK_ENDPOINT_DELAY_SECONDS",
        0.0,
        unit="seconds",
        doc="How long a stopping process still accepts requests; 5 in the chart, for Services to notice.",
        parse=seconds(0, 300),
    )


def read(environ: Mapping[str, str]) -> Settings:
    """The settings of the environment, or SettingsError."""
    return load(Settings, environ)
