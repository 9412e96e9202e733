#!/bin/sh
# Dates of pictures and videos: all of them against ExifTool's, a hand-checked list of hard cases
# beside phockup's and elodie's answers, and processor time on metadata alone. Needs exiftool.
#   PICTURES  a folder with real pictures [tests/data/photos]
#   PYTHON    an interpreter with what the two checkouts need (tqdm; click, requests, Send2Trash,
#             future, configparser, tabulate, Pillow)
#   FFMPEG    ffmpeg, for movies that it writes [those of the script and of exiftool alone]
#   PHOCKUP   a checkout of github.com/ivandokov/phockup
#   ELODIE    a checkout of github.com/jmathai/elodie
# Figures wanted: 100 % equal; 95 % of the cases right; 5 times exiftool, 20 times phockup.
set -eu
cd "$(dirname "$0")/../.."
command -v exiftool >/dev/null || { echo "photo-dates: exiftool is not installed, nothing is compared"; exit 0; }
photos=$(cd "${PICTURES:-tests/data/photos}" && pwd)
picture=$PWD/tests/data/photos/face-open.jpg
python=${PYTHON:-python3}
cargo build --quiet --release --workspace --example photo-metadata
reader=target/release/examples/photo-metadata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
report="tests/bench/runs/$(date +%F)-photo-dates.md"

# cpu COMMAND...: seconds of processor time, its own and its children's.
cpu() {
    /usr/bin/env time -f '%U %S' -o "$work/cpu" "$@" >/dev/null 2>&1 || true
    tail -n 1 "$work/cpu" | awk '{ print $1 + $2 }'
}

files=$(find "$photos" -type f | wc -l)
python3 tests/bench/photo-dates.py make "$work/cases" "$picture" >"$work/answers"
"$reader" --groups "$work/cases" >"$work/ours"
python3 tests/bench/photo-dates.py movies "$work/movies"
{
    echo "# Dates of pictures and videos"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores."
    echo
    echo "- against ExifTool $(exiftool -ver): $(python3 tests/bench/photo-dates.py compare "$reader" "$photos" 2>/dev/null)"
    echo "- movies against ExifTool: $(python3 tests/bench/photo-dates.py compare "$reader" "$work/movies" 2>/dev/null)"
    echo "- hard cases, ours: $(python3 tests/bench/photo-dates.py judge "$work/answers" "$work/ours" 2>/dev/null)"
    set -- "$work/ours=ours"
    if [ -n "${PHOCKUP:-}" ]; then
        seconds=$(cpu "$python" "$PHOCKUP/phockup.py" "$photos" "$work/out" --dry-run)
        "$python" "$PHOCKUP/phockup.py" "$work/cases" "$work/out" --dry-run >"$work/log" 2>&1
        echo "- hard cases, phockup (no offsets and parts of a second asked; midnight will do for a day): $(python3 tests/bench/photo-dates.py judge "$work/answers" "$work/log" phockup)"
        set -- "$@" "$work/log=phockup"
    fi
    if [ -n "${ELODIE:-}" ]; then
        python3 tests/bench/photo-dates.py elodie "$python" "$ELODIE" "$work/cases" "$work/answers" "$work/elodie" >"$work/elodies"
        echo "- hard cases, elodie (the same asked; a run for each file): $(python3 tests/bench/photo-dates.py judge "$work/answers" "$work/elodies" elodie)"
        set -- "$@" "$work/elodies=elodie"
    fi
    echo
    echo "Cases and answers are by the author of the reader: a regression check, not an independent"
    echo "measure. Wrong answers are bold."
    echo
    python3 tests/bench/photo-dates.py table "$work/answers" "$@"
    echo
    echo "Processor seconds for $files files: ours $(cpu "$reader" "$photos"), exiftool -r -json $(cpu exiftool -r -json "$photos")${seconds:+, phockup --dry-run $seconds}."
} | tee "$report"
echo "written: $report"
