#!/usr/bin/env bash
# Runs a command where there is no network but this machine itself: scripts/offline.sh COMMAND...
set -euo pipefail
if ! command -v unshare >/dev/null; then
  echo "offline: unshare (package util-linux) is needed to test without a network." >&2
  exit 1
fi
as_root=(); [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
loopback_up='
import fcntl, socket, struct, sys, os
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
os.execvp(sys.argv[1], sys.argv[1:])
'
exec unshare "${as_root[@]}" --net "$(dirname "$0")/python.sh" -c "$loopback_up" "$@"
