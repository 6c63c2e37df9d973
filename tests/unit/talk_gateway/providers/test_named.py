"""Speech providers as the settings name them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_gateway.deps import build_deps
from talk_gateway.providers.named import NamedPart, NamedProvider, named_providers
from talk_gateway.settings import read
from talk_kit.errors import ProviderUnreachable, Unavailable
from talk_kit.settings import SettingsError

BACKUP = {
    "name": "backup",
    "baseURL": "https://speech.example.com/v1/",
    "apiKeyFile": "/etc/talk/speech/backup/apiKey",
    "transcription": {"model": "whisper-1", "fallbacks": ["default"]},
    "speech": {"model": "tts-1", "voice": "nova"},
}


def test_a_provider_is_read() -> None:
    assert named_providers(json.dumps([BACKUP])) == (
        NamedProvider(
            "backup",
            "https://speech.example.com/v1",
            "/etc/talk/speech/backup/apiKey",
            NamedPart("whisper-1", "", ("default",)),
            NamedPart("tts-1", "nova", ()),
        ),
    )
    (bare,) = named_providers('[{"name": "bare", "baseURL": "http://speech:8000"}]')
    assert (bare.api_key_file, bare.speech) == ("", NamedPart())


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "JSON list"),
        ([{"baseURL": "http://a"}], "a name"),
        ([{"name": "a"}], "absolute http"),
        ([{"name": "a", "baseURL": "http://me:secret@a"}], "without user"),
        ([{"name": "a", "baseURL": "http://a", "apiKey": "sk-1"}], "apiKeyFile"),
        ([{"name": "a", "baseURL": "http://a", "speech": {"fallbacks": "b"}}], "list of names"),
        ([{"name": "a", "baseURL": "http://a", "transcription": {"voice": "x"}}], "model, fallbacks"),
        ([{"name": "default", "baseURL": "http://a"}], "name of its own"),
        ([{"name": "a", "baseURL": "http://a"}] * 2, "name of its own"),
    ],
)
def test_what_cannot_be_used_says_what_to_give(members: object, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read({"TALK_SPEECH_PROVIDERS": json.dumps(members)})


@given(st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(
    st.sampled_from(["name", "baseURL", "speech", "fallbacks", "model"]) | st.text(), each)))  # fmt: skip
def test_no_json_breaks_it(members: object) -> None:
    with contextlib.suppress(ValueError):
        assert all(provider.name for provider in named_providers(json.dumps(members)))


@pytest.mark.parametrize("fallback", ["nobody", "backup"])
def test_a_fallback_that_is_none_is_told_at_start(fallback: str) -> None:
    providers = json.dumps([{**BACKUP, "speech": {"fallbacks": [fallback]}}])
    with pytest.raises(SettingsError, match=f"'backup' falls back to '{fallback}'; known: backup, default"):
        build_deps(read({"TALK_SPEECH_PROVIDERS": providers}))


def test_each_provider_has_its_models_voice_and_fallbacks() -> None:
    deps = build_deps(
        read(
            {
                "TALK_SPEECH_PROVIDERS": json.dumps([BACKUP]),
                "TALK_TTS_BASE_URL": "http://main/v1",
                "TALK_TTS_FALLBACKS": "backup",
            }
        )
    )
    first, second = deps.synthesis.of("default")
    assert (first.endpoint.base_url, first.voice) == ("http://main/v1", "alloy")
    assert (second.endpoint.base_url, second.endpoint.model, second.voice) == (
        "https://speech.example.com/v1", "tts-1", "nova",
    )  # fmt: skip
    assert [each.endpoint.model for each in deps.transcription.of("backup")] == ["whisper-1", "gpt-4o-mini-transcribe"]
    with pytest.raises(Unavailable, match="names the speech provider 'other'; this gateway has: backup, default"):
        deps.synthesis.of("other")


def test_a_key_is_read_anew_at_each_call_and_one_that_is_missing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "apiKey"
    providers = json.dumps([{**BACKUP, "apiKeyFile": str(file)}])
    endpoint = build_deps(read({"TALK_SPEECH_PROVIDERS": providers})).synthesis.of("backup")[0].endpoint
    for key in ("first", "second"):
        file.write_text(f"{key}\n")
        assert endpoint.headers() == {"Authorization": f"Bearer {key}"}
    for broken in ("", "one\ntwo"):
        file.write_text(broken)
        with pytest.raises(ProviderUnreachable, match="no usable API key"):
            endpoint.headers()
    file.unlink()
    with pytest.raises(ProviderUnreachable, match="no usable API key"):
        endpoint.headers()
    assert "second" not in repr(endpoint)
