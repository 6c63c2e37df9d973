"""The model of a TalkAgent: which class, with which fallbacks, and how it is probed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.adk.models.base_llm import BaseLlm

from talk_agent.models.failures import TARGET
from talk_agent.models.fallback import FallbackLlm
from talk_agent.models.merge import Waits
from talk_agent.models.openai_compatible import OpenAICompatibleLlm
from talk_agent.models.options import ModelOptions
from talk_agent.models.probe import ChainProbe
from talk_agent.models.streaming import StreamingLlm, unrepeated
from talk_kit.errors import ProviderUnreachable
from talk_kit.guard import Guard
from talk_kit.http_client import CONNECT_SECONDS, HttpPool
from talk_kit.retry import Retries
from talk_kit.talkagent.references import KeyRef, MissingReference
from talk_kit.talkagent.secret import Secret
from talk_kit.talkagent.spec import ModelSpec

ReadSecret = Callable[[KeyRef], Secret]


def build_model(
    specs: Sequence[ModelSpec],
    *,
    pool: HttpPool,
    secret: ReadSecret,
    default_key: Secret | None = None,
    on_retry: Callable[[str], None] = lambda _target: None,
) -> BaseLlm:
    """The model of `Spec.models`: the first one, and the others as its fallbacks.

    `secret` is asked at each call of the model; `on_retry` is told the target of each call that is made again.
    Raises ValueError where there is no model at all.
    """
    if not specs:
        raise ValueError("no model: set spec.model.name, or TALK_MODEL")
    guards = _guards(specs, on_retry)
    members = [_member(spec, guard, pool, secret, default_key) for spec, guard in zip(specs, guards, strict=True)]
    return FallbackLlm.of(members) if len(members) > 1 else members[0]


def endpoints(model: BaseLlm) -> list[StreamingLlm]:
    """Those of a model that `build_model` made, in the order in which they are asked."""
    members = model.members if isinstance(model, FallbackLlm) else [model]
    return [member for member in members if isinstance(member, StreamingLlm)]


def chain_probe(model: BaseLlm) -> ChainProbe:
    """The probe of a model that `build_model` made."""
    return ChainProbe([endpoint.probed for endpoint in endpoints(model)])


def _guards(specs: Sequence[ModelSpec], on_retry: Callable[[str], None]) -> list[Guard]:
    """One for each endpoint, named for its model. Only the last is asked again: instead of others the next one is."""
    names = [spec.name for spec in specs]
    targets = [name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, 1)]
    guards = [unrepeated(target) for target in targets[:-1]]
    last = targets[-1]
    return [*guards, Guard(last, TARGET, retries=Retries(on_retry=lambda _error: on_retry(last)))]


def _member(
    spec: ModelSpec, guard: Guard, pool: HttpPool, secret: ReadSecret, default_key: Secret | None
) -> StreamingLlm:
    options = ModelOptions(
        name=spec.name,
        base_url=spec.base_url,
        api_key=_key(spec, secret, default_key),
        temperature=spec.temperature,
        max_tokens=spec.max_tokens,
        waits=Waits(min(CONNECT_SECONDS, spec.timeout), spec.timeout, spec.timeout),
    )
    if spec.provider == "openai":
        return OpenAICompatibleLlm.of(options, pool, guard)
    # 60 MB and some seconds that most agents never need.
    from talk_agent.models.litellm_model import LiteLlmModel

    return LiteLlmModel.of(options, guard)


def _key(spec: ModelSpec, secret: ReadSecret, default_key: Secret | None) -> Callable[[], str | None]:
    ref = spec.api_key_ref

    def read() -> str | None:
        if ref is None:
            return default_key.reveal() if default_key and spec.uses_default_key else None
        try:
            return secret(ref).reveal()
        except MissingReference as error:
            raise ProviderUnreachable(f"The model's API key is missing: {error}") from error

    return read
