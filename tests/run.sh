#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests. Arguments go to ctest; its closing lines are
# the last ones, its exit code is this script's.
#
#   tests/run.sh                          everything
#   tests/run.sh -R WindowPages           the tests whose name matches
#   ORIEL_PRESET=asan tests/run.sh        with AddressSanitizer and UBSan; tsan: ThreadSanitizer
#   ORIEL_TEST_MODELS="smollm2"           fetches fewer models; tests that need others are skipped
#
# asan leaves out the tests labelled real_model, loadtest and tidy: a real model runs for minutes
# there, and those that are left cover the same code on tiny ones; a published file is only taken
# apart. tsan runs those in which threads meet, labelled concurrency and server.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${ORIEL_PRESET:-release}
case "$preset" in
  release | debug)
    models=${ORIEL_TEST_MODELS-smollm2 qwen0.5 qwen1.5}
    selection=()
    ;;
  asan)
    models=${ORIEL_TEST_MODELS-smollm2}
    selection=(--label-exclude '^(real_model|loadtest|tidy)$')
    ;;
  tsan)
    models=""
    selection=(--label-regex '^(concurrency|server)$')
    ;;
  *)
    echo "tests/run.sh: ORIEL_PRESET is '$preset'; known: release, debug, asan, tsan" >&2
    exit 2
    ;;
esac

phase_started=$SECONDS
begin() {
  phase_started=$SECONDS
  printf '\n=== %s\n' "$*"
}
end() { echo "=== took $((SECONDS - phase_started)) s"; }

begin "dependencies"
deploy/install_dependencies.sh build
end

begin "build, preset $preset"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset "$preset" --log-level=NOTICE
cmake --build --preset "$preset"
end

# Where the tests find models: what is missing there is skipped by the tests that need it.
export ORIEL_MODEL_DIR=${ORIEL_MODEL_DIR:-$HOME/.cache/oriel/models}
if [[ -n "$models" ]]; then
  begin "models: $models"
  for model in $models; do
    deploy/fetch_model.sh "$model" || {
      echo "*************************************************************************"
      echo "*** $model could not be fetched: the tests that need it are SKIPPED ***"
      echo "*************************************************************************"
    }
  done
  end
  begin "Python environment for the integration tests"
  tests/integration/venv.sh
  end
fi

begin "ctest"
cd "build/$preset"
exec ctest --output-on-failure --no-tests=error --parallel "$(nproc)" "${selection[@]}" "$@"
