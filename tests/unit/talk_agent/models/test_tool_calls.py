from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.models.tool_calls import CallAssembler, parse_arguments

PARIS = '{"city":"Paris"}'
ROME = '{"city":"Rome"}'


def fragment(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    function = {k: v for k, v in {"name": name, "arguments": arguments}.items() if v is not None}
    return {"type": "function", "function": function, **more}


def assembled(*fragments: dict[str, Any]) -> list[tuple[str, Any]]:
    calls = CallAssembler()
    for each in fragments:
        calls.add([each])
    return [(call.name, call.arguments) for call in calls.calls()]


WEATHER = [("weather", {"city": "Paris"})]
BOTH = [("weather", {"city": "Paris"}), ("weather", {"city": "Rome"})]


@pytest.mark.parametrize(
    "fragments",
    [
        [fragment("weather", PARIS, id="a", index=0)],
        [fragment("weather", "", id="a", index=0), *(fragment(arguments=c, index=0) for c in PARIS)],
        [fragment("weather", '{"city":', id="a", index=0), fragment(arguments='"Paris"}', id="a", index=0)],
        [fragment("weather", '{"city":', id="a", index=0), fragment("weather", '"Paris"}', id="a", index=0)],
        [fragment("weather", '{"city":', id="a", index=0), fragment(arguments='"Paris"}', id="", index=0)],
        [fragment("weather", '{"city":', id="a", index=0), fragment(arguments='"Paris"}', id=None, index=0)],
        [fragment("weather", '{"city":', id="a"), fragment(arguments='"Paris"}')],
        [fragment("weather", '{"city":', id="a"), fragment(arguments='"Paris"}', index=0)],
        [fragment("weather", '{"city":', index=0), fragment(arguments='"Paris"}', index=0)],
        [fragment("weather", '{"city":'), fragment(arguments='"Paris"}')],
        [fragment("weather", "", index=0), fragment(arguments=PARIS, id="late", index=0)],
        [fragment("wea", "", id="a", index=0), fragment("ther", "", index=0), fragment(arguments=PARIS, index=0)],
        [fragment("wea", "", id="a", index=0), fragment("weather", "", index=0), fragment(arguments=PARIS, index=0)],
        [fragment("", "", id="a", index=0), fragment("weather", PARIS, index=0)],
        [fragment("weather", {"city": "Paris"}, id="a", index=0)],
        [fragment("weather", {}, id="a", index=0), fragment(arguments={"city": "Paris"}, index=0)],
        [fragment("weather", json.dumps(PARIS), id="a", index=0)],
        [fragment("weather", PARIS, id="a", index=0), fragment("weather", PARIS, id="a", index=0)],
        [fragment("weather", PARIS, id="a", index=0), fragment("weather", "", id="a", index=0)],
        [fragment("weather", PARIS, id="a", index=0), fragment("weather", "", index=0)],
        [fragment("weather", '{"city"', id="a", index=0), fragment(arguments=PARIS, index=0)],
        [fragment("weather", "{}", id="a", index=0), fragment(arguments=PARIS, index=0)],
        [fragment("weather", PARIS, id=7, index="0")],
        [{"id": "a", "index": 0, "name": "weather", "arguments": PARIS}],
        [fragment("weather", PARIS, id="a", index=0), fragment("", "", id="b", index=1)],
    ],
)
def test_one_call_in_the_ways_that_servers_send_it(fragments: list[dict[str, Any]]) -> None:
    assert assembled(*fragments) == WEATHER


@pytest.mark.parametrize(
    "fragments",
    [
        [fragment("weather", PARIS, id="a", index=0), fragment("weather", ROME, id="b", index=1)],
        [fragment("weather", PARIS, id="a", index=0), fragment("weather", ROME, id="b", index=2)],
        [fragment("weather", PARIS, id="a", index=0), fragment("weather", ROME, id="b", index=0)],
        [fragment("weather", PARIS, id="a"), fragment("weather", ROME, id="b")],
        [fragment("weather", PARIS, index=0), fragment("weather", ROME, index=1)],
        [fragment("weather", PARIS, index=0), fragment("weather", ROME, index=0)],
        [fragment("weather", PARIS), fragment("weather", ROME)],
        [fragment("weather", PARIS, id="", index=0), fragment("weather", ROME, id="", index=0)],
        [fragment("weather", PARIS, id="same", index=0), fragment("weather", ROME, id="same", index=1)],
        [
            fragment("weather", '{"city":', id="a", index=0),
            fragment("weather", '{"city":', id="b", index=0),
            fragment(arguments='"Paris"}', id="a", index=0),
            fragment(arguments='"Rome"}', id="b", index=0),
        ],
        [
            fragment("weather", "", id="a", index=0),
            fragment("weather", "", id="b", index=1),
            fragment(arguments=PARIS, index=0),
            fragment(arguments=ROME, index=1),
        ],
        [
            fragment("weather", '{"city":', id="a", index=0),
            fragment(arguments='"Paris"}', index=0),
            fragment("weather", '{"city":', id="b", index=0),
            fragment(arguments='"Rome"}', index=0),
        ],
    ],
)
def test_two_calls_in_the_ways_that_servers_number_them(fragments: list[dict[str, Any]]) -> None:
    assert assembled(*fragments) == BOTH


@pytest.mark.parametrize(
    "fragments",
    [
        [fragment("now", "", id="a", index=0), fragment("clock", "", id="b", index=0)],
        [fragment("now", ""), fragment("clock", "")],
        [fragment("now", "{}", index=0), fragment("clock", "{}", index=0)],
    ],
)
def test_two_tools_without_parameters(fragments: list[dict[str, Any]]) -> None:
    assert assembled(*fragments) == [("now", {}), ("clock", {})]


@pytest.mark.parametrize("arguments", ["", "  ", "{}", None, {}])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    assert assembled(fragment("now", arguments, id="a", index=0)) == [("now", {})]


@pytest.mark.parametrize(
    "arguments",
    ['{"city":"Par', "null", "[]", '["Paris"]', "5", '"Paris"', "{'city': 'Paris'}", '{"n": NaN}', PARIS + "}", [], 5],
)
def test_arguments_that_are_no_object_are_never_run(arguments: Any) -> None:
    assert assembled(fragment("weather", arguments, id="a", index=0)) == [("weather", None)]


def test_a_call_without_a_name_is_never_run() -> None:
    assert assembled(fragment(arguments=PARIS, id="a", index=0)) == [("", None)]


@pytest.mark.parametrize("items", [None, "x", 5, [None], ["x"], {}, [[]]])
def test_other_shapes_are_no_call(items: Any) -> None:
    calls = CallAssembler()
    calls.add(items)
    assert calls.calls() == []


def test_a_list_of_one_may_come_without_the_list() -> None:
    calls = CallAssembler()
    assert calls.add(fragment("weather", PARIS, id="a"))
    assert [call.id for call in calls.calls()] == ["a"]


def test_ids_are_kept_and_never_used_twice() -> None:
    calls = CallAssembler(taken=frozenset({"old"}))
    for id_ in ("new", "old", None):
        calls.add([fragment("now", "{}", id=id_)])
    ids = [call.id for call in calls.calls()]
    assert ids[0] == "new"
    assert len(set(ids) | {"old"}) == 4
    assert all(len(id_) == 9 and id_.isalnum() for id_ in ids[1:])


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["city", "n", "tags"]), st.none() | st.text() | st.integers() | st.lists(st.booleans())
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 6),
)
def test_arguments_survive_being_cut(objects: list[dict[str, Any]], size: int) -> None:
    fragments = []
    for index, arguments in enumerate(objects):
        raw = json.dumps(arguments)
        fragments.append(fragment("tool", "", id=f"c{index}", index=index))
        fragments += [fragment(arguments=raw[i : i + size], index=index) for i in range(0, len(raw), size)]
    assert assembled(*fragments) == [("tool", arguments) for arguments in objects]


