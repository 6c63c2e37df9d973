from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from talk_agent.models.build import build_model, chain_probe
from talk_agent.models.fallback import FallbackLlm
from talk_agent.models.merge import Waits
from talk_agent.models.openai_compatible import OpenAICompatibleLlm
from talk_kit.errors import ProviderUnreachable, TalkError
from talk_kit.http_client import HttpPool
from talk_kit.talkagent.references import KeyRef, References
from talk_kit.talkagent.secret import Secret
from talk_kit.talkagent.spec import ModelSpec
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.unit.talk_agent.models.conversation import answers, texts

pytestmark = pytest.mark.loopback

REF = KeyRef("Secret", "keys", "openai")


@pytest.fixture
async def llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as server:
        yield server


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    async with HttpPool() as clients:
        yield clients


async def test_a_spec_is_the_model_it_describes(pool: HttpPool) -> None:
    spec = ModelSpec("openai/m", "http://h/v1", temperature=0.2, max_tokens=9, timeout=12.0)
    model = build_model([spec], pool=pool, secret=References().secret)
    assert isinstance(model, OpenAICompatibleLlm)
    assert (model.model, model.options.base_url) == ("openai/m", "http://h/v1")
    assert model.options.body() == {"temperature": 0.2, "max_tokens": 9}
    assert model.options.waits == Waits(5.0, 12.0, 12.0)


async def test_no_model_is_said_so(pool: HttpPool) -> None:
    with pytest.raises(ValueError, match="TALK_MODEL"):
        build_model([], pool=pool, secret=References().secret)


async def test_a_key_comes_from_its_secret_and_the_default_key_goes_nowhere_else(llm: FakeLlm, pool: HttpPool) -> None:
    references = References(environ={REF.variable: "sk-own\n"})
    specs = [
        ModelSpec("openai/m", llm.url, api_key_ref=REF),
        ModelSpec("openai/m", llm.url, uses_default_key=True),
        ModelSpec("openai/m", llm.url),
    ]
    for spec in specs:
        model = build_model([spec], pool=pool, secret=references.secret, default_key=Secret("sk-default"))
        await answers(model)
    keys = [request.headers.get("authorization") for request in llm.requests]
    assert keys == ["Bearer sk-own", "Bearer sk-default", None]


async def test_a_missing_key_is_named_in_a_turn_and_in_the_probe(llm: FakeLlm, pool: HttpPool) -> None:
    model = build_model([ModelSpec("openai/m", llm.url, api_key_ref=REF)], pool=pool, secret=References().secret)
    with pytest.raises(ProviderUnreachable, match="keys"):
        await answers(model)
    with pytest.raises(ProviderUnreachable, match="keys"):
        await chain_probe(model).probe()
    assert llm.requests == []


async def test_fallbacks_answer_and_say_who_answered(llm: FakeLlm, pool: HttpPool) -> None:
    specs = [ModelSpec("openai/first", llm.url), ModelSpec("openai/second", llm.url)]
    model = build_model(specs, pool=pool, secret=References().secret)
    assert isinstance(model, FallbackLlm)
    llm.script(fake.status(429), fake.reply("Hello."))
    found = await answers(model)
    assert texts(found) == "Hello."
    assert found[-1].model_version == "openai/second"
    assert [request.json["model"] for request in llm.requests] == ["first", "second"]


async def test_the_chain_is_there_while_one_of_its_models_is(llm: FakeLlm, pool: HttpPool) -> None:
    gone = ModelSpec("openai/first", "http://127.0.0.1:9/v1")
    model = build_model([gone, ModelSpec("openai/second", llm.url)], pool=pool, secret=References().secret)
    await chain_probe(model).probe()
    alone = build_model([gone], pool=pool, secret=References().secret)
    with pytest.raises(TalkError):
        await chain_probe(alone).probe()
