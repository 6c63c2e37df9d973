#!/usr/bin/env bash
# Runs one command beside another, and shows what it printed when the other has ended; fails where either does.
#   scripts/beside.sh "make lint" "make chart"
set -uo pipefail
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
bash -c "$1" >"$printed" 2>&1 &
bash -c "$2"
code=$?
wait $!
beside=$?
cat "$printed"
exit $((code ? code : beside))
