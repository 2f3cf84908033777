#!/usr/bin/env bash
# Runs one integration test with the Python of its environment: run_test.sh FILE.py [arguments].
# Exits 77 (ctest: skipped) if the environment cannot be made.
set -euo pipefail
here=$(dirname "$0")
if ! python=$("$here/venv.sh" | tail -n 1); then
  echo "*** SKIPPED: the Python environment of the integration tests cannot be made"
  exit 77
fi
test=$1
shift
exec "$python" -B "$here/$test" "$@"
