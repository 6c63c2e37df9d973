"""The pair of keys that `talk_kit.identity` signs and checks with, as two files: compose makes them by this once.

python -m talk_kit.identity_pair /private/identity.pem /public/identity.pub
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from talk_kit.identity import InvalidKeyFile, new_keys, read_signer

OWNER_ONLY = 0o600
# Of a folder that only the gateway mounts, under another user than the one who writes it.
WHOEVER_MOUNTS = 0o644


def ensure_pair(private: Path, public: Path, mode: int = OWNER_ONLY) -> None:
    """A private key that is there stays, so that a stack which starts again knows what it signed before.

    InvalidKeyFile where it is no key.
    """
    if not private.exists():
        new = private.with_name(f"{private.name}.new")
        new.touch(mode)
        new.chmod(mode)
        new.write_bytes(new_keys()[0])
        new.replace(private)
    public.write_bytes(read_signer(private).public)


def main(arguments: Sequence[str]) -> int:
    """0 done, 1 refused, 2 used wrongly."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ensure_pair(Path(arguments[0]), Path(arguments[1]), WHOEVER_MOUNTS)
    except (InvalidKeyFile, OSError) as error:
        print(f"identity_pair: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
