"""Runs a command that dies with its parent, also when the parent is killed with -9.

A script of its own, so that the parent need not run code between fork and exec: `launcher.py PARENT COMMAND...`.
Where the kernel has no such signal (macOS) the command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Asks the kernel for SIGKILL at the parent's death, then becomes the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the parent's own command, no shell


if __name__ == "__main__":
    main()
