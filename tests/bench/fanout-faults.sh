#!/bin/sh
# A hundred faults at random moments: workers killed, connections killed, fanout itself killed and
# taken up with --resume. Wanted: the output of a local run, nothing lost, nothing twice.
set -eu
cd "$(dirname "$0")/../.."
report="tests/bench/runs/$(date +%F)-fanout-faults.md"
python3 tests/bench/fanout-faults.py target/release/fanout "$@" >"$report" || status=$?
cat "$report"
echo "written: $report"
exit "${status:-0}"
