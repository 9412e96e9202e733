#!/bin/sh
# Five thousand pictures, six of each scene, made from the pictures in PICTURES (a folder; without
# it, drawn): dedupe --near --files against czkawka_cli (CZKAWKA names it). Wanted: recall 0.98 at a
# precision of 0.99, at least czkawka_cli's speed. PYTHON names an interpreter that has Pillow.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
ours=target/release/dedupe
python=${PYTHON:-python3}
czkawka=${CZKAWKA:-czkawka_cli}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache"
made=$("$python" tests/bench/dedupe-pictures.py make "$work/set" "${COUNT:-5000}" ${PICTURES:+"$PICTURES"})
score() { "$python" tests/bench/dedupe-pictures.py score "$work/set.truth" "$1"; }
bytes=$(cat "$work"/set/* | wc -c)

start_report dedupe-pictures "dedupe --near --files: $made"
row "dedupe" "$ours --near --files --no-cache --report $work/set" "$bytes" "$work/ours"
"$ours" --near --files --cache "$work/looks.db" --report "$work/set" > "$work/primed"
row "dedupe, looks of an earlier run" \
    "$ours --near --files --cache $work/looks.db --report $work/set" "$bytes" "$work/again"
said=
if command -v "$czkawka" > /dev/null; then
    look="$czkawka image -H -W -N -M -m 1 -d $work/set -C $work/czkawka.json"
    theirs() {
        row "$("$czkawka" --version | head -n 1)$1" "$look $2" "$bytes" "$work/said"
        "$python" tests/bench/dedupe-pictures.py groups < "$work/czkawka.json" > "$work/theirs"
        said="$said czkawka_cli$1: $(score "$work/theirs")."
    }
    theirs ", as it comes" ""
    theirs ", turned pictures too" "-s 10 --geometric-invariance mirror-flip-rotate90"
    said=${said# }
    note "${said%.}"
else
    note "czkawka_cli is not installed (cargo install czkawka_cli): no row"
fi
note "dedupe: $(score "$work/ours")"
note "dedupe, looks of an earlier run: $(score "$work/again")"
note "Load average at the end: $(cut -d' ' -f1-3 /proc/loadavg)"
end_report
