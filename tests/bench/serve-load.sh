#!/bin/sh
# `serve` under load: requests a second of eight clients, against llama-server on the same model
# and threads; times of /health meanwhile, also with 1,000 idle connections and with slow ones.
# Figures wanted: at least llama-server's requests a second; p99 of /health under 50 ms; idle,
# slow and half-open clients stall nobody.
#
# LLAMA_SERVER=PATH names a llama-server; without one, ours is measured alone.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

cargo build --release --locked -q --workspace --bin serve
load=tests/bench/serve-load.py
work=$(mktemp -d)
requests=${REQUESTS:-64}
started=
trap 'for one in $started; do kill "$one" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT
model=$(ls "${HEADWATER_MODELS:-$HOME/.local/share/headwater/models}"/SmolLM2-135M*Q4_1.gguf | head -n 1)
ulimit -n "$(ulimit -Hn)"

report="tests/bench/runs/$(date +%F)-serve-load.md"
{
    echo "# serve under load"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, smollm2-135m (Q4_1)," \
        "two threads, 8 at a time; prompts of about 45 tokens, answers of up to 32; load of the machine before: $(cut -d' ' -f1 /proc/loadavg)."
    echo
    echo "| eight clients, best of three | requests/s | tokens/s |"
    echo "|---|---|---|"
} | tee "$report"
row_of() { echo "| $1 | $2 |" | tee -a "$report"; }

: > "$work/log"
target/release/serve --model "$model" --listen 127.0.0.1:0 --embedder none --threads 2 --parallel 8 --context 1024 2> "$work/log" &
ours_pid=$!
started="$started $ours_pid"
until grep -q 'listening on' "$work/log"; do sleep 0.1; done
ours=$(sed -n 's/.*listening on http:\/\/\([^ ]*\).*/\1/p' "$work/log")
row_of serve "$(python3 "$load" "$ours" rate "$requests")"
python3 "$load" "$ours" health "$requests" > "$work/health"
note "resident after all this: $(awk '/VmRSS/ { printf "%.0f MiB", $2 / 1024 }' "/proc/$ours_pid/status")" > "$work/resident"
kill "$ours_pid"
wait "$ours_pid" 2>/dev/null || true
if [ -n "${LLAMA_SERVER:-}" ]; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$LLAMA_SERVER" -m "$model" --host 127.0.0.1 --port "$port" -t 2 -np 8 -c 8192 > "$work/llama.log" 2>&1 &
    theirs_pid=$!
    started="$started $theirs_pid"
    until curl -sf "http://127.0.0.1:$port/health" > /dev/null; do
        kill -0 "$theirs_pid" 2>/dev/null || { tail -n 3 "$work/llama.log"; echo "llama-server did not start"; exit 1; }
        sleep 0.2
    done
    row_of "llama-server" "$(python3 "$load" "127.0.0.1:$port" rate "$requests")"
else
    row_of "llama-server: not measured (LLAMA_SERVER names none)" "- | -"
fi
{
    echo
    echo "| /health of serve, with | median | p99 | most | asked |"
    echo "|---|---|---|---|---|"
    sed 's/^/| /; s/$/ |/' "$work/health"
    cat "$work/resident"
} | tee -a "$report"
end_report
