#!/bin/sh
# Bursts made from the pictures in PICTURES (a folder; with some of 1800 pixels and more for the
# rate), found by the crate `images` through its example. Wanted: F1 of grouped pairs 0.97, the
# sharpest chosen in 95 %, 30 files/s of 12 megapixels on two cores, peak memory below 300 MB.
# PYTHON names an interpreter that has Pillow (and pillow-heif, for HEIC).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
python=${PYTHON:-python3}
[ -d "${PICTURES:-}" ] || { echo "bursts: PICTURES names no folder, nothing to measure"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release --locked --workspace --example look
ours="target/release/examples/look 2"
made=$("$python" tests/bench/bursts.py make "$PICTURES" "$work/bursts" "${SEED:-9}")
"$python" tests/bench/bursts.py speed "$PICTURES" "$work/speed" 60 > "$work/speed.list"
bytes=$(cat "$work"/speed/*.jpg | wc -c)
shots=$(cat "$work"/bursts/*.jpg | wc -c)

start_report bursts "images: bursts of $made; 60 JPEGs of 12 megapixels"
row "60 files of 12 megapixels, two threads" "$ours < $work/speed.list" "$bytes" "$work/speed.out"
row "the shots of the bursts, two threads" "$ours < $work/bursts/list" "$shots" "$work/bursts.out"
note "$("$python" tests/bench/bursts.py score "$work/bursts/truth" "$work/bursts.out")"
end_report
