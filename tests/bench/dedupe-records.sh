#!/bin/sh
# Ten million lines, a third of them repeated: dedupe against awk and sort -u, which keep
# everything in memory or in no order. Wanted: 1 million lines/s, and the memory bound respected.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
ours=target/release/dedupe
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lines=10000000
awk -v n=$lines 'BEGIN {
    srand(1)
    for (i = 0; i < n; i++)
        if (i % 2) printf "%08d GET /srv/inbox/mail %d\n", rand() * 7000000, i % 7
        else printf "%08d the pump at the well broke again on Tuesday\n", i
}' > "$work/lines"
awk '{ printf "{\"id\":%d,\"text\":\"%s\"}\n", NR, $0 }' "$work/lines" > "$work/records"
bytes=$(wc -c < "$work/lines")

start_report dedupe-records "dedupe over records: $lines lines, $bytes bytes"
row "dedupe -R -r" "$ours -R -r < $work/lines" "$bytes" "$work/ours"
row "dedupe -R -r --memory 64M" "$ours -R -r --memory 64M < $work/lines" "$bytes" "$work/small"
row "dedupe --by text" "$ours --by text < $work/records" "$(wc -c < "$work/records")" "$work/by"
row "awk '!seen[\$0]++'" "awk '!seen[\$0]++' < $work/lines" "$bytes" "$work/awk"
row "sort -u" "LC_ALL=C sort -u < $work/lines" "$bytes" "$work/sort"
cmp "$work/ours" "$work/awk"
cmp "$work/small" "$work/awk"
[ "$(wc -l < "$work/by")" -eq "$(wc -l < "$work/awk")" ]
note "dedupe and awk wrote the same bytes"
end_report
