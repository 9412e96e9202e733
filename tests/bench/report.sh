# Sourced by the scripts beside it: times commands and writes tests/bench/runs/DATE-NAME.md.

RUNS=${RUNS:-5}

version_of() { "$1" --version | cut -d' ' -f2; }

# start_report NAME TITLE
start_report() {
    report="tests/bench/runs/$(date +%F)-$1.md"
    {
        echo "# $2"
        echo
        echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
            "$(nproc) cores, $(uname -sr | cut -d- -f1), best of $RUNS runs."
        echo
        echo "| program | seconds | MB/s | user + system | peak KiB |"
        echo "|---|---|---|---|---|"
    } | tee "$report"
}

# row NAME COMMAND BYTES OUTPUT: the best of RUNS runs; BYTES of input give the rate.
row() {
    best=
    for _ in $(seq "$RUNS"); do
        one=$( { /usr/bin/env time -f '%e %U %S %M' sh -c "$2" > "$4"; } 2>&1 | tail -n 1)
        best=$(printf '%s\n%s\n' "$best" "$one" | grep . | sort -n | head -n 1)
    done
    echo "$best" | awk -v name="$1" -v bytes="$3" '{
        rate = bytes > 0 ? sprintf("%.0f", bytes / 1e6 / ($1 > 0 ? $1 : 0.01)) : "-"
        printf "| %s | %.2f | %s | %.2f | %d |\n", name, $1, rate, $2 + $3, $4
    }' | tee -a "$report"
}

note() { printf '\n%s.\n' "$1" | tee -a "$report"; }

end_report() { echo "written: $report"; }
