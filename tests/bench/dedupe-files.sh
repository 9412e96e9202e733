#!/bin/sh
# Equal files among 200,000 small and 2,000 large ones: dedupe against fclones and, if it is there,
# jdupes. Wanted: 0.9 × fclones' time at most, no more memory, the same groups; with hashes kept,
# 0.2 × at most. COLD=1 drops the page cache before each run (as root).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
ours=$PWD/target/release/dedupe
fclones=${FCLONES:-fclones}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/bench/dedupe-files.py "$work/tree" 200000 2000

before=true
if [ -n "${COLD:-}" ]; then before="sync; echo 3 > /proc/sys/vm/drop_caches"; fi
bytes=$(find "$work/tree" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%.0f", n }')
start_report "dedupe-files${COLD:+-cold}" "dedupe over files: 202000 files, $bytes bytes${COLD:+, cold cache}"
row "dedupe" "$before; $ours --no-cache --report $work/tree" 0 "$work/ours"
row "dedupe, hashes of an earlier run" "$before; $ours --cache $work/digests.db --report $work/tree" 0 "$work/again"
if command -v "$fclones" >/dev/null; then
    row "$("$fclones" --version)" "$before; $fclones group -q $work/tree -f json" 0 "$work/fclones"
    row "fclones --cache" "$before; $fclones group -q --cache $work/tree -f json" 0 "$work/fclones2"
    jq -c '.groups[].files | sort' "$work/fclones" | sort > "$work/theirs"
    jq -s -c 'map(select(.dup.group)) | group_by(.dup.group)[] | map(.path) | sort' \
        "$work/ours" | sort > "$work/groups"
    cmp "$work/theirs" "$work/groups"
    note "$(wc -l < "$work/groups") groups, the same as fclones'"
else
    note "fclones is not installed (cargo install fclones): no row"
fi
if command -v jdupes >/dev/null; then
    row "jdupes" "$before; jdupes -r -q -m $work/tree" 0 "$work/jdupes"
fi
end_report
