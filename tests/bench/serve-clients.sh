#!/bin/sh
# Real clients, unmodified, against `serve`: the official openai packages for Python and Node, llm,
# LiteLLM, curl. And `escalate` against llama-server. Everything has to work; nothing is timed.
#
# The clients come from PyPI and npm into PEER=FOLDER (default: a scratch folder).
# LLAMA_SERVER=PATH names a llama-server (built from llama-cpp-python's source package, say);
# without one that part is left out, and said to be.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

cargo build --release --locked -q --workspace --bin serve --bin escalate
bin=$PWD/target/release
bench=$PWD/tests/bench
work=$(mktemp -d)
PEER=${PEER:-$work/peer}
export PEER
started=
trap 'for one in $started; do kill "$one" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT

if [ ! -x "$PEER/venv/bin/litellm" ]; then
    python3 -m venv "$PEER/venv"
    "$PEER/venv/bin/pip" -q install openai llm litellm
fi
if [ ! -d "$PEER/node/node_modules/openai" ]; then
    mkdir -p "$PEER/node"
    (cd "$PEER/node" && npm init -y >/dev/null && npm install --silent openai)
fi

: > "$work/serve.log"
HEADWATER_SERVE_KEY=of-the-house "$bin/serve" --listen 127.0.0.1:0 2> "$work/serve.log" &
started="$started $!"
until grep -q 'listening on' "$work/serve.log"; do sleep 0.1; done
url=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$work/serve.log")/v1

report="tests/bench/runs/$(date +%F)-serve-clients.md"
{
    echo "# Real clients, unmodified"
    echo
    echo "$(date +%F), $("$bin/serve" --version | sed 's/serve/headwater/'), models smollm2-135m and all-minilm-l6-v2."
    echo
    echo '```text'
} > "$report"
say() { echo "$*" | tee -a "$report"; }

# ran COMMAND...: its lines go to the report, and its failure is ours.
ran() {
    "$@" > "$work/lines" || { cat "$work/lines"; exit 1; }
    tee -a "$report" < "$work/lines"
}
ran "$PEER/venv/bin/python" "$bench/serve-clients.py" "$url"
ran node "$bench/serve-clients.mjs" "$url"

# llm knows such a server from a file in its own folder.
mkdir -p "$work/llm"
cat > "$work/llm/extra-openai-models.yaml" <<EOF
- model_id: house
  model_name: smollm2-135m
  api_base: "$url"
  api_key_name: house
EOF
llm() { LLM_USER_PATH="$work/llm" "$PEER/venv/bin/llm" "$@"; }
say "$(llm --version)"
llm keys set house --value of-the-house
for streaming in '' --no-stream; do
    llm -m house $streaming -o temperature 0 -o max_tokens 12 'What is the capital of France?' > "$work/llm.txt"
    grep -q Paris "$work/llm.txt"
    say "  prompt${streaming:+ $streaming}: right"
done

cat > "$work/lite.py" <<'PY'
import sys
from importlib.metadata import version
import litellm
print("LiteLLM", version("litellm"))
ask = dict(model="openai/smollm2-135m", api_base=sys.argv[1], api_key="of-the-house", max_tokens=12, temperature=0,
           messages=[{"role": "user", "content": "What is the capital of France?"}])
assert "Paris" in litellm.completion(**ask).choices[0].message.content
print("  completion: right")
pieces = litellm.completion(stream=True, **ask)
assert "Paris" in "".join(piece.choices[0].delta.content or "" for piece in pieces)
print("  stream: right")
PY
LITELLM_LOCAL_MODEL_COST_MAP=True
export LITELLM_LOCAL_MODEL_COST_MAP
ran "$PEER/venv/bin/python" "$work/lite.py" "$url" 2> "$work/lite.log"

say "$(curl --version | head -n 1 | cut -d' ' -f1-2)"
body='{"model":"smollm2-135m","stream":true,"temperature":0,"max_tokens":12,"messages":[{"role":"user","content":"What is the capital of France?"}]}'
curl -sSN "$url/chat/completions" -H 'Authorization: Bearer of-the-house' -H 'Content-Type: application/json' -d "$body" > "$work/curl.txt"
grep -q Paris "$work/curl.txt" && tail -n 2 "$work/curl.txt" | grep -q 'data: \[DONE\]'
say "  stream: right"

if [ -z "${LLAMA_SERVER:-}" ]; then
    say 'escalate against llama-server: not run (LLAMA_SERVER names none)'
else
    model=$(ls "${HEADWATER_MODELS:-$HOME/.local/share/headwater/models}"/SmolLM2-135M*.gguf | head -n 1)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$LLAMA_SERVER" -m "$model" --host 127.0.0.1 --port "$port" -np 4 -c 8192 > "$work/llama.log" 2>&1 &
    started="$started $!"
    until curl -sf "http://127.0.0.1:$port/health" > /dev/null; do
        kill -0 "${started##* }" 2>/dev/null || { tail -n 3 "$work/llama.log"; echo "llama-server did not start"; exit 1; }
        sleep 0.2
    done
    say "escalate against $("$LLAMA_SERVER" --version 2>&1 | sed -n 's/^version: */llama-server /p')"
    ask() {
        HEADWATER_STATE="$work/state" "$bin/escalate" -q --to "http://127.0.0.1:$port/v1" --model any --price 0,0 \
            --max-tokens 24 "$@"
    }
    printf '{"text":"The cat sat on the mat."}\n{"text":"The dog sat on the log."}\n' > "$work/in.jsonl"
    ask -r --question 'Which animal is this about?' < "$work/in.jsonl" > "$work/answers.txt"
    [ "$(wc -l < "$work/answers.txt")" -ge 2 ]
    say "  question: right"
    echo '{"type":"object","properties":{"animal":{"enum":["cat","dog"]}},"required":["animal"],"additionalProperties":false}' > "$work/shape.json"
    ask --schema "$work/shape.json" --question 'Which animal is this about?' < "$work/in.jsonl" | jq -e '.answer.animal' > /dev/null
    say "  schema: right"
    ask --all -r --question 'Which animals are there?' < "$work/in.jsonl" | grep -q .
    say "  all: right"
    ask --batch 2 --question 'Which animal is this about?' < "$work/in.jsonl" | jq -se 'length == 2' > /dev/null
    say "  batch: right"
fi
echo '```' >> "$report"
end_report
