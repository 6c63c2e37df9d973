"""Finding models, loading parts, and what is said when one is not there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from talk_kit.errors import NotFound, Unavailable
from talk_kit.settings import SettingsError, load
from talk_local import models, part
from talk_local.app import create_deps
from talk_local.part import Part
from talk_local.settings import Settings
from tests.unit.talk_local.fake_engines import FakeSpeaker, missing


@pytest.mark.parametrize(
    ("find", "variable"),
    [
        (models.asr_model, "TALK_LOCAL_ASR_MODEL"),
        (models.tts_voice, "TALK_LOCAL_TTS_VOICE"),
        (models.llm_gguf, "TALK_LOCAL_LLM_GGUF"),
    ],
)
def test_a_file_that_is_not_there_names_the_variable(find: object, variable: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=variable):
        find(str(tmp_path / "none"))  # type: ignore[operator]


def test_a_file_that_is_no_model_is_refused_before_llama_sees_it(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"<html>")
    with pytest.raises(Unavailable, match="no GGUF"):
        models.llm_gguf(str(tmp_path / "model.gguf"))


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_LLM", ("no_such_package", "m.gguf", "no-such-package==1.0"))
    with pytest.raises(Unavailable, match=r"Install no-such-package==1\.0"):
        models.llm_gguf("")


async def test_a_part_says_that_it_loads_that_it_failed_and_that_it_is_off() -> None:
    off: Part[FakeSpeaker] = Part("a", "Hearing", None)
    broken, good = Part("b", "Hearing", missing), Part("c", "Talking", FakeSpeaker)
    with pytest.raises(NotFound, match="Hearing is switched off"):
        _ = off.engine
    with pytest.raises(Unavailable, match="Talking is still loading"):
        _ = good.engine
    for each in (off, broken, good):
        await each.load()
    with pytest.raises(Unavailable, match=r"model\.bin is missing"):
        _ = broken.engine
    assert good.engine.name == "fake-voice"
    await good.close()
    assert good.loaded is None


async def test_a_defect_while_loading_is_told_without_its_words() -> None:
    def load_badly() -> FakeSpeaker:
        raise RuntimeError("a path and a secret")

    broken = Part("tts", "Speech synthesis", load_badly)
    await broken.load()
    with pytest.raises(Unavailable, match=r"^Speech synthesis cannot be loaded; the log says why\.$"):
        _ = broken.engine


async def test_an_engine_that_does_not_close_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    class Stuck(FakeSpeaker):
        def close(self) -> None:
            release.wait(10)

    monkeypatch.setattr(part, "CLOSE_SECONDS", 0.05)
    stuck = Part("tts", "Speech synthesis", Stuck)
    await stuck.load()
    await stuck.close()
    assert not release.is_set()
    release.set()


def test_settings_choose_the_parts() -> None:
    deps = create_deps(load(Settings, {"TALK_LOCAL_PARTS": "TTS, llm"}))
    assert [each.name for each in deps.parts if each.wanted] == ["tts", "llm"]
    assert [check.name for check in deps.health.checks] == ["tts", "llm"]


@pytest.mark.parametrize("value", ["speech", ",", "asr,tts,vad"])
def test_unknown_parts_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="give some of asr, tts, llm"):
        load(Settings, {"TALK_LOCAL_PARTS": value})
