#!/bin/sh
# A head on embeddings: trained on 300 mails, tested on the others, in several splits.
# Figures wanted: accuracy at least 0.95, calibration error (ECE) at most 0.05.
#
#   tests/bench/classify-head.sh MAILS.jsonl
#
# MAILS.jsonl holds raw mails: {"id": …, "text": …, "label": "spam"|"ham"}, such as the
# SpamAssassin public corpus. A text that is JSON itself, with the mail under "text", is taken out
# of it: its other keys would give the label away. Mails with the same body are taken once, so that
# none is tested on a copy of itself.
set -eu
cd "$(dirname "$0")/../.."
if [ $# -eq 0 ]; then
    echo "no corpus is named (classify-head.sh MAILS.jsonl): no report"
    exit 0
fi
corpus=$(cd "$OLDPWD" && realpath "$1")
SPLITS=${SPLITS:-3}
TRAINED_ON=${TRAINED_ON:-300}

cargo build --release --locked -q -p headwater-classify-cli -p headwater-extract-cli
bin=$PWD/target/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file a mail, named by its place; extract takes headers and markup off.
mkdir "$work/mails"
jq -c 'select(.text and .label) | .text |= (if startswith("{") then fromjson.text else . end)
    | .text |= (if startswith("From ") then split("\n")[1:] | join("\n") else . end)' "$corpus" > "$work/raw.jsonl"
n=0
while IFS= read -r line; do
    n=$((n + 1))
    printf '%s\n' "$line" | jq -j .text > "$work/mails/$n.eml"
done < "$work/raw.jsonl"
(cd "$work" && "$bin/extract" --no-via mails) > "$work/texts.jsonl"
jq -c --slurpfile raw "$work/raw.jsonl" 'select((.parent or .error) | not)
    | (.path | split("/")[1] | split(".")[0] | tonumber) as $n
    | {text, label: $raw[$n - 1].label, 
        words: (.text | split("\n") | map(split(" ")) | add // [] | map(select(. != "")) | join(" "))}
    | select(.words != "")' "$work/texts.jsonl" |
    jq -sc 'unique_by(.words)[] | del(.words)' > "$work/all.jsonl"

report="tests/bench/runs/$(date +%F)-classify-head.md"
{
    echo "# Head on embeddings: $(wc -l < "$work/all.jsonl") mails, trained on $TRAINED_ON, tested on the others"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores," \
        "$("$bin/classify" --version | sed 's/classify/headwater/'), all-minilm-l6-v2. \"Folds\" is what --train says of itself," \
        "by cross-validation."
    echo
    echo "| split | folds: accuracy | folds: ECE | tested | accuracy | ECE | trained in s | tested in s |"
    echo "|---|---|---|---|---|---|---|---|"
} | tee "$report"

seconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'; }
now() { date +%s.%N; }

for split in $(seq "$SPLITS"); do
    yes "$split" | head -c 4000000 > "$work/random"
    sort -R --random-source="$work/random" "$work/all.jsonl" > "$work/shuffled.jsonl"
    head -n "$TRAINED_ON" "$work/shuffled.jsonl" > "$work/train.jsonl"
    tail -n "+$((TRAINED_ON + 1))" "$work/shuffled.jsonl" > "$work/test.jsonl"
    start=$(now)
    "$bin/classify" --train "$work/train.jsonl" -o "$work/head" > "$work/report.json"
    middle=$(now)
    "$bin/classify" --head "$work/head" --as predicted --no-via < "$work/test.jsonl" > "$work/out.jsonl"
    end=$(now)
    # ECE over ten bins of equal width, by other code than the program's own.
    figures=$(jq -s '
        map({c: .confidence, ok: (if .predicted == .label then 1 else 0 end)}) as $all
        | ($all | map(.ok) | add / length) as $accuracy
        | ($all | group_by([(.c * 10 | floor), 9] | min)
            | map((map(.c) | add) - (map(.ok) | add) | fabs) | add / ($all | length)) as $ece
        | "\($all | length) | \($accuracy * 1000 | round / 1000) | \($ece * 1000 | round / 1000)"
    ' -r "$work/out.jsonl")
    folds=$(jq -r '"\(.accuracy) | \(.calibration_error)"' "$work/report.json")
    echo "| $split | $folds | $figures | $(seconds "$start" "$middle") | $(seconds "$middle" "$end") |"
done | tee -a "$report"
echo "written: $report"
