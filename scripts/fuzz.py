"""`make fuzz`: every randomized test again and again with new examples, until the time is over or one fails."""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time


def main() -> int:
    """The exit code of the first pass that failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="no pass begins after so long")
    parser.add_argument("--workers", default="2")
    parser.add_argument("tests", nargs="*", default=["tests/unit"])
    given = parser.parse_args()
    ends = time.monotonic() + given.seconds
    while time.monotonic() < ends:
        seed = secrets.randbits(32)
        options = ["-m", "hypothesis", "--hypothesis-profile", "fuzz", "--hypothesis-seed", str(seed)]
        bounds = ["--timeout", str(given.seconds), "-n", given.workers]
        command = [sys.executable, "-m", "pytest", "-q", *options, *bounds, *given.tests]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own tests
        if code:
            print(f"make fuzz: failed; again with --hypothesis-seed {seed}", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
