#!/usr/bin/env bash
# Installs the Debian 12 packages that Oriel needs: the one list of them.
#
#   deploy/install_dependencies.sh build     to build and test
#   deploy/install_dependencies.sh runtime   to run a built binary
#
# Runs as root or through sudo, asks nothing, and returns at once when everything is there.
set -euo pipefail

usage() { echo "usage: $0 build|runtime" >&2; exit 2; }
[[ $# -eq 1 ]] || usage

case "$1" in
  build)
    packages=(
      g++ cmake ninja-build ccache pkg-config ca-certificates git
      clang-format clang-tidy
      libabsl-dev libspdlog-dev nlohmann-json3-dev prometheus-cpp-dev
      libboost1.81-dev libyaml-cpp-dev libcli11-dev libpcre2-dev libicu-dev libhwy-dev
      libgtest-dev libgmock-dev
      python3 python3-venv python3-pip curl unzip)
    ;;
  runtime)
    packages=(
      ca-certificates curl python3 python3-pip unzip
      libabsl20220623 libspdlog1.10 libprometheus-cpp-core1.0 libyaml-cpp0.7
      libpcre2-8-0 libicu72 libhwy1 libstdc++6)
    ;;
  *) usage ;;
esac

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$state" == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "dependencies ($1): all ${#packages[@]} packages are installed"
  exit 0
fi

run=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "$0: needs root or sudo to install: ${missing[*]}" >&2; exit 1; }
  run=(sudo)
fi
echo "dependencies ($1): installing ${#missing[@]} packages: ${missing[*]}"
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  "${missing[@]}" >/dev/null
