"""`make fuzz`: every randomized test again and again with new examples, then Schemathesis against the gateway.

Each of the two has its time, and ends with its first pass that fails.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time

CONTRACT = "tests/unit/talk_gateway/test_contract.py"
PARTS = {
    "parsers and state": ["-m", "hypothesis", "tests/unit", "--ignore", CONTRACT],
    "the gateway's OpenAPI document": [CONTRACT],
}


def main() -> int:
    """The exit code of the first pass that failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="no pass of a part begins after so long")
    parser.add_argument("--workers", default="2")
    parser.add_argument("tests", nargs="*", help="these instead, as pytest takes them")
    given = parser.parse_args()
    parts = {"chosen tests": ["-m", "hypothesis", *given.tests]} if given.tests else PARTS
    codes = [_part(name, chosen, given.seconds, given.workers) for name, chosen in parts.items()]
    return max(codes)


def _part(name: str, chosen: list[str], seconds: float, workers: str) -> int:
    ends, passes = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        seed = secrets.randbits(32)
        options = ["--hypothesis-profile", "fuzz", "--hypothesis-seed", str(seed), "--timeout", str(seconds)]
        command = [sys.executable, "-m", "pytest", "-q", *options, "-n", workers, *chosen]
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603 - our own tests
            print(f"make fuzz: {name}: failed; again with --hypothesis-seed {seed}", file=sys.stderr)
            return code
        passes += 1
    print(f"make fuzz: {name}: {passes} passes, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
