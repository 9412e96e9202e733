#!/bin/sh
# Hostile texts against `extract --schema`: random unicode, pieces of JSON, instructions, control
# tokens of chat templates, quotes and backslashes, deep brackets, words without an end.
# Figure wanted: a schema never yields invalid JSON in 1,000 of them. Every line must be JSON, every
# "data" must fulfil the schema by another validator (Python's jsonschema), every span must be a
# place in the text.
#
#     sh tests/bench/extract-schema.sh
#
# TEXTS=N (default 1000); PEER=FOLDER keeps the pip packages between runs; MODEL=NAME.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh
texts=${TEXTS:-1000}
model=${MODEL:-smollm2-135m}

cargo build --release --locked -q -p headwater-extract-cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# It takes a while: a build meanwhile must not change it.
extract=$work/extract
cp target/release/extract "$extract"
peer=${PEER:-$work/peer}
if [ ! -x "$peer/bin/python" ]; then
    python3 -m venv "$peer"
    "$peer/bin/pip" -q install jsonschema
fi
py() { "$peer/bin/python" tests/bench/extract-schema.py "$@"; }
validator=$("$peer/bin/pip" list --format=freeze 2>/dev/null | sed -n 's/^jsonschema==//p')

report="tests/bench/runs/$(date +%F)-extract-schema.md"
{
    echo "# Hostile texts: $texts against schemas, $model"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores," \
        "headwater $(version_of "$extract"). Checked by jsonschema $validator for Python."
    echo
    echo "| schema | texts | data that fulfil it | errors | invalid | ended at a bound | seconds |"
    echo "|---|---|---|---|---|---|---|"
} | tee "$report"

py make "$texts" "$work"
for schema in "$work"/*.schema; do
    name=$(basename "$schema" .schema)
    start=$(date +%s.%N)
    code=0
    "$extract" -q --no-cache --no-via --model "$model" --context 1024 --schema "$(cat "$schema")" \
        < "$work/$name.in" > "$work/$name.out" || code=$?
    took=$(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.0f", b - a }')
    # 1: a text failed, and the rest came through. Anything else is a defect.
    [ "$code" -le 1 ] || { echo "extract ended with $code for $name" >&2; exit 1; }
    py check "$name" "$work" "$took" | tee -a "$report"
done
py sum "$work" | tee -a "$report"
end_report
if grep -q '^Not valid' "$report"; then exit 1; fi
