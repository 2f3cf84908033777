#!/usr/bin/env bash
# Speed beside llama.cpp: the same file, the same threads, in turns on this machine.
#
#   loadtest/compare_llama_cpp.sh [smollm2|qwen0.5|qwen1.5 …] [-- flags for oriel serve]
#
# Builds llama.cpp once from the source package of llama-cpp-python 0.3.36, for this CPU, below
# ${ORIEL_CACHE:-~/.cache/oriel}; takes build/release/oriel as it is. Prints, for a prompt of 512
# tokens and for decoding after a short prompt, tokens a second and the ratio.
# THREADS (all cores) and ROUNDS (3) are read from the environment. Run it on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.3.36
cache=${ORIEL_CACHE:-$HOME/.cache/oriel}/llama_cpp-$version
bench=$cache/build/bin/llama-bench
oriel=build/release/oriel

models=()
while [[ $# -gt 0 && "$1" != -- ]]; do
  models+=("$1")
  shift
done
[[ $# -eq 0 ]] || shift
[[ ${#models[@]} -gt 0 ]] || models=(smollm2)

[[ -x "$oriel" ]] || {
  echo "$0: no $oriel; build it: cmake --preset release && cmake --build --preset release" >&2
  exit 1
}

if [[ ! -x "$bench" ]]; then
  echo "building llama.cpp in $cache (several minutes, once)"
  mkdir -p "$cache"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary llama-cpp-python -d "$cache" "llama-cpp-python==$version"
  tar -xf "$cache/llama_cpp_python-$version.tar.gz" -C "$cache"
  cmake -S "$cache/llama_cpp_python-$version/vendor/llama.cpp" -B "$cache/build" -G Ninja \
    --log-level=NOTICE -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF \
    -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
  cmake --build "$cache/build" --target llama-bench
fi

for model in "${models[@]}"; do
  path=$(deploy/fetch_model.sh "$model" | tail -n 1)
  python3 -B loadtest/client/compare_speed.py --llama-bench "$bench" --oriel "$oriel" \
    --model "$path" --threads "${THREADS:-$(nproc)}" --rounds "${ROUNDS:-3}" -- "$@"
done
