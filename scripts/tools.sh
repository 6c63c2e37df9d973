#!/usr/bin/env bash
# Finds or brings the programs that are no Python or npm packages.
#   scripts/tools.sh ensure node chromium     each is there afterwards, or the script fails and says what to do
#   scripts/tools.sh path chromium            prints where one is
# In this order: on PATH (or CHROMIUM); apt, where the user is root on Debian or Ubuntu; `go install` of a pinned version,
# into .tools/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.tools/bin
export PATH=$bin:$PATH

declare -A commands=(
  [node]="node"
  [chromium]="chromium chromium-browser google-chrome-stable google-chrome"
  [helm]="helm"
  [promtool]="promtool"
)
# Debian's `helm` is a synthesizer.
declare -A packages=([node]="nodejs npm" [chromium]="chromium" [promtool]="prometheus")
declare -A modules=(
  [helm]="helm.sh/helm/v3/cmd/helm@v3.22.0"
  [promtool]="github.com/prometheus/prometheus/cmd/promtool@v0.53.3"
)

find_tool() {
  local name
  if [ "$1" = chromium ] && [ -n "${CHROMIUM:-}" ]; then echo "$CHROMIUM"; return 0; fi
  for name in ${commands[$1]}; do
    if command -v "$name"; then return 0; fi
  done
  return 1
}

from_apt() {
  if [ -z "${packages[$1]:-}" ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return 1; fi
  echo "tools: installing ${packages[$1]} with apt" >&2
  local log; log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ${packages[$1]}; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    return 1
  fi
}

from_go() {
  local module=${modules[$1]:-}
  if [ -z "$module" ] || ! command -v go >/dev/null; then return 1; fi
  echo "tools: installing $module into .tools/bin" >&2
  GOBIN=$bin CGO_ENABLED=0 go install -trimpath -ldflags "-s -w" "$module"
}

# The package would start a Prometheus: only its promtool is taken, which needs no root.
promtool_from_apt() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  echo "tools: taking promtool out of the package ${packages[promtool]}" >&2
  in_a_folder '
    apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }
    dpkg-deb -x prometheus_*.deb . && mkdir -p "$bin" && cp usr/bin/promtool "$bin/"'
}

# `go install` refuses a module that replaces others, as this one does: it is built from a module of our own.
promtool_from_go() {
  command -v go >/dev/null || return 1
  echo "tools: building ${modules[promtool]} into .tools/bin" >&2
  module=${modules[promtool]} in_a_folder '
    go mod init tools && go get "$module" && GOBIN=$bin CGO_ENABLED=0 go install "${module%@*}"'
}

# Runs commands in a temporary folder; what they print is shown where they fail.
in_a_folder() {
  local folder; folder=$(mktemp -d)
  if ! (cd "$folder" && bin=$bin bash -ec "$1") >"$folder/log" 2>&1; then
    tail -n 20 "$folder/log" >&2
    rm -rf "$folder"
    return 1
  fi
  rm -rf "$folder"
}

bring() {
  if [ "$1" = promtool ]; then
    promtool_from_apt || promtool_from_go
  else
    from_apt "$1" || from_go "$1"
  fi
}

ensure() {
  find_tool "$1" >/dev/null || bring "$1" || true
  if ! find_tool "$1" >/dev/null; then
    echo "tools: $1 is missing. Install one of: ${commands[$1]}." >&2
    if [ -n "${packages[$1]:-}" ]; then echo "tools: as root on Debian or Ubuntu this script does it: ${packages[$1]}" >&2; fi
    if [ -n "${modules[$1]:-}" ]; then echo "tools: with Go on PATH this script does it: go install ${modules[$1]}" >&2; fi
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
