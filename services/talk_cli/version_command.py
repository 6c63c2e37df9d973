"""`talk version`."""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, version


def main(_: argparse.Namespace) -> int:
    """Prints the version of the distribution."""
    try:
        print(version("talk"))
    except PackageNotFoundError:
        print("unknown: talk is not installed")
        return 1
    return 0
