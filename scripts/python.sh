#!/usr/bin/env bash
# Runs the newest Python from 3.11 to 3.13 on PATH.
set -euo pipefail
for name in python3.13 python3.12 python3.11 python3; do
  if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    exec "$name" "$@"
  fi
done
echo "Talk needs Python 3.11, 3.12 or 3.13 on PATH." >&2
exit 1
