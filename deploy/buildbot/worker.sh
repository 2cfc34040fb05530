#!/usr/bin/env bash
# Sets up and starts a machine of the lab: deploy/buildbot/worker.sh FOLDER MASTER:PORT NAME PASSWORD. `qbench` must be in the PATH.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# = 4 ] || { echo "usage: $0 FOLDER MASTER:PORT NAME PASSWORD" >&2; exit 2; }
command -v qbench >/dev/null || { echo "no qbench in the PATH: cmake --install build/release --prefix ~/.local puts it into ~/.local/bin" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if [ ! -x "$folder/venv/bin/buildbot-worker" ]; then
  "${BUILDBOT_PYTHON:-python3}" -m venv "$folder/venv"
  "$folder/venv/bin/pip" install -q -r "$here/requirements.txt"
fi
[ -e "$folder/buildbot.tac" ] || "$folder/venv/bin/buildbot-worker" create-worker "$folder" "$2" "$3" "$4" >/dev/null
qbench doctor --json >"$folder/info/host" 2>/dev/null || true
exec "$folder/venv/bin/buildbot-worker" start ${NODAEMON:+--nodaemon} "$folder"
