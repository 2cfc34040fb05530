#!/usr/bin/env bash
# Sets up and starts the lab's master: deploy/buildbot/master.sh FOLDER. Again: starts it, after taking over master.cfg.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1/incoming"
folder=$(cd "$1" && pwd)
command -v "${BUILDBOT_PYTHON:-python3}" >/dev/null || { echo "needs Python 3.11 or newer" >&2; exit 2; }
if [ ! -x "$folder/venv/bin/buildbot" ]; then
  "${BUILDBOT_PYTHON:-python3}" -m venv "$folder/venv"
  "$folder/venv/bin/pip" install -q -r "$here/requirements.txt"
fi
cp "$here/master.cfg" "$folder/master.cfg"
[ -e "$folder/lab.toml" ] || { cp "$here/lab.toml" "$folder/lab.toml"; echo "change $folder/lab.toml, then start this again"; exit 0; }
"$folder/venv/bin/buildbot" create-master -q -r "$folder" >/dev/null 2>&1 || "$folder/venv/bin/buildbot" upgrade-master -q "$folder"
"$folder/venv/bin/buildbot" checkconfig "$folder/master.cfg" >/dev/null
exec "$folder/venv/bin/buildbot" start "${NODAEMON:+--nodaemon}" "$folder"
