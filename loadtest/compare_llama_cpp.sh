#!/usr/bin/env bash
# Speed beside llama.cpp: the same file, the same threads, in turns on this machine.
#
#   loadtest/compare_llama_cpp.sh [LINE …] [-- flags for oriel bench]
#
# Without a LINE all are measured; --list names them with their limits. Builds llama.cpp once from
# the source package of llama-cpp-python 0.3.36 below ${ORIEL_CACHE:-~/.cache/oriel}; takes
# build/release/oriel as it is. Prints a table and writes it, dated, to loadtest/results/ as
# Markdown and JSON: lines of one day and instruction set come together there, so that they may be
# measured one by one. Run it on a quiet machine: a measurement during which others took more than
# a twentieth of the processors is made again, four times at most.
#
# From the environment:
#   THREADS       of both; all cores
#   ROUNDS        turns of each line, 3
#   CPU_ISA       auto, avx512 or avx2; avx2 holds Oriel to AVX2 and builds llama.cpp's kernels once
#                 more with AVX2, FMA, F16C and BMI2 only
#   MEASURE_WITH  a command put before each single measurement, as "taskset -c 2,3"
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.3.36
cache=${ORIEL_CACHE:-$HOME/.cache/oriel}/llama_cpp-$version
source=$cache/llama_cpp_python-$version/vendor/llama.cpp
oriel=build/release/oriel
cpu_isa=${CPU_ISA:-auto}

if [[ "${1:-}" == --list ]]; then
  exec python3 -B loadtest/client/compare_speed.py --list
fi
lines=()
while [[ $# -gt 0 && "$1" != -- ]]; do
  lines+=("$1")
  shift
done
[[ $# -eq 0 ]] || shift

case "$cpu_isa" in
  auto | avx512 | avx2) ;;
  *)
    echo "$0: CPU_ISA is \"$cpu_isa\", expected auto, avx512 or avx2" >&2
    exit 1
    ;;
esac
[[ -x "$oriel" ]] || {
  echo "$0: no $oriel; build it: cmake --preset release && cmake --build --preset release" >&2
  exit 1
}

# configure_and_build FOLDER "CMAKE OPTIONS" TARGET …
configure_and_build() {
  local folder=$cache/$1 options=$2
  shift 2
  if [[ ! -d "$source" ]]; then
    mkdir -p "$cache"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps \
      --no-binary llama-cpp-python -d "$cache" "llama-cpp-python==$version"
    tar -xf "$cache/llama_cpp_python-$version.tar.gz" -C "$cache"
  fi
  echo "building llama.cpp in $folder (several minutes, once)"
  # shellcheck disable=SC2086  # the options are words
  cmake -S "$source" -B "$folder" -G Ninja --log-level=NOTICE -DCMAKE_BUILD_TYPE=Release \
    -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    $options
  cmake --build "$folder" --target "$@"
}

tools=$cache/build/bin
if [[ ! -x "$tools/llama-bench" || ! -x "$tools/llama-batched-bench" ]]; then
  configure_and_build build -DGGML_NATIVE=ON llama-bench llama-batched-bench
fi
# Only one library holds instructions above the baseline; the tools take it from here instead.
kernels=
if [[ "$cpu_isa" == avx2 ]]; then
  kernels=$cache/build-avx2/bin
  [[ -e "$kernels/libggml-cpu.so" ]] || configure_and_build build-avx2 "-DGGML_NATIVE=OFF \
    -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_AVX512=OFF" ggml-cpu
fi

mapfile -t models < <(python3 -B loadtest/client/compare_speed.py --list-models "${lines[@]}")
paths=()
for model in "${models[@]}"; do
  paths+=(--model "$model=$(deploy/fetch_model.sh "$model" | tail -n 1)")
done
exec python3 -B loadtest/client/compare_speed.py --llama-tools "$tools" \
  --llama-kernels "$kernels" --oriel "$oriel" "${paths[@]}" --threads "${THREADS:-$(nproc)}" \
  --rounds "${ROUNDS:-3}" --cpu-isa "$cpu_isa" --measure-with "${MEASURE_WITH:-}" \
  --commit "$(git describe --always --dirty --exclude='*' 2>/dev/null || echo unknown)" \
  --results loadtest/results "${lines[@]}" -- "$@"
