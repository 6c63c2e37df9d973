from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import Field

from talk_agent.models import failures
from talk_agent.models.fallback import FallbackLlm
from talk_kit.errors import ContentFiltered, ProviderBusy, ProviderUnreachable, TalkError


class Scripted(BaseLlm):
    """Says its words, then fails where it should."""

    words: list[str] = Field(default_factory=list)
    error: Exception | None = None
    asked: int = 0
    closed: int = 0

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.asked += 1
        try:
            for word in self.words:
                yield answer(word, partial=True)
            if self.error:
                raise self.error
            yield answer("".join(self.words), partial=False)
        finally:
            self.closed += 1


def answer(text: str, *, partial: bool) -> LlmResponse:
    return LlmResponse(content=types.Content(role="model", parts=[types.Part(text=text)]), partial=partial)


async def said(model: BaseLlm) -> list[str]:
    answers = model.generate_content_async(LlmRequest(), stream=True)
    return [a.content.parts[0].text or "" async for a in answers if a.content and a.content.parts and a.partial]


def failing(error: Exception, *words: str) -> Scripted:
    return Scripted(model="first", words=list(words), error=error)


def well() -> Scripted:
    return Scripted(model="second", words=["Hello."])


@pytest.mark.parametrize(
    "error",
    [
        failures.from_status(429, {}),
        failures.from_status(500, {}),
        failures.from_status(401, {}),
        failures.from_status(404, {}),
        failures.silent(),
        failures.in_band({"message": "x"}),
        failures.empty_reply(),
        failures.broken_off(),
        ProviderUnreachable("refused"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error}",
)
async def test_the_next_model_answers_what_the_first_one_did_not(error: TalkError) -> None:
    first = failing(error)
    assert await said(FallbackLlm.of([first, well()])) == ["Hello."]
    assert (first.asked, first.closed) == (1, 1)


@pytest.mark.parametrize("error", [failures.content_filtered(), failures.from_status(400, {})])
async def test_what_no_other_model_mends_is_raised(error: TalkError) -> None:
    second = well()
    with pytest.raises(type(error)):
        await said(FallbackLlm.of([failing(error), second]))
    assert second.asked == 0


async def test_no_other_model_goes_on_in_mid_sentence() -> None:
    second = well()
    with pytest.raises(ProviderBusy):
        await said(FallbackLlm.of([failing(ProviderBusy("x"), "The answer"), second]))
    assert second.asked == 0


async def test_the_last_models_error_is_raised_when_all_fail() -> None:
    models = [failing(ProviderBusy("x")), failing(ContentFiltered("y"))]
    with pytest.raises(ContentFiltered):
        await said(FallbackLlm.of(models))


async def test_a_defect_is_no_reason_to_ask_another_model() -> None:
    with pytest.raises(ZeroDivisionError):
        await said(FallbackLlm.of([failing(ZeroDivisionError()), well()]))


async def test_closing_the_chain_closes_the_model_that_answers() -> None:
    second = well()
    answers = FallbackLlm.of([failing(ProviderBusy("x")), second]).generate_content_async(LlmRequest(), stream=True)
    await anext(answers)
    await answers.aclose()
    assert second.closed == 1
