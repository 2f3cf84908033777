#!/usr/bin/env bash
# Makes the Python environment of the integration tests, outside the repository, and prints its
# Python as the last line. Kept as long as requirements.txt and the Python version stay the same.
set -euo pipefail
cd "$(dirname "$0")"

venv=${ORIEL_VENV:-$HOME/.cache/oriel/venv}
stamp=$venv/.requirements
python=/usr/bin/python3
[[ -x "$python" ]] || python=python3
wanted=$("$python" --version; cat requirements.txt)

mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
if [[ ! -f "$stamp" || "$(cat "$stamp")" != "$wanted" ]]; then
  echo "making $venv" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
  echo "$wanted" >"$stamp"
fi
echo "$venv/bin/python"
