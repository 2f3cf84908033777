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
      libgrpc++-dev libgrpc-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
      libgtest-dev libgmock-dev
      python3 python3-venv python3-pip curl openssl)
    ;;
  runtime)
    packages=(
      ca-certificates curl python3 python3-pip
      libabsl20220623 libspdlog1.10 libprometheus-cpp-core1.0 libyaml-cpp0.7
      libpcre2-8-0 libicu72 libhwy1 libgrpc++1.51 libgrpc29 libprotobuf32 libstdc++6)
    ;;
  *) usage ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "$0: this system has no apt-get; install what these Debian 12 packages hold:" \
    "${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$state" == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "dependencies ($1): all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "$0: needs root or sudo to install: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
fail() {
  tail -n 20 "$log" >&2
  echo "$0: $1 failed; the lines above are the end of its output" >&2
  exit 1
}

# apt reports "pmstatus:PACKAGE:PERCENT:text" lines; every tenth percent becomes a line of ours.
show_progress() {
  awk -F: '
    /^(dl|pm)status:/ {
      phase = /^dl/ ? "downloading" : "installing"
      step = phase int($3 / 10)
      if (step != last) { printf "  %s, %d %%\n", phase, $3; fflush() }
      last = step
    }'
}

# The reports have a descriptor of their own, made after sudo, which passes on only the first three.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 bash -c \
    'log=$1; shift; exec apt-get -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 \
      -o DPkg::Lock::Timeout=300 "$@" 3>&1 >"$log" 2>&1' bash "$log" "$@" </dev/null |
    show_progress
}

echo "dependencies ($1): installing ${#missing[@]} of ${#packages[@]} packages: ${missing[*]}"
apt update || fail "apt-get update"
apt install -y --no-install-recommends "${missing[@]}" || fail "apt-get install"
echo "dependencies ($1): done"