@settings(deadline=None)
@given(st.text())
def test_parsing_any_text_gives_an_object_or_none(raw: str) -> None:
    assert parse_arguments(raw) is None or isinstance(parse_arguments(raw), dict)


def test_halves_of_characters_in_arguments_are_mended() -> None:
    assert parse_arguments('{"a": "x\\ud83d\\ude00", "\\ud83d": ["\\ude00"]}') == {"a": "x😀", "\ufffd": ["\ufffd"]}
    assert assembled(fragment("t", '{"a": "\ud83d', index=0), fragment(arguments='\ude00"}', index=0)) == [
        ("t", {"a": "😀"})
    ]


def test_arguments_nested_too_deeply_are_none() -> None:
    assert parse_arguments('{"a":' * 100_000) is None


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*'{}[]",:\\ a1', '{"a":1}', '"{}"', '\\"', "\\\\", "null", "\ud83d"]) | st.text(max_size=3)
    )
)
def test_whether_a_call_is_whole_is_known_as_if_all_of_it_were_parsed_at_each_piece(pieces: list[str]) -> None:
    calls = CallAssembler()
    for count, piece in enumerate(pieces, 1):
        calls.add([fragment(arguments=piece, index=0)])
        joined = "".join(pieces[:count])
        whole = bool(joined.strip()) and parse_arguments(joined) is not None
        assert not calls or calls._drafts[0].whole is whole


def test_a_name_with_every_piece_of_long_arguments_costs_no_parse_of_them_all() -> None:
    """Which took minutes for half a megabyte."""
    text = '{"text":"' + "x" * 500_000 + '"}'
    pieces = [text[at : at + 10] for at in range(0, len(text), 10)]
    assert assembled(*(fragment("write", piece, index=0) for piece in pieces)) == [("write", json.loads(text))]


def test_a_name_without_end_is_not_kept() -> None:
    ((name, _),) = assembled(
        fragment("f", " ", index=0), *(fragment(f"f{number}", index=0) for number in range(20_000))
    )
    assert len(name) < 300
    ((name, _),) = assembled(*(fragment(f"f{number}", index=0) for number in range(20_000)))
    assert len(name) < 300
