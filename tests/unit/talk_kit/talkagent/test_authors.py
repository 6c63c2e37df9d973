"""What authors may ask for. The table of cases is asked of the cluster's admission policy too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from talk_kit.talkagent.authors import Authors, account_allowed, image_allowed, refusals

TABLE = yaml.safe_load((Path(__file__).parents[3] / "cases/authors.yaml").read_text("utf-8"))
AUTHORS = Authors(TABLE["images"], TABLE["serviceAccountNames"])
label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True).filter(lambda text: "--" not in text)
host = st.one_of(st.builds("{}.example".format, label), st.builds("{}:{}".format, label, st.integers(1, 65535)))
folders = st.lists(label, min_size=1, max_size=3).map("/".join)
version = st.one_of(st.just(""), st.just(":1.2"), st.just("@sha256:" + "a" * 64))


def cases(outcome: str) -> list[dict[str, str]]:
    """Those that are not of base URLs, which only the operator knows."""
    return [case for case in TABLE[outcome] if "baseURL" not in case]


def spec(case: dict[str, str]) -> dict[str, Any]:
    return case if "image" in case else {"pod": case}


@pytest.mark.parametrize("case", cases("allowed"), ids=str)
def test_what_the_platform_allows(case: dict[str, str]) -> None:
    assert list(refusals("asks", spec(case), AUTHORS)) == []


@pytest.mark.parametrize("case", cases("refused"), ids=str)
def test_what_it_does_not_allow_is_told_with_field_value_and_whom_to_ask(case: dict[str, str]) -> None:
    ((field, value),) = case.items()
    (refusal,) = refusals("asks", spec(case), AUTHORS)
    where, values = {"image": ("image", "images"), "serviceAccountName": ("pod.serviceAccountName", field + "s")}[field]
    assert str(refusal).startswith(f"spec.{where} {value}: the platform does not allow this ")
    assert str(refusal).endswith(f"Ask whoever runs Talk here to add it to authors.{values}.")


def test_without_a_word_of_the_platform_only_talks_own_is_there() -> None:
    assert list(refusals("asks", {"pod": {"serviceAccountName": "talkagent-asks"}}, Authors())) == []
    asked = {"image": "ghcr.io/dwani-ai/talk-agent:1", "pod": {"serviceAccountName": "default"}}
    assert len(list(refusals("asks", asked, Authors()))) == 2


def test_any_is_any_image_and_any_account_but_talks_own_and_other_agents() -> None:
    open_ = Authors(["*"], ["*"], ["talk-operator"])
    assert image_allowed("evil.example/x:1", open_.images)
    assert not image_allowed("no image", open_.images)
    assert account_allowed("default", "asks", open_)
    assert not account_allowed("talk-operator", "asks", open_)
    assert not account_allowed("talkagent-another", "asks", open_)


@given(host, folders, folders, version)
def test_an_allowed_folder_covers_what_is_in_it_and_no_name_that_only_begins_like_it(
    registry: str, folder: str, within: str, tail: str
) -> None:
    allowed = [f"{registry}/{folder}"]
    assert image_allowed(f"{registry}/{folder}{tail}", allowed)
    assert image_allowed(f"{registry}/{folder}/{within}{tail}", allowed)
    for joint in ("x", ".x", "-x", "_x", "x/"):
        assert not image_allowed(f"{registry}/{folder}{joint}{within}{tail}", allowed)
    assert not image_allowed(f"evil.example/{registry}/{folder}{tail}", allowed)
    assert not image_allowed(f"evil-{registry}/{folder}{tail}", allowed)


@given(host, folders, st.sampled_from([":1.2", "@sha256:" + "a" * 64]), version)
def test_an_allowed_version_is_that_one_alone(registry: str, folder: str, one: str, other: str) -> None:
    allowed = [f"{registry}/{folder}{one}"]
    assert image_allowed(f"{registry}/{folder}{other}", allowed) == (one == other)


@given(st.text(), st.text())
def test_nothing_that_is_written_is_a_crash(image: str, account: str) -> None:
    asked = {"image": image, "pod": {"serviceAccountName": account}}
    assert {each.path[-1] for each in refusals("asks", asked, Authors())} >= {"image"}
