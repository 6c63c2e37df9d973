from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from talk_kit.settings import (
    SettingsError,
    boolean,
    http_url,
    integer,
    load,
    one_of,
    seconds,
    setting,
    setting_names,
    words,
)


@dataclass(frozen=True, slots=True)
class Settings:
    model: str = setting("TALK_MODEL", doc="A model.", aliases=("MODEL",))
    port: int = setting("TALK_PORT", 8080, doc="A port.", parse=integer(1, 65535))
    key: str = setting("TALK_API_KEY", "", doc="A key.", secret=True)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as told:
        load(Settings, {"TALK_PORT": "many", "TALK_MODLE": "x"})
    assert told.value.problems == [
        "TALK_MODLE is not a setting of Talk. Did you mean TALK_MODEL?",
        "TALK_MODEL is not set. A model.",
        "TALK_PORT is 'many': give a whole number from 1 to 65535",
    ]


def test_aliases_come_second_and_secrets_stay_out_of_sight() -> None:
    assert load(Settings, {"MODEL": "b"}).model == "b"
    found = load(Settings, {"MODEL": "b", "TALK_MODEL": "a", "TALK_API_KEY": " canary\n"})
    assert (found.model, found.key) == ("a", "canary")
    assert "canary" not in repr(found)
    assert setting_names(Settings) == {"TALK_PORT", "TALK_MODEL", "MODEL", "TALK_API_KEY"}


def test_what_services_of_kubernetes_plant_is_refused() -> None:
    with pytest.raises(SettingsError, match="TALK_REDIS_SERVICE_HOST is not a setting"):
        load(Settings, {"TALK_MODEL": "a", "TALK_REDIS_SERVICE_HOST": "10.0.0.1"})
    assert load(Settings, {"TALK_MODEL": "a", "TALK_SECRET_OPENAI_KEY": "x"})


@pytest.mark.parametrize(
    ("parse", "raw", "value"),
    [
        (integer(0, 9), "9", 9),
        (integer(-5, 5), "-5", -5),
        (seconds(0, 10), "2.5", 2.5),
        (boolean, "True", True),
        (boolean, "0", False),
        (one_of("info", "debug"), "INFO", "info"),
        (words, " a, b,,c ", ("a", "b", "c")),
        (http_url, "https://host:8443/v1/", "https://host:8443/v1"),
        (http_url, "http://[::1]:8090/v1", "http://[::1]:8090/v1"),
    ],
)
def test_values_that_are_accepted(parse: Callable[[str], Any], raw: str, value: Any) -> None:
    assert parse(raw) == value


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (integer(0, 9), "10"),
        (integer(0, 9), "1.0"),
        (integer(0, 9), "2.5e+07"),
        (integer(0, 9), "-"),
        (integer(0, 9), "٣٣"),
        (seconds(0, 10), "nan"),
        (seconds(0, 10), "10s"),
        (seconds(0, 10), "inf"),
        (boolean, "yes"),
        (one_of("info"), "loud"),
        (http_url, "host/v1"),
        (http_url, "ftp://host"),
        (http_url, "http://"),
        (http_url, "http://u:p@host"),
        (http_url, "http://host?x=1"),
        (http_url, "http://host#x"),
        (http_url, "http://[::1"),
        (http_url, "http://host:port"),
    ],
)
def test_values_that_are_refused_say_what_is_allowed(parse: Callable[[str], Any], raw: str) -> None:
    with pytest.raises(ValueError, match="give"):
        parse(raw)
