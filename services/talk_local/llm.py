"""The language model: llama.cpp's own HTTP server in this process, on a Unix socket that only this user can open.

The packaged model is SmolLM2-135M-Instruct (Apache-2.0). It is a demonstration: it shows that the chain works, with no
key and no network, and it gets facts wrong. It cannot call tools: its template has no place for them, so a request
that brings some is answered with plain text. Set TALK_LOCAL_LLM_GGUF, or point the agents at a provider, for real use.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talk_kit.errors import Unavailable

DEMONSTRATION = "smollm2-135m-instruct"
# A demonstration must not go round in circles while somebody listens; at temperature 0 this model does.
_DEMONSTRATION_SAMPLING = {"temp": 0.2, "top_p": 0.9, "penalty_repeat": 1.1}

# Prompts of conversations that lost their slot; llama.cpp's default of 8 GiB is no bound on a laptop.
_PROMPT_CACHE_MIB = 128


@dataclass(frozen=True, slots=True)
class LlmOptions:
    """`context` is tokens of one slot, `tokens` the longest reply that nobody bounded."""

    context: int
    slots: int
    threads: int
    prompt_threads: int
    tokens: int


class LocalModel:
    """A running server. `socket` is its address, `name` what clients may call the model."""

    def __init__(self, gguf: Path, options: LlmOptions, *, demonstration: bool) -> None:
        self.name = DEMONSTRATION if demonstration else gguf.stem.lower()
        self.demonstration = demonstration
        self._folder = tempfile.mkdtemp(prefix="talk-llm-")  # mode 0700
        self.socket = str(Path(self._folder) / "llm.sock")  # llama.cpp knows a socket by this ending
        try:
            self._server: Any = self._started(gguf, options)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _started(self, gguf: Path, options: LlmOptions) -> Any:
        xllamacpp = _runtime()
        params = xllamacpp.CommonParams()
        params.model.path = str(gguf)
        params.model_alias = {self.name}
        params.hostnames, params.port = [self.socket], 0
        params.n_ctx, params.n_parallel = options.context * options.slots, options.slots
        params.cpuparams.n_threads = options.threads
        params.cpuparams_batch.n_threads = options.prompt_threads
        params.cache_ram_mib = _PROMPT_CACHE_MIB
        params.n_predict = options.tokens
        params.cache_prompt = params.use_jinja = params.offline = True
        params.ui = params.endpoint_slots = params.endpoint_props = False
        params.verbosity = -1
        if self.demonstration:
            _tuned(params, xllamacpp.ggml_type.GGML_TYPE_Q8_0)
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise Unavailable(f"{gguf.name} cannot be loaded: llama.cpp refuses it, or memory is short.") from error

    def close(self) -> None:
        """Stops the server. Blocks while a reply is being written: close the requests first."""
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _tuned(params: Any, eight_bits: Any) -> None:
    """What is known to suit the packaged model; a context in 8 bits saves 84 MB of its 184."""
    params.cache_type_k = params.cache_type_v = eight_bits
    for name, value in _DEMONSTRATION_SAMPLING.items():
        setattr(params.sampling, name, value)


def _runtime() -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        if "libgomp" in str(error):
            raise Unavailable("libgomp is missing. On Debian and Ubuntu: apt install libgomp1.") from error
        raise Unavailable("The package xllamacpp is not installed. Install talk[local].") from error
    return xllamacpp
