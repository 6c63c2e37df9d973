"""The voice: an ONNX model of VITS that turns symbols into a waveform.

Noise is off (scales 0, length, 0), so that the same text gives the same bytes on every run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

RATE = 24_000  # samples a second of what leaves this module: mono, as OpenAI's speech route has it
# The model's loudest samples are about 0.55 whatever is said; a fixed gain keeps clauses as loud as one another.
GAIN = 1.6
_BEGIN, _PAD, _END = "^", "_", "$"


class Voice:
    """One model in memory. Calls from several threads run side by side."""

    def __init__(self, model: Path, threads: int) -> None:
        import onnxruntime  # here, and not above: the part is optional and its import takes a while

        onnxruntime.disable_telemetry_events()
        config = json.loads(model.with_name(model.name + ".json").read_bytes())
        self._ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._rate: int = config["audio"]["sample_rate"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it keeps 300 MB for good after one long clause, and saves no time
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # both cores are shared
        self._session: Any = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def say(self, phonemes: str, speed: float = 1.0) -> bytes:
        """s16le mono PCM at `RATE`. `speed` 2.0 is twice as fast. Symbols that the voice lacks are left out."""
        ids = np.array([self._numbers(phonemes)], np.int64)
        feeds = {
            "input": ids,
            "input_lengths": np.array([ids.shape[1]], np.int64),
            "scales": np.array([0.0, 1.0 / speed, 0.0], np.float32),
        }
        wave: NDArray[np.float32] = self._session.run(None, feeds)[0].reshape(-1)
        resampled = soxr.resample(wave, self._rate, RATE)
        samples: NDArray[np.int16] = (np.clip(resampled * GAIN, -1.0, 1.0) * 32767).astype("<i2")
        return samples.tobytes()

    def _numbers(self, phonemes: str) -> list[int]:
        known = [self._ids[symbol] for symbol in _BEGIN + phonemes if symbol in self._ids]
        return [number for numbers in known for number in (*numbers, *self._ids[_PAD])] + self._ids[_END]


def silence(seconds: float) -> bytes:
    """PCM of nothing."""
    return bytes(2 * round(seconds * RATE))
