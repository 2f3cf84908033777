#!/usr/bin/env bash
# Runs the endurance tests of the server in full size, around a model that computes nothing, and
# writes their figures to loadtest/results/DATE-endurance.md:
#
#   500 SSE streams for 60 s, 1 000 streams whose clients go away, 200 times SIGTERM under load.
#
# Takes build/release as it is. Exits with 1 if any of them finds a fault.
set -euo pipefail
cd "$(dirname "$0")/.."

server=build/release/tests/server/oriel_fake_server
[[ -x "$server" ]] || { echo "$0: $server is missing; build it first" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
failed=0
for name in stream_endurance cancel_endurance shutdown_trials; do
  echo "=== $name"
  python3 "loadtest/client/$name.py" --json "$work/$name.json" || failed=1
done

result=loadtest/results/$(date +%Y-%m-%d)-endurance.md
python3 loadtest/report/endurance.py "$work" >"$result"
echo "=== wrote $result"
exit "$failed"
