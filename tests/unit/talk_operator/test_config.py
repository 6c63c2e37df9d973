"""The chart's file: wrong fields are told with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from talk_kit.settings import SettingsError
from talk_operator.config import parse_config, read_config


def test_unknown_and_missing_fields_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as wrong:
        parse_config({"images": "a", "networkPolicy": {"enable": True}, "reserved": {"secret": []}})
    assert wrong.value.problems == [
        "configuration: unknown field images; did you mean image?",
        "configuration: image is missing",
        "configuration: gatewayURL is missing",
        "configuration: reserved: unknown field secret; did you mean secrets?",
        "configuration: networkPolicy: unknown field enable; did you mean enabled?",
    ]


def test_null_counts_as_left_out() -> None:
    config = parse_config({"image": "a", "gatewayURL": "b", "env": None, "networkPolicy": {"dns": None}})
    assert (config.env, config.networkPolicy.dns, config.endpoint_delay) == ([], [], 5)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "3"])
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        read_config(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        read_config(tmp_path / "operator.yaml")
