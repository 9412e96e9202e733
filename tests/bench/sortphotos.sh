#!/bin/sh
# sortphotos against exiftool and phockup over a set made from the pictures in PICTURES (a folder of
# real ones). Wanted: metadata alone at 5 × `exiftool -r -json` and 20 × phockup in files a second;
# looking at 12-megapixel JPEGs at 30 files a second on two cores, within 300 MB.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
COPIES=${COPIES:-4000}
ours=$PWD/target/release/sortphotos
if [ -z "${PICTURES:-}" ]; then
    echo "PICTURES is not set: a folder of real pictures is needed; skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/bench/sortphotos.py "$PICTURES" "$work" "$COPIES" "${LARGE:-120}"
HOME=$work
export HOME

files=$(find "$work/many" -type f | wc -l)
start_report "sortphotos" "sortphotos: $files files with metadata, ${LARGE:-120} JPEGs of 12 megapixels"
row "metadata alone" "$ours --no-cache --look never $work/many" 0 "$work/ours"
if command -v exiftool >/dev/null; then
    row "exiftool $(exiftool -ver) -r -json" "exiftool -q -q -r -json $work/many || true" 0 "$work/exiftool"
else
    note "exiftool is not installed (apt install libimage-exiftool-perl): no row"
fi
if command -v phockup >/dev/null; then
    row "phockup -n" "phockup -n $work/many $work/phockup-out" 0 "$work/phockup"
else
    note "phockup is not installed: no row"
fi
row "looking at 12 megapixels" "$ours --no-cache --look always $work/large" 0 "$work/looked"
row "the same, seen before" "$ours --cache $work/c.db --look always $work/large" 0 "$work/again"
note "$files files in the first rows, $(find "$work/large" -type f | wc -l) in the last two"
end_report
