#!/bin/sh
# sortphotos against exiftool, phockup and elodie over a set made from the pictures in PICTURES (a
# folder of real ones; without, those of tests/data/photos). Wanted: metadata alone at 5 × `exiftool
# -r -json` and 20 × phockup in files a second; looking at 12-megapixel JPEGs at 30 files a second
# on two cores, within 300 MB.
#   PYTHON   an interpreter with Pillow (for elodie, which copies, also with click, requests,
#            Send2Trash, future, configparser, tabulate; for phockup with tqdm)
#   PHOCKUP  a checkout of github.com/ivandokov/phockup
#   ELODIE   a checkout of github.com/jmathai/elodie
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
COPIES=${COPIES:-4000}
# The peers take minutes for what takes us a second: they get a part of it.
PART=${PART:-400}
LARGE=${LARGE:-120}
python=${PYTHON:-python3}
pictures=${PICTURES:-tests/data/photos}
ours=$PWD/target/release/sortphotos
"$python" -c 'import PIL' 2>/dev/null || { echo "sortphotos: PYTHON has no Pillow, nothing is measured"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HEADWATER_MODELS=$work/models
export HEADWATER_MODELS
"$python" tests/bench/sortphotos.py make "$pictures" "$work" "$COPIES" "$PART" "$LARGE"
HOME=$work
export HOME

# One for each file where metadata were read.
rate() { "$python" tests/bench/sortphotos.py rate "$report" "$1" "$2" | tee -a "$report"; }

many=$(find "$work/many" -type f | wc -l)
part=$(find "$work/part" -type f | wc -l)
start_report sortphotos "sortphotos: $many files with metadata, $part of them for slower programs, $LARGE JPEGs of 12 megapixels"
row "metadata alone, $many files" "$ours --no-cache --look never $work/many" 0 "$work/ours"
row "the same, $part files" "$ours --no-cache --look never $work/part" 0 "$work/ours-part"
if command -v exiftool >/dev/null; then
    row "exiftool $(exiftool -ver) -r -json, $part files" "exiftool -q -q -r -json $work/part || true" 0 "$work/exiftool"
fi
if [ -n "${PHOCKUP:-}" ]; then
    RUNS=1 row "phockup --dry-run, $part files" "$python $PHOCKUP/phockup.py $work/part $work/out --dry-run 2>&1" 0 "$work/phockup"
fi
if [ -n "${ELODIE:-}" ]; then
    # It has no dry run, and ends at the first file without a date.
    RUNS=1 row "elodie import, $part files" "cd $ELODIE && $python elodie.py import --allow-duplicates --destination $work/elodie-out $work/part 2>&1 || true" 0 "$work/elodie"
fi
row "looking at $LARGE of 12 megapixels, two threads" "$ours --no-cache --look always --jobs 2 $work/large" 0 "$work/looked"
row "the same, with thumbnails" "$ours --no-cache --contact-sheet $work/sheet.html --jobs 2 $work/large" 0 "$work/sheet"
$ours --cache "$work/c.db" --look always "$work/large" >/dev/null
row "the same, seen before" "$ours --cache $work/c.db --look always $work/large" 0 "$work/again"

note "Load at the end: $(cut -d' ' -f1-3 /proc/loadavg); compare processor time where others were busy"
rate "metadata alone, $many files" "$many"
rate "the same, $part files" "$part"
if [ -f "$work/exiftool" ]; then
    rate "exiftool $(exiftool -ver) -r -json, $part files" "$part"
    note "$("$python" tests/bench/sortphotos.py same "$work/ours-part" "$work/exiftool")"
fi
if [ -f "$work/phockup" ]; then
    rate "phockup --dry-run, $part files" "$part"
    note "phockup says a place for $(grep -c ' => ' "$work/phockup" || true) files ($(git -C "$PHOCKUP" describe --tags --always 2>/dev/null || grep -m 1 version "$PHOCKUP/src/phockup.py" || echo snapshot))"
fi
if [ -f "$work/elodie" ]; then
    copied=$(find "$work/elodie-out" -type f 2>/dev/null | wc -l)
    note "elodie copied $copied of them before it ended"
    [ "$copied" -eq 0 ] || rate "elodie import, $part files" "$copied"
fi
rate "looking at $LARGE of 12 megapixels, two threads" "$LARGE"
rate "the same, with thumbnails" "$LARGE"
end_report
