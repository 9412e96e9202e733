#!/bin/sh
# Dates of pictures and videos: all of them against ExifTool's, a hand-checked list of hard cases
# beside phockup's answers, and files a second on metadata alone.
#   photo-dates.sh PHOTOS PICTURE [PHOCKUP]
# PHOTOS is a folder with real pictures, PICTURE a JPEG of which the cases are made, PHOCKUP a
# checkout of github.com/ivandokov/phockup (needs python3-tqdm). Needs exiftool.
# Figures wanted: 100 % equal; 95 % of the cases right; 5 times exiftool, 20 times phockup.
set -eu
photos=$(cd "$1" && pwd)
picture=$(realpath "$2")
phockup=${3:+$(cd "$3" && pwd)}
cd "$(dirname "$0")/../.."
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
{
    echo "# Dates of pictures and videos"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores."
    echo
    echo "- against ExifTool $(exiftool -ver): $(python3 tests/bench/photo-dates.py compare "$reader" "$photos" 2>/dev/null)"
    echo "- hard cases, ours: $(python3 tests/bench/photo-dates.py judge "$work/answers" "$work/ours" 2>/dev/null)"
    if [ -n "$phockup" ]; then
        seconds=$(cpu python3 "$phockup/phockup.py" "$photos" "$work/out" --dry-run)
        python3 "$phockup/phockup.py" "$work/cases" "$work/out" --dry-run >"$work/log" 2>&1
        echo "- hard cases, phockup: $(python3 tests/bench/photo-dates.py judge "$work/answers" "$work/log" phockup 2>/dev/null)"
    fi
    echo
    echo "Processor seconds for $files files: ours $(cpu "$reader" "$photos"), exiftool -r -json $(cpu exiftool -r -json "$photos")${seconds:+, phockup --dry-run $seconds}."
} | tee "$report"
echo "written: $report"
