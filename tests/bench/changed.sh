#!/bin/sh
# Ten million events of a million sensors, one in a hundred of them news: in memory, with a state
# file, with two fields and all members, and from pipes. Wanted: 500,000 events/s, and a million
# keys in 300 MB.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
EVENTS=${EVENTS:-10000000}
KEYS=${KEYS:-1000000}
ours=target/release/changed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A value stays within a degree around 20; one in a hundred is five degrees more.
awk -v n="$EVENTS" -v keys="$KEYS" 'BEGIN {
    srand(1)
    for (i = 0; i < n; i++)
        printf "{\"time\":%.0f,\"sensor\":\"s%07d\",\"value\":%.2f,\"unit\":\"C\"}\n",
            1700000000000 + i, rand() * keys, 20 + rand() / 2 + (rand() < 0.01 ? 5 : 0)
}' > "$work/events"
bytes=$(wc -c < "$work/events")

rule="--key .sensor --fields value --rule 'value band=1 first=keep'"
state="--state $work/state.db"
start_report changed "changed: $EVENTS events of $KEYS keys, $bytes bytes"
row "in memory" "$ours $rule < $work/events" "$bytes" "$work/memory"
row "times from a field" "$ours $rule --time time < $work/events" "$bytes" "$work/times"
row "a new state file" "rm -f $work/state.db*; $ours $rule $state < $work/events" "$bytes" "$work/state"
row "a state file that knows all keys" "$ours $rule $state < $work/events" "$bytes" "$work/again"
row "a new state file, --resume" \
    "rm -f $work/state.db*; $ours $rule $state --resume < $work/events" "$bytes" "$work/resume"
row "from a pipe into a pipe" "cat $work/events | $ours $rule | cat" "$bytes" "$work/pipe"
row "all members" "$ours --key .sensor --rule '* band=1 first=keep' --ignore-fields time \
    < $work/events" "$bytes" "$work/all"
row "every first value is news" "$ours --key .sensor --fields value --rule 'value band=1' \
    < $work/events" "$bytes" "$work/first"
news() { jq -c '[.sensor, .value, .change.prev, .change.suppressed]' < "$1" > "$1.news"; }
for run in memory state resume pipe; do news "$work/$run"; done
for run in state resume pipe; do cmp "$work/memory.news" "$work/$run.news"; done
note "the same $(wc -l < "$work/memory") events were news in memory, with a state file, with --resume, and through pipes"
note "500,000 events/s are $(awk -v n="$EVENTS" 'BEGIN { print n / 500000 }') seconds"
note "the state file has $(wc -c < "$work/state.db") bytes"
end_report
