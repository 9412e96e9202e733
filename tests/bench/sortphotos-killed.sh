#!/bin/sh
# Two hundred kills (kill -9) at random moments of `sortphotos --apply move`, on one device and to
# another. Wanted: no picture lost or half-written, --resume completes, --undo restores the tree
# bit for bit.
set -eu
cd "$(dirname "$0")/../.."
report="tests/bench/runs/$(date +%F)-sortphotos-killed.md"
python3 tests/bench/sortphotos-killed.py target/release/sortphotos "${ROUNDS:-200}" >"$report" || status=$?
cat "$report"
echo "written: $report"
exit "${status:-0}"
