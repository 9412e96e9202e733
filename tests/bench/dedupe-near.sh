#!/bin/sh
# Near-duplicates planted among 100,000 texts: dedupe --near against rensa (pip install rensa; PYTHON
# names an interpreter that has it), both from JSON lines to verified groups. Wanted: at least its
# F1 and its speed, less memory.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
ours=target/release/dedupe
python=${PYTHON:-python3}
texts=${TEXTS:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/bench/dedupe-near.py make "$texts" > "$work/texts"
bytes=$(wc -c < "$work/texts")

start_report dedupe-near "dedupe --near over $texts texts, $bytes bytes"
row "dedupe --near" "$ours --near --report < $work/texts" "$bytes" "$work/ours"
if "$python" -c 'import rensa' 2>/dev/null; then
    row "rensa $("$python" -c 'import importlib.metadata as m; print(m.version("rensa"))')" \
        "$python tests/bench/dedupe-near.py rensa $work/texts" "$bytes" "$work/rensa"
    note "rensa: $(python3 tests/bench/dedupe-near.py score "$work/texts" "$work/rensa")"
else
    note "rensa is not installed (pip install rensa): no row"
fi
note "dedupe: $(python3 tests/bench/dedupe-near.py score "$work/texts" "$work/ours")"
end_report
