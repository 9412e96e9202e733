#!/bin/sh
# The record layer against jq and jaq: read, keep untouched, write. All must give the same bytes.
# Figures wanted: 300 MB/s on one core with 200-byte records, 3 × `jaq -c .`, memory flat.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

cargo build --release --locked -q -p headwater-cli --example passthrough
ours=target/release/examples/passthrough
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Records of 200 bytes with keys sorted and no spaces, so that every tool writes what it read.
lines=2000000
awk -v n=$lines 'BEGIN {
    for (i = 0; i < n; i++)
        printf "{\"id\":\"%032d\",\"n\":%d,\"path\":\"/srv/inbox/%04d/mail-%07d.eml\",\"score\":%.3f,\"text\":\"The pump at the well broke again on Tuesday night, so water is carried by hand.\"}\n", \
            i, i % 1000000 + 1000000, i % 1000, i, i % 997 + 0.125
}' > "$work/in.jsonl"
bytes=$(wc -c < "$work/in.jsonl")

start_report records "Record layer: $lines records, $bytes bytes"
row "headwater $(version_of "$ours")" "taskset -c 0 $ours < $work/in.jsonl" "$bytes" "$work/ours"
row "$(jq --version)" "taskset -c 0 jq -c . < $work/in.jsonl" "$bytes" "$work/jq"
if command -v jaq >/dev/null; then
    row "$(jaq --version)" "taskset -c 0 jaq -c . < $work/in.jsonl" "$bytes" "$work/jaq"
else
    note "jaq is not installed (cargo install jaq): no row"
fi
for theirs in "$work/jq" "$work/jaq"; do
    [ -e "$theirs" ] || continue
    cmp -s "$work/ours" "$theirs" || note "$(basename "$theirs") wrote other bytes than it read"
done
cmp "$work/ours" "$work/in.jsonl"
note "headwater wrote byte for byte what it read"

# Memory over 10 million records: the peak must not grow with the number.
for times in 1 5; do
    peak=$( (for _ in $(seq $times); do cat "$work/in.jsonl"; done) |
        /usr/bin/env time -f %M "$ours" 2>&1 >/dev/null | tail -n 1)
    note "peak memory over $((lines * times)) records: $peak KiB"
done
end_report
