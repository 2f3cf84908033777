#!/usr/bin/env bash
# From a fresh clone to a first answer: installs what is missing, builds, fetches a small model,
# serves it on 127.0.0.1 and shows an answer as it is made. Then the server stays up until Ctrl-C.
#
#   deploy/quickstart.sh           stays up
#   deploy/quickstart.sh --once    stops the server after the answer and checks that it ends well
#
# ORIEL_HTTP_PORT (8000) is the port, ORIEL_GRPC_PORT (8001, or any free port if that is taken; off:
# none) that of gRPC, ORIEL_MODEL_DIR (~/.cache/oriel/models) where the model goes.
set -euo pipefail
cd "$(dirname "$0")/.."

once=no
case "${1:-}" in
  "") ;;
  --once) once=yes ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

port=${ORIEL_HTTP_PORT:-8000}
url=http://127.0.0.1:$port
question="What is the capital of France? Answer in one sentence."
server=""
server_log=$(mktemp "${TMPDIR:-/tmp}/oriel-quickstart.XXXXXX.log")

step_number=0
step_started=$SECONDS
step() {
  step_number=$((step_number + 1))
  step_started=$SECONDS
  printf '\n[%d/5] %s\n' "$step_number" "$*"
}
step_done() { echo "      done in $((SECONDS - step_started)) s"; }

fail() {
  echo >&2
  echo "quickstart: step $step_number failed: $*" >&2
  exit 1
}

# The server is stopped however this script ends.
clean_up() {
  if [[ -n "$server" ]] && kill -0 "$server" 2>/dev/null; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -f "$server_log"
}
trap clean_up EXIT

show_server_log() {
  echo "--- the end of the server's log:" >&2
  tail -n 30 "$server_log" >&2
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first answer needs HTTP alone, so a default gRPC port that is taken gives way; one that was
# asked for does not.
choose_grpc_port() {
  if [[ -n "${ORIEL_GRPC_PORT:-}" ]]; then
    echo "$ORIEL_GRPC_PORT"
  elif [[ "$port" == 8001 ]] || port_is_taken 8001; then
    echo 0
  else
    echo 8001
  fi
}

wait_until_ready() {
  local attempt
  for ((attempt = 0; attempt < 600; ++attempt)); do
    if ! kill -0 "$server" 2>/dev/null; then
      show_server_log
      fail "the server ended before it was ready"
    fi
    if curl --silent --fail --noproxy '*' --output /dev/null "$url/readyz"; then return; fi
    sleep 0.1
  done
  show_server_log
  fail "the server was not ready after 60 s"
}

# Prints the text of a streamed chat answer as it comes; fails if the stream does not end well.
show_stream() {
  python3 -u -c '
import json, sys
finished = done = False
for line in iter(sys.stdin.readline, ""):
    if not line.startswith("data: "):
        continue
    if line.strip() == "data: [DONE]":
        done = True
        continue
    event = json.loads(line[6:])
    if "error" in event:
        sys.exit("the stream reports: " + event["error"]["message"])
    for choice in event["choices"]:
        print(choice["delta"].get("content") or "", end="", flush=True)
        finished = finished or choice["finish_reason"] is not None
print()
sys.exit(None if finished and done else "the stream broke off")
'
}

ask() {
  curl --silent --show-error --fail-with-body --no-buffer --noproxy '*' \
    "$url/v1/chat/completions" -H 'Content-Type: application/json' \
    -d "{\"messages\": [{\"role\": \"user\", \"content\": \"$question\"}],
         \"max_tokens\": 64, \"temperature\": 0, \"stream\": true}" | show_stream
}

stop_server() {
  local code=0
  kill -TERM "$server"
  wait "$server" || code=$?
  server=""
  if [[ $code -ne 0 ]]; then
    show_server_log
    fail "the server ended with code $code after SIGTERM"
  fi
}

if [[ ! "$port" =~ ^[0-9]+$ ]] || ((port < 1 || port > 65535)); then
  fail "ORIEL_HTTP_PORT is '$port'; it must be a port of 1 … 65535"
fi
if port_is_taken "$port"; then
  fail "port $port of 127.0.0.1 is taken; choose another one: ORIEL_HTTP_PORT=8080 $0"
fi

step "Installing what is missing (Debian packages)"
deploy/install_dependencies.sh build || fail "the packages could not be installed"
step_done

step "Building oriel (a few minutes the first time)"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset release --log-level=NOTICE || fail "cmake could not configure the build"
cmake --build --preset release --target oriel || fail "the build failed; its output is above"
step_done

step "Fetching SmolLM2-135M-Instruct (98 MB)"
model=$(deploy/fetch_model.sh smollm2 | tail -n 1) || fail "the model could not be fetched"
step_done

step "Starting the server on $url"
# In a session of its own: a Ctrl-C reaches this script alone, which passes on one SIGTERM.
setsid build/release/oriel serve "$model" --host 127.0.0.1 --http-port "$port" \
  --grpc-port "$(choose_grpc_port)" </dev/null >"$server_log" 2>&1 &
server=$!
wait_until_ready
sed 's/^/      /' "$server_log"
step_done

step "A first answer, as it is made"
echo "      $question"
echo
ask || { show_server_log; fail "the first request was not answered"; }
echo
step_done

if [[ "$once" == yes ]]; then
  stop_server
  echo
  echo "The server was stopped and ended with code 0. All of it took $SECONDS s."
  exit 0
fi

cat <<NEXT

Oriel is serving at $url. What to try now, from another terminal:

  curl $url/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"messages": [{"role": "user", "content": "Tell me a story."}], "max_tokens": 200}'
  curl $url/metrics

  build/release/oriel inspect $model
  build/release/oriel generate $model --prompt "Once upon a time" --max-tokens 100

Any OpenAI client works with base_url=$url/v1 and any key.
Ctrl-C stops the server.
NEXT

interrupted=no
trap 'interrupted=yes; kill -TERM "$server" 2>/dev/null || true' INT TERM HUP
code=0
wait "$server" || code=$?
if [[ "$interrupted" == yes ]]; then
  # The first wait was cut short by the signal; this one sees the server drain.
  code=0
  wait "$server" || code=$?
fi
server=""
[[ $code -eq 0 ]] || { show_server_log; fail "the server ended with code $code"; }
echo "The server has stopped."
