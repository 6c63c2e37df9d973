from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.models.chunks import ChatStream
from talk_agent.models.pieces import Calling, Failed, Finished, Piece, Reasoning, Text, ToolCall, Usage
from talk_kit.errors import ContentFiltered, ProviderBusy, TalkError
from tests.fakes.llm import DONE, ROLE, call, chunk, event, text, usage
from tests.unit.talk_agent.models.corpus import Case, cases

CASES = cases()
STOP = chunk({}, "stop")


class Read(NamedTuple):
    text: str
    calls: list[tuple[str, dict[str, Any] | None]]
    reason: str | None
    error: TalkError | None
    usage: Usage | None
    reasoning: str
    pieces: list[Piece]


def read(*parts: bytes) -> Read:
    stream = ChatStream()
    pieces = [piece for part in parts for piece in stream.feed(part)] + stream.end()
    found: dict[type, list[Any]] = {}
    for piece in pieces:
        found.setdefault(type(piece), []).append(piece)
    return Read(
        text="".join(piece.text for piece in found.get(Text, [])),
        calls=[(piece.name, piece.arguments) for piece in found.get(ToolCall, [])],
        reason=next((piece.reason for piece in found.get(Finished, [])), None),
        error=next((piece.error for piece in found.get(Failed, [])), None),
        usage=next(iter(found.get(Usage, [])), None),
        reasoning="".join(piece.text for piece in found.get(Reasoning, [])),
        pieces=pieces,
    )


def whole(*parts: bytes) -> Read:
    return read(b"".join(parts))


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    offsets = [0, *sorted(cuts), len(body)]
    return [body[start:stop] for start, stop in pairwise(offsets)]


def check(case: Case, got: Read) -> None:
    expect = case.expect
    assert got.text == expect["text"]
    if expect["outcome"] == "completed":
        assert got.error is None
        assert got.calls == [(c["name"], c["arguments"]) for c in expect.get("tool_calls", [])]
        assert got.reason == expect["finish_reason"] or got.calls
        if "usage" in expect:
            assert got.usage == (expect["usage"]["prompt_tokens"], expect["usage"]["completion_tokens"])
        if "reasoning" in expect:
            assert got.reasoning == expect["reasoning"]
    elif expect["outcome"] == "failed":
        assert got.error is not None or (got.reason, got.text) == ("content_filter", "")
        if got.error is not None:
            assert got.error.retryable is expect["retryable"]
            assert expect.get("not_in_client_output", "\0") not in got.error.detail
    assert not [arguments for _, arguments in got.calls if arguments is not None] or expect["tool_calls"]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_each_body_of_the_corpus_ends_right(case: Case) -> None:
    check(case, read(*split(case.body, case.cuts)))


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_each_body_ends_right_byte_by_byte(case: Case) -> None:
    check(case, read(*split(case.body, list(range(1, len(case.body))))))


@settings(deadline=None)
@given(case=st.sampled_from(CASES), data=st.data())
def test_where_the_network_cuts_changes_nothing(case: Case, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(case.body)), max_size=12))
    check(case, read(*split(case.body, cuts)))


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_end_in_one_piece_that_finishes_or_fails(body: bytes, size: int) -> None:
    got = read(*split(body, list(range(size, len(body), size))))
    assert sum(isinstance(piece, Finished | Failed) for piece in got.pieces) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
member_names = st.sampled_from(
    ["content", "tool_calls", "function_call", "reasoning", "refusal", "id", "index", "function", "name", "arguments"]
)


members = st.dictionaries(member_names, json_values, max_size=5)


@settings(deadline=None)
@given(delta=st.dictionaries(member_names, json_values | st.lists(members, max_size=3), max_size=5))
def test_a_delta_of_any_shape_is_no_crash(delta: dict[str, Any]) -> None:
    assert read(chunk(delta), STOP).error is None


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["choices", "usage", "object", "delta", "finish_reason"]), json_values, max_size=5)
)
def test_a_chunk_of_any_shape_is_no_crash(body: dict[str, Any]) -> None:
    read(event(body), STOP)


@pytest.mark.parametrize(
    "noise",
    [
        b": ping\n\n",
        b"data:\n\n",
        b"data: {}\n\n",
        b"data: null\n\n",
        b"data: []\n\n",
        b"data: ping\n\n",
        b"data: [HEARTBEAT]\n\n",
        b'event: ping\ndata: {"type": "ping"}\n\n',
        b"event: heartbeat\ndata: alive\n\n",
        b"retry: 3000\n\n",
        b"id: 7\n\n",
        b"id: 7\nevent: message\nretry: 1\n\n",
        b'data: {"choices": []}\n\n',
        b'data: {"choices": null}\n\n',
        b'data: {"choices": [null]}\n\n',
        b'data: {"object": "chat.completion.chunk"}\n\n',
        b'data: {"choices": [], "error": null}\n\n',
        b'data: {"choices": [{"index": 0}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": null}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": null, "tool_calls": null}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": [], "tool_calls": []}}]}\n\n',
        b'data: {"choices": [{"delta": {}, "finish_reason": ""}]}\n\n',
        b'data: {"choices": [], "usage": null}\n\n',
        chunk({"content": "Other."}).replace(b'"index": 0', b'"index": 1'),
    ],
)
def test_what_is_no_piece_of_the_answer_is_skipped_anywhere(noise: bytes) -> None:
    got = whole(noise, ROLE, noise, text("Hel"), noise, text("lo."), noise, STOP, noise, DONE)
    assert (got.text, got.reason, got.error) == ("Hello.", "stop", None)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n", b": hi\n\n"])
