"""The agents that the settings name, described by their TalkAgent files where there are any."""

from __future__ import annotations

from talk_gateway.directory import Agent, AgentVoice, Pods
from talk_gateway.providers.build import breaker_limits
from talk_gateway.settings import Settings
from talk_kit.names import canonical_agent_name, is_agent_name
from talk_kit.settings import SettingsError
from talk_kit.talkagent import InvalidFiles, TalkAgent, read_agents


def known_agents(settings: Settings) -> list[Agent]:
    """One for each pair of TALK_AGENTS. SettingsError names a wrong file or name."""
    described, limits = _described(settings), breaker_limits(settings)
    return [_agent(canonical_agent_name(name), Pods(urls, limits=limits), described) for name, urls in settings.agents]


def _described(settings: Settings) -> dict[str, TalkAgent]:
    if not settings.agent_files:
        return {}
    try:
        return dict(read_agents(settings.agent_files).by_name)
    except InvalidFiles as error:
        raise SettingsError([f"TALK_AGENT_FILES: {problem}" for problem in error.problems]) from error


def _agent(name: str, pods: Pods, described: dict[str, TalkAgent]) -> Agent:
    if not is_agent_name(name):
        raise SettingsError([f"TALK_AGENTS: {name!r} is no name of an agent: lower case letters, digits and hyphens"])
    if name not in described:
        return Agent(name, pods)
    spec = described[name].spec
    voice = AgentVoice(
        enabled=spec.voice.enabled,
        language=spec.voice.language,
        transcription_provider=spec.voice.transcription.provider,
        transcription_model=spec.voice.transcription.model,
        speech_provider=spec.voice.speech.provider,
        speech_model=spec.voice.speech.model,
        speech_voice=spec.voice.speech.voice,
    )
    rate = spec.limits.requests_per_minute or 0
    return Agent(name, pods, spec.description, voice, requests_per_minute=rate)
