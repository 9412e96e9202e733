#!/bin/sh
# Equal files among 200,000 small and 2,000 large ones: dedupe against fclones (FCLONES names it)
# and jdupes. Wanted: 0.9 × fclones' time at most, no more memory, the same groups as both; with
# hashes kept, 0.2 × fclones' time at most. COLD=1 drops the page cache before each run (as root).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
ours=$PWD/target/release/dedupe
fclones=${FCLONES:-fclones}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache"
python3 tests/bench/dedupe-files.py make "$work/tree" "${SMALL:-200000}" "${LARGE:-2000}"

before=
if [ -n "${COLD:-}" ]; then before="sync; echo 3 > /proc/sys/vm/drop_caches; "; fi
bytes=$(find "$work/tree" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%.0f", n }')
files=$(find "$work/tree" -type f | wc -l)
groups() { python3 tests/bench/dedupe-files.py groups "$1" < "$2" | sort > "$2.groups"; }

# The rows are read one right after another, and the page cache is as the other program left it.
find "$work/tree" -type f -exec cat {} + > /dev/null
start_report "dedupe-files${COLD:+-cold}" "dedupe over files: $files files, $bytes bytes${COLD:+, cold cache}"
row "dedupe" "${before}$ours --no-cache --report $work/tree" 0 "$work/ours"
groups dedupe "$work/ours"
$ours --cache "$work/digests.db" --report "$work/tree" > "$work/primed"
row "dedupe, hashes of an earlier run" "${before}$ours --cache $work/digests.db --report $work/tree" 0 "$work/again"
groups dedupe "$work/again"
cmp "$work/ours.groups" "$work/again.groups"
if command -v "$fclones" > /dev/null; then
    row "$("$fclones" --version)" "${before}$fclones -q group $work/tree -f json" 0 "$work/fclones"
    "$fclones" -q group --cache "$work/tree" -f json > "$work/primed"
    row "fclones --cache" "${before}$fclones -q group --cache $work/tree -f json" 0 "$work/fclones2"
    groups fclones "$work/fclones"
    cmp "$work/fclones.groups" "$work/ours.groups"
    said="the same as fclones'"
else
    said="fclones is not installed (cargo install fclones): no row"
fi
if command -v jdupes > /dev/null; then
    row "jdupes $(jdupes -v | sed -n '1s/jdupes \([^ ]*\).*/\1/p')" "${before}jdupes -r -q $work/tree" 0 "$work/jdupes"
    groups jdupes "$work/jdupes"
    cmp "$work/jdupes.groups" "$work/ours.groups"
    said="$said, the same as jdupes'"
else
    said="$said, jdupes is not installed (apt install jdupes): no row"
fi
note "$(wc -l < "$work/ours.groups") groups, $said"
note "Load average at the end: $(cut -d' ' -f1-3 /proc/loadavg)"
end_report
