"""Settings of `talk run`: what decides which processes there are. The processes read the rest themselves."""

from __future__ import annotations

from dataclasses import dataclass

from talk_kit.settings import http_url, integer, one_of, setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once, when `talk run` starts."""

    host: str = setting("TALK_HOST", "127.0.0.1", doc="Address that the gateway listens on; agents stay on loopback.")
    port: int = setting("TALK_PORT", 8080, doc="Port of the page and the API.", parse=integer(1, 65535))
    model: str | None = setting("TALK_MODEL", None, doc="Default model, such as openai/gpt-4.1-mini.")
    base_url: str | None = setting("TALK_BASE_URL", None, doc="Where the default model is.", parse=http_url)
    api_key: str | None = setting("TALK_API_KEY", None, doc="The default model's key.", secret=True)
    openai_api_key: str | None = setting(
        "OPENAI_API_KEY", None, doc="Alone, it selects OpenAI for the model and for speech.", secret=True
    )
    asr_base_url: str | None = setting(
        "TALK_ASR_BASE_URL",
        None,
        doc="Speech to text; without it and without OPENAI_API_KEY it is local.",
        parse=http_url,
    )
    tts_base_url: str | None = setting(
        "TALK_TTS_BASE_URL",
        None,
        doc="Text to speech; without it and without OPENAI_API_KEY it is local.",
        parse=http_url,
    )
    redis_url: str | None = setting(
        "TALK_REDIS_URL", None, doc="Where sessions are kept, in place of a server of this machine.", secret=True
    )
    redis_host: str | None = setting("TALK_REDIS_HOST", None, doc="The same, apart.")
    state_dir: str | None = setting(
        "TALK_STATE_DIR",
        None,
        doc="Where conversations are kept; $XDG_STATE_HOME/talk (~/.local/state/talk) if not set.",
    )
    chat_api_key: str | None = setting(
        "TALK_CHAT_API_KEY", None, doc="The API key of `talk chat`, where the gateway asks for one.", secret=True
    )
    default_agent: str | None = setting("TALK_DEFAULT_AGENT", None, doc="The agent of `mode: llm`.")
    log_level: str = setting(
        "TALK_LOG_LEVEL", "info", doc="Least level that is logged.", parse=one_of("debug", "info", "warning", "error")
    )
    log_hash_key: str | None = setting(
        "TALK_LOG_HASH_KEY", None, doc="Keys the hash of session ids in logs; drawn anew when not set.", secret=True
    )

    @property
    def has_model(self) -> bool:
        """Whether a provider of the default model is configured."""
        return bool(self.model or self.base_url or self.api_key or self.openai_api_key)

    @property
    def openai_alone(self) -> bool:
        """Whether OPENAI_API_KEY chooses the default model too."""
        return bool(self.openai_api_key) and not (self.model or self.base_url or self.api_key)

    @property
    def has_model_name(self) -> bool:
        """Whether a configured provider comes with the name of its model."""
        return bool(self.model) or self.openai_alone

    @property
    def has_asr(self) -> bool:
        """Whether a provider of speech to text is configured."""
        return bool(self.asr_base_url or self.openai_api_key)

    @property
    def has_tts(self) -> bool:
        """Whether a provider of text to speech is configured."""
        return bool(self.tts_base_url or self.openai_api_key)
