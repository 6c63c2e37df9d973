"""Every line of the corpus, streamed in every way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_gateway.spoken import Piece
from tests.unit.talk_gateway.spoken.streams import chopped, split, without_space

CORPUS = Path(__file__).parents[3] / "cases" / "sentences.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))


def assert_hard_rules(case: dict[str, Any], pieces: list[Piece]) -> None:
    assert without_space("".join(piece.text for piece in pieces)) == without_space(case["text"])
    for unit in case.get("together", []):
        assert any(unit in piece.text for piece in pieces), unit
    assert all(len(piece.text) <= 400 for piece in pieces)


def assert_reference(case: dict[str, Any], pieces: list[Piece]) -> None:
    assert_hard_rules(case, pieces)
    if "rule" not in case:
        assert [piece.text for piece in pieces] in [case["sentences"], *case.get("also_ok", [])]
    if "spoken" in case:
        assert [piece.spoken for piece in pieces if piece.spoken] == case["spoken"]


def assert_with_first_clause(case: dict[str, Any], pieces: list[Piece]) -> None:
    """The pieces of the first sentence join to it; the others are the reference's."""
    assert_hard_rules(case, pieces)
    if "rule" not in case:
        joined = [without_space("".join(piece.text for piece in pieces[:count])) for count in range(len(pieces) + 1)]
        ends = [without_space("".join(case["sentences"][:count])) for count in range(len(case["sentences"]) + 1)]
        others = [
            [without_space("".join(other[:count])) for count in range(len(other) + 1)]
            for other in case.get("also_ok", [])
        ]
        assert any(set(reference) <= set(joined) for reference in [ends, *others])
    if "spoken" in case:
        assert " ".join(piece.spoken for piece in pieces if piece.spoken) == " ".join(case["spoken"])


@every_case
def test_whole_text_is_split_as_the_reference(case: dict[str, Any]) -> None:
    assert_reference(case, split([case["text"]]))


@every_case
def test_text_by_character_is_split_as_the_reference(case: dict[str, Any]) -> None:
    assert_reference(case, split(case["text"]))


@every_case
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_text_by_any_tokens_is_split_as_the_reference(case: dict[str, Any], data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=len(case["text"]) // 4, max_size=len(case["text"])))
    assert_reference(case, split(chopped(case["text"], lengths)))
    assert_with_first_clause(case, split(chopped(case["text"], lengths), first_clause=True))


@pytest.mark.parametrize("case", [case for case in CASES if "chunks" in case], ids=lambda case: str(case["id"]))
def test_tokens_and_events_of_the_case_are_split_as_the_reference(case: dict[str, Any]) -> None:
    assert_reference(case, split(case["chunks"]))
    assert_with_first_clause(case, split(case["chunks"], first_clause=True))


@every_case
@pytest.mark.parametrize("by_character", [False, True])
def test_first_clause_only_divides_the_first_sentence(case: dict[str, Any], by_character: bool) -> None:
    assert_with_first_clause(case, split(case["text"] if by_character else [case["text"]], first_clause=True))
