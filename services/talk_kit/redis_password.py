"""`python -m talk_kit.redis_password NAMESPACE NAME FILE`: writes the password of an agent's Redis user.

It runs before the agent's container starts, which must not see the password it is derived from. It imports the
standard library only: a pod's start waits for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from talk_kit.redis_settings import RedisSettings
from talk_kit.redis_users import user_password
from talk_kit.settings import SettingsError, load


def main(arguments: Sequence[str]) -> None:
    """Any user of the pod may read the file: which one the agent runs as, its image says. Raises SettingsError."""
    namespace, name, file = arguments
    secret = load(RedisSettings, os.environ).redis_password
    if not secret:
        raise SettingsError(["TALK_REDIS_PASSWORD is not set."])
    path = Path(file)
    # Beside it and renamed: a pod whose sandbox is made anew runs this again, over a file that nobody may write.
    written = path.with_suffix(".new")
    written.unlink(missing_ok=True)
    written.write_text(user_password(secret, namespace, name), "ascii")
    written.chmod(0o444)
    written.replace(path)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SettingsError as error:
        sys.exit(f"talk: {error}")
