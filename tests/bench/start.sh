#!/bin/sh
# What a program costs before it does anything: time of --help, memory, size of the binary.
# Figures wanted: --help under 10 ms; without an engine under 15 MB resident and 5 MB stripped.
set -eu
cd "$(dirname "$0")/../.."
report="tests/bench/runs/$(date +%F)-start.md"
{
    echo "# Starting a program"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores."
    echo "Time: mean of 50 runs of --help. Memory: peak while it handles one small record or lists."
    echo
    echo "| program | --help ms | binary MB | peak MB |"
    echo "|---|---|---|---|"
} | tee "$report"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "Some text." > "$work/a.txt"
for program in $(sed -n 's/^PROGRAMS = //p' Makefile); do
    binary=target/release/$program
    start=$(date +%s%N)
    for _ in $(seq 50); do "$binary" --help > /dev/null; done
    end=$(date +%s%N)
    case $program in
    extract) set -- "$work/a.txt" ;;
    models) set -- list ;;
    changed) set -- --key .text "$work/a.txt" ;;
    dedupe) set -- --by text "$work/a.txt" ;;
    redact) set -- "$work/a.txt" ;;
    fanout) set -- -H : cat ;;
    escalate) set -- --when false --question q --to http://127.0.0.1:1/v1 --model m "$work/a.txt" ;;
    *) set -- --help ;; # with an engine the model decides
    esac
    peak=$(/usr/bin/env time -f %M "$binary" "$@" 2>&1 >/dev/null </dev/null | tail -n 1)
    size=$(stat -c %s "$binary")
    echo "$program $(((end - start) / 50)) $size $peak" | awk '{
        printf "| %s | %.1f | %.1f | %.1f |\n", $1, $2 / 1e6, $3 / 1e6, $4 / 1024
    }' | tee -a "$report"
done
echo "written: $report"