def test_line_ends_and_byte_order_marks(newline: bytes, start: bytes) -> None:
    body = (start + ROLE + text("Hello.") + STOP + DONE).replace(b"\n", newline)
    assert whole(body).text == "Hello."
    assert read(*split(body, list(range(1, len(body))))).text == "Hello."


def test_data_of_several_lines_is_one_event() -> None:
    lines = json.dumps({"choices": [{"delta": {"content": "Hello."}}]}, indent=1).split("\n")
    got = whole(b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n", STOP)
    assert got.text == "Hello."


def test_the_last_event_needs_no_blank_line() -> None:
    assert whole(text("Hello."), STOP.rstrip()).reason == "stop"


@pytest.mark.parametrize("done", [b"data:[DONE]\n\n", b"data: [DONE] \n\n", b'data: "[DONE]"\n\n', b"data: [done]\n\n"])
def test_done_is_enough_in_each_spelling(done: bytes) -> None:
    got = whole(text("Hello."), done, text(" More"))
    assert (got.text, got.reason) == ("Hello.", "stop")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}], "Hello."),
        ([{"text": "Hello."}], "Hello."),
        (["Hel", "lo."], "Hello."),
        ({"type": "text", "text": "Hello."}, "Hello."),
        ([{"type": "text", "text": {"value": "Hello."}}], "Hello."),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Hi."}], "Hi."),
        ([{"type": "refusal", "refusal": "No."}], "No."),
        ([{"type": "image_url"}, None, 5, {"type": "text", "text": "Hi."}], "Hi."),
        ("NUL \0 and \u2028 and \x85.", "NUL \0 and \u2028 and \x85."),
    ],
)
def test_content_in_each_shape(content: Any, said: str) -> None:
    assert whole(chunk({"content": content}), STOP).text == said


def test_a_refusal_is_heard() -> None:
    assert whole(chunk({"refusal": "I cannot "}), chunk({"content": None, "refusal": "do that."}), STOP).text == (
        "I cannot do that."
    )


def test_a_character_cut_into_two_escapes_is_whole() -> None:
    parts = [b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % half for half in (b"a\\ud83d", b"\\ude00b")]
    assert whole(*parts, STOP).text == "a😀b"


@pytest.mark.parametrize("half", [b"\\ud83d", b"\\ude00"])
def test_half_a_character_never_gets_out(half: bytes) -> None:
    got = whole(b'data: {"choices":[{"delta":{"content":"a%s"}}]}\n\n' % half, STOP)
    assert got.text.encode().startswith(b"a")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_is_life_and_no_text(name: str) -> None:
    got = whole(chunk({name: "Let me "}), chunk({name: "think.", "content": ""}), text("Hi."), STOP)
    assert (got.text, got.reasoning) == ("Hi.", "Let me think.")


def test_reasoning_details_are_life_and_no_text() -> None:
    stream = ChatStream()
    assert [type(p) for p in stream.feed(chunk({"reasoning_details": [{"text": "hm"}]}))] == [Reasoning]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("function_call", "tool_calls"),
    ],
)
def test_finish_reasons(said: str, meant: str) -> None:
    assert whole(text("Hi."), chunk({}, said)).reason == meant


@pytest.mark.parametrize(("first", "second", "meant"), [("stop", "length", "length"), ("length", "stop", "length")])
def test_of_two_finish_reasons_the_telling_one_counts(first: str, second: str, meant: str) -> None:
    assert whole(text("Hi."), chunk({}, first), chunk({}, second)).reason == meant


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_a_finish_reason_that_says_the_server_gave_up_is_a_failure(reason: str) -> None:
    assert whole(text("Hi"), chunk({}, reason), DONE).error is not None


def test_usage_in_each_chunk_counts_once_and_the_last_one_wins() -> None:
    got = whole(chunk({"content": "Hi."}, usage={"prompt_tokens": 12, "completion_tokens": 1}), STOP, usage(12, 3))
    assert got.usage == (12, 3)
    assert sum(isinstance(piece, Usage) for piece in got.pieces) == 1


