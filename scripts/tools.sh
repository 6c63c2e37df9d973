#!/usr/bin/env bash
# Finds or brings the programs that are no Python or npm packages.
#   scripts/tools.sh ensure node chromium     each is there afterwards, or the script fails and says what to do
#   scripts/tools.sh path chromium            prints where one is
# In this order: on PATH (or CHROMIUM), or in .tools/bin; apt, where the user is root on Debian or Ubuntu; promtool also
# by go, where that is.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
bin=$here/.tools/bin
promtool_module=v0.53.3
declare -A commands=([promtool]="promtool" [node]="node" [chromium]="chromium chromium-browser google-chrome-stable google-chrome")
declare -A packages=([promtool]="prometheus" [node]="nodejs npm" [chromium]="chromium")

find_tool() {
  local name
  if [ "$1" = chromium ] && [ -n "${CHROMIUM:-}" ]; then echo "$CHROMIUM"; return 0; fi
  for name in ${commands[$1]}; do
    if command -v "$name"; then return 0; fi
    if [ -x "$bin/$name" ]; then echo "$bin/$name"; return 0; fi
  done
  return 1
}

bring() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return 1; fi
  echo "tools: installing ${packages[$1]} with apt" >&2
  local log; log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ${packages[$1]}; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    return 1
  fi
}

# The package would start a Prometheus: only its promtool is taken.
bring_promtool_by_apt() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  local folder; folder=$(mktemp -d)
  echo "tools: taking promtool out of the package prometheus" >&2
  (
    cd "$folder"
    apt-get download -q "${packages[promtool]}" || { apt-get update -q && apt-get download -q "${packages[promtool]}"; }
    dpkg-deb -x prometheus_*.deb . && mkdir -p "$bin" && cp usr/bin/promtool "$bin/"
  ) >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; return 1; }
  rm -rf "$folder"
}

# `go install` refuses a module that replaces others, as this one does: it is built from a module of our own.
bring_promtool_by_go() {
  command -v go >/dev/null || return 1
  local folder; folder=$(mktemp -d)
  echo "tools: building promtool $promtool_module with go" >&2
  (
    cd "$folder"
    go mod init tools && go get "github.com/prometheus/prometheus/cmd/promtool@$promtool_module"
    mkdir -p "$bin" && GOBIN=$bin go install github.com/prometheus/prometheus/cmd/promtool
  ) >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; return 1; }
  rm -rf "$folder"
}

ensure() {
  if [ "$1" = promtool ] && ! find_tool promtool >/dev/null; then
    bring_promtool_by_apt || bring_promtool_by_go || true
  fi
  find_tool "$1" >/dev/null || bring "$1" || true
  if ! find_tool "$1" >/dev/null; then
    echo "tools: $1 is missing. Install one of: ${commands[$1]}; as root on Debian or Ubuntu this script does it." >&2
    exit 1
  fi
  if [ "$1" = node ] && [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" != true ]; then
    echo "tools: Node 20 or newer is needed for the page's tests; found $(node --version)." >&2
    exit 1
  fi
}

action=${1:?ensure or path}; shift
for tool in "$@"; do
  case $action in
    ensure) ensure "$tool" ;;
    path) find_tool "$tool" ;;
  esac
done
