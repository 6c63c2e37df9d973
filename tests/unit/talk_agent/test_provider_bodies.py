"""Every provider body of the corpus through the whole agent: the right end, and a next turn that works."""

from __future__ import annotations

from itertools import pairwise

import pytest

from talk_kit.events import ReplyDelta, ToolStarted, TurnCompleted, TurnFailed
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.unit.talk_agent.conftest import ServeAgent
from tests.unit.talk_agent.models.corpus import Case, cases

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
async def test_a_body_ends_right_and_the_next_turn_works(llm: FakeLlm, serve_agent: ServeAgent, case: Case) -> None:
    async with serve_agent(llm.url) as agent:
        llm.script(fake.body(case.body, case.cuts, status=case.status))
        events = await agent.stream("Hello")
        called = len(llm.requests) - 1
        again = await agent.say("Again")

    said = "".join(event.text for event in events if isinstance(event, ReplyDelta))
    expected = case.expect
    ending = events[-1]
    assert isinstance(ending, TurnCompleted | TurnFailed)
    if expected["outcome"] == "completed":
        assert isinstance(ending, TurnCompleted), ending
        assert said == ending.reply
    elif expected["outcome"] == "failed":
        assert isinstance(ending, TurnFailed), ending
        assert "code" not in expected or ending.code == expected["code"]
        assert ending.retryable is expected["retryable"]
        assert expected.get("not_in_client_output", "upstream") not in str(events)
    after_tools = f"\n\n{fake.FIXED_REPLY}" if expected.get("text") else fake.FIXED_REPLY
    assert said == (expected.get("text") or "") + (after_tools if called and expected.get("tool_calls") else "")
    names = [event.name for event in events if isinstance(event, ToolStarted)]
    assert names == [call["name"] for call in expected.get("tool_calls", [])]
    assert again.status_code == 200
    roles = [message["role"] for message in llm.requests[-1].json["messages"]]
    assert all(earlier != later for earlier, later in pairwise(roles) if later != "tool")