ERRORS: list[Any] = [
    {"error": {"message": "SECRET", "type": "server_error", "code": 503}},
    {"error": "SECRET"},
    {"error": ["SECRET"]},
    {"error": {"message": "SECRET"}, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]},
    {"object": "error", "message": "SECRET", "code": 500},
    {"object": "error", "message": "SECRET", "choices": []},
    {"type": "error", "message": "SECRET"},
    {"message": "SECRET", "code": 1},
    {"detail": "SECRET"},
    {"detail": [{"msg": "SECRET"}]},
    {"errors": ["SECRET"]},
    {"error_code": 110, "error_msg": "SECRET"},
    [{"error": {"message": "SECRET", "status": "INTERNAL"}}],
]


@pytest.mark.parametrize("body", ERRORS)
@pytest.mark.parametrize("whole_answer", [False, True])
def test_an_error_in_the_stream_is_one_and_its_words_stay_inside(body: Any, whole_answer: bool) -> None:
    got = whole(json.dumps(body, indent=1).encode()) if whole_answer else whole(ROLE, event(body), DONE)
    assert got.error is not None
    assert got.error.retryable
    assert "SECRET" not in got.error.detail


@pytest.mark.parametrize("body", ERRORS)
def test_what_was_said_before_an_error_is_kept(body: Any) -> None:
    got = whole(text("The answer"), event(body), text(" more"), DONE)
    assert (got.text, got.error is not None) == ("The answer", True)


def test_an_event_named_error_is_one() -> None:
    assert whole(ROLE, b'event: error\ndata: {"code": "x"}\n\n').error is not None


def test_an_error_after_the_finish_does_no_harm() -> None:
    got = whole(text("Hi."), STOP, event({"error": "late"}))
    assert (got.text, got.error) == ("Hi.", None)


def test_a_limit_and_a_filter_are_known_by_their_codes() -> None:
    assert isinstance(whole(event({"error": {"code": "rate_limit_exceeded"}})).error, ProviderBusy)
    assert isinstance(whole(event({"error": {"code": 429}})).error, ProviderBusy)
    assert isinstance(whole(event({"error": {"code": "content_filter"}})).error, ContentFiltered)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"<html><body>Log in</body></html>",
        ROLE,
        text("The answer is"),
        text("Half a ") + b'data: {"choices": [{"delta": {"content": "wor',
        b'{"choices": [{"message": {"content": "Hel',
        b"data: {not json}\n\n" + DONE,
        b"data: Internal Server Error\n\n" + DONE,
    ],
)
def test_what_is_cut_or_unreadable_is_a_failure_to_retry(body: bytes) -> None:
    got = whole(body)
    assert got.error is not None
    assert got.error.retryable


def test_an_endless_line_is_a_failure_and_not_kept() -> None:
    stream = ChatStream()
    for _ in range(6):
        stream.feed(b"data: " + b"x" * (1 << 20))
    assert stream.error is not None


def test_a_whole_answer_is_read_where_a_stream_was_asked_for() -> None:
    message = {"role": "assistant", "content": "<think>hm</think>Hello."}
    document = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 2}}
    for body in (json.dumps(document), json.dumps(document, indent=2), "\ufeff" + json.dumps(document)):
        got = whole(body.encode())
        assert (got.text, got.reason, got.usage) == ("Hello.", "stop", (2, 0))


def test_a_message_in_place_of_a_delta_is_read_and_never_twice() -> None:
    def message(content: str) -> bytes:
        choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
        return event({"choices": [choice]})

    assert whole(message("Hello."), DONE).text == "Hello."
    assert whole(text("Hel"), text("lo."), message("Hello."), DONE).text == "Hello."


def test_json_lines_are_read() -> None:
    lines = [json.dumps({"choices": [{"delta": {"content": c}}]}) for c in ("Hel", "lo.")]
    end = json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    assert whole("\n".join([*lines, end]).encode()).text == "Hello."


def test_a_call_in_a_whole_answer_is_made() -> None:
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    message = {"content": None, "tool_calls": [{"id": "a", "type": "function", "function": function}]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    assert whole(body).calls == [("weather", {"city": "Paris"})]


def test_a_legacy_function_call_is_a_call() -> None:
    parts = [chunk({"function_call": {"name": "weather", "arguments": ""}})]
    parts += [chunk({"function_call": {"arguments": part}}) for part in ('{"city":', '"Paris"}')]
    assert whole(*parts, chunk({}, "function_call")).calls == [("weather", {"city": "Paris"})]


def test_calls_are_made_whatever_the_finish_reason_says() -> None:
    assert whole(call("now", "{}"), STOP).calls == [("now", {})]


def test_a_fragment_of_a_call_is_life() -> None:
    assert [type(piece) for piece in ChatStream().feed(call("now", "{"))] == [Calling]


def test_blank_lines_before_the_first_event_are_not_kept() -> None:
    stream = ChatStream()
    for _ in range(1000):
        assert stream.feed(b"\n" * 1000) == []
    assert len(stream._head) < 1000
    assert stream.feed(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n') == [Text("Hi")]
