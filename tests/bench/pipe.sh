#!/bin/sh
# Three model filters in one pipe share the cores: wall-clock time against the processor time of
# all three divided by the cores, with the jobserver and without. Wanted: at most 1.15.
set -eu
cd "$(dirname "$0")/../.."
bin=$PWD/target/release
report="tests/bench/runs/$(date +%F)-pipe.md"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for n in $(seq 24); do
    printf '{"n":%d,"text":"Note %d. The pump at the well broke on Tuesday and the mill had no water for %d days. Mr Berger repairs it for %d40 euros. Somebody has to open the gate for him at nine in the morning, and the mayor wants to be told when it is done."}\n' "$n" "$n" "$n" "$n"
done >"$work/texts.jsonl"

# run NAME FLAG...: a row of the table; every run asks the models anew.
run() {
    name=$1
    shift
    start=$(date +%s%N)
    "$bin/summarize" --no-cache --stats --length 15 "$@" <"$work/texts.jsonl" 2>"$work/1" |
        "$bin/classify" --no-cache --stats --labels repair,money,weather "$@" 2>"$work/2" |
        "$bin/summarize" --no-cache --stats --length 8 --as title "$@" 2>"$work/3" >"$work/out"
    wall=$(($(date +%s%N) - start))
    [ "$(wc -l <"$work/out")" -eq 24 ] || { echo "records are missing" >&2; exit 1; }
    cat "$work/1" "$work/2" "$work/3" | jq -s 'map(.cpu_seconds) | add' |
        awk -v name="$name" -v wall="$wall" -v cores="$(nproc)" '{
            printf "| %s | %.1f | %.1f | %.2f |\n", name, wall / 1e9, $1, wall / 1e9 / ($1 / cores)
        }'
}

{
    echo "# Three model filters in one pipe"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores."
    echo "summarize | classify | summarize over 24 texts, $("$bin/summarize" --version)."
    echo
    echo "| CPU slots | wall s | processor s | wall ÷ (processor ÷ cores) |"
    echo "|---|---|---|---|"
    for round in 1 2 3; do
        run "shared, run $round"
        run "not shared, run $round" --no-jobserver
    done
} | tee "$report"
echo "written: $report"
