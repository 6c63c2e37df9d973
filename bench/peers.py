"""LiveKit Agents and Pipecat, each in an environment of its own, pinned, made when first asked for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ROOT

ENVIRONMENTS = ROOT / "bench" / ".venvs"
INSTALL_SECONDS = 900


@dataclass(frozen=True)
class Peer:
    """A framework: what is installed, and the module that drives it against the same fakes."""

    name: str
    driver: str
    requirements: tuple[str, ...]

    def python(self) -> Path:
        """The interpreter of its environment, which is made first where it is missing or has other pins."""
        folder = ENVIRONMENTS / self.name
        done = folder / "installed"
        pins = "\n".join(self.requirements)
        if not done.is_file() or done.read_text() != pins:
            print(f"bench: installing {', '.join(self.requirements)}", file=sys.stderr)
            uv = _uv()
            _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
            _run(uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *self.requirements)
            done.write_text(pins)
        return folder / "bin" / "python"


PIPECAT = Peer("pipecat", "bench.pipecat_turns", ("pipecat-ai[openai,silero]==1.14.0",))
LIVEKIT = Peer(
    "livekit",
    "bench.livekit_turns",
    ("livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9", "livekit-plugins-silero==1.8.9"),
)


def _uv() -> str:
    return shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, timeout=INSTALL_SECONDS)
