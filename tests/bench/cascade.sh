#!/bin/sh
# A cascade on labelled mail: a head on embeddings answers, and what it is least sure of goes to a
# bigger model. Figure wanted: at least 98 % of always-big's accuracy with at most 20 % of its calls.
#
#   tests/bench/cascade.sh MAILS.jsonl
#
# MAILS.jsonl as for classify-head.sh. BIG names who is asked (as --to; default: the larger local
# model), TRAINED_ON the mails that the head learns from, CHARACTERS how much of a mail is sent.
# The big model is asked about every mail of the other half, so that the curve is measured and not
# guessed; every threshold is then read off the same answers.
set -eu
cd "$(dirname "$0")/../.."
if [ $# -eq 0 ]; then
    echo "no corpus is named (cascade.sh MAILS.jsonl): no report"
    exit 0
fi
corpus=$(cd "$OLDPWD" && realpath "$1")
. tests/bench/report.sh
trained_on=${TRAINED_ON:-300}
characters=${CHARACTERS:-500}
big=${BIG:-local:qwen2.5-coder-0.5b}

cargo build --release --locked -q --workspace --bin classify --bin extract --bin escalate --bin serve
bin=$PWD/target/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As classify-head.sh: one file a mail; extract takes headers and markup off; copies are left out.
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
yes 1 | head -c 4000000 > "$work/random"
sort -R --random-source="$work/random" "$work/all.jsonl" > "$work/shuffled.jsonl"
head -n "$trained_on" "$work/shuffled.jsonl" > "$work/train.jsonl"
tail -n "+$((trained_on + 1))" "$work/shuffled.jsonl" | jq -c '{truth: .label, text}' > "$work/test.jsonl"

"$bin/classify" --train "$work/train.jsonl" -o "$work/head" > "$work/trained.json"
"$bin/classify" --head "$work/head" --no-via < "$work/test.jsonl" |
    jq -c --argjson most "$characters" '.text |= .[:$most]' > "$work/small.jsonl"
echo '{"enum":["spam","ham"]}' > "$work/shape.json"
"$bin/escalate" -q --to "$big" --allow-pii --schema "$work/shape.json" --max-tokens 16 \
    --question 'Is this mail spam or ham? Spam advertises something for money or tries to cheat its reader; ham is a message between people, from a mailing list, or a newsletter.' \
    < "$work/small.jsonl" > "$work/both.jsonl"
"$bin/escalate" --calibrate "$work/both.jsonl" > "$work/curve.jsonl"

report="tests/bench/runs/$(date +%F)-cascade.md"
{
    echo "# Cascade: a head on embeddings, then $big"
    echo
    echo "$(date +%F), $("$bin/escalate" --version | sed 's/escalate/headwater/'); $(wc -l < "$work/test.jsonl") mails, the head trained on" \
        "$trained_on others; the big model sees the first $characters characters."
    echo
    echo "| sent to the big model | accuracy |"
    echo "|---|---|"
    jq -rs 'def percent: . * 1000 | round / 10 | tostring + " %";
        map(select(.share != null and .accuracy != null)) | sort_by(.share)
        | [.[0], (.[1:-1] | [range(0; length) as $i | select($i % ((length / 12 | floor) + 1) == 0) | .[$i]])[], .[-1]][]
        | "| \(.share | percent) | \(.accuracy | percent) |"' "$work/curve.jsonl"
} | tee "$report"
# The figure that is wanted, from the answers alone.
note "$(jq -rs '
    map({sure: .confidence, small: (.label == .truth), big: (.answer == .truth)}) | sort_by(.sure) | . as $all | length as $n
    | ($all | map(select(.big)) | length / $n) as $always_big
    | [range(0; ($n * 0.2 | floor) + 1) as $k | (([$all[:$k][] | select(.big)] | length) + ([$all[$k:][] | select(.small)] | length)) / $n] as $curve
    | ($curve | max) as $best
    | "always the head: \($curve[0] * 1000 | round / 10) %; always the big model: \($always_big * 1000 | round / 10) %; the best with at most 20 % of its calls: \($best * 1000 | round / 10) %, with \(($curve | index($best)) / $n * 1000 | round / 10) % of them, which is \($best / $always_big * 1000 | round / 10) % of always-big"
' "$work/both.jsonl")"
end_report
