#!/bin/sh
# fanout over a real sshd on loopback: tiny records against GNU parallel, and how near jobs of a
# known length come to the ideal. Wanted: 4,000 records/s over one slot, 20 times GNU parallel's
# jobs/s; 95 % of the ideal with equal slots, 93 % with speeds of 1:2:4:8.
set -eu
cd "$(dirname "$0")/../.."
bin=$PWD/target/release
report="tests/bench/runs/$(date +%F)-fanout.md"
work=$(mktemp -d)
# Behind python3 may lie a script that takes its time.
python=$(python3 -c "import sys; print(sys.executable)")
port=$(python3 -c "import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])")
trap 'kill "$(cat "$work/pid")"; rm -rf "$work"' EXIT

ssh-keygen -q -t ed25519 -N '' -f "$work/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/user"
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
cat >"$work/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $work/host
AuthorizedKeysFile $work/user.pub
PidFile $work/pid
StrictModes no
UsePAM no
PermitRootLogin yes
# What a user's shell does first would be paid for by each job of GNU parallel.
SetEnv HOME=$work
MaxStartups 200
MaxSessions 200
END
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$work/host.pub")" >"$work/known_hosts"
cat >"$work/config" <<END
Host *
 HostName 127.0.0.1
 Port $port
 IdentityFile $work/user
 IdentitiesOnly yes
 UserKnownHostsFile $work/known_hosts
 ControlMaster auto
 ControlPath $work/%C
 ControlPersist 60
END
/usr/sbin/sshd -f "$work/sshd_config"
fanout="$bin/fanout -F $work/config --no-via"

# lines N: N records
lines() { seq "$1" | sed 's/.*/{"id":"r&","n":&,"text":"What a fine morning it was."}/'; }

# timed NAME RECORDS IDEAL COMMAND...: a row; the output has to be the input.
timed() {
    name=$1 records=$2 ideal=$3
    shift 3
    lines "$records" >"$work/in"
    start=$(date +%s%N)
    sh -c "$*" <"$work/in" >"$work/out"
    wall=$(($(date +%s%N) - start))
    cmp "$work/in" "$work/out"
    awk -v name="$name" -v n="$records" -v wall="$wall" -v ideal="$ideal" 'BEGIN {
        seconds = wall / 1e9
        part = ideal > 0 ? sprintf("%.0f %%", 100 * ideal / seconds) : "-"
        printf "| %s | %d | %.2f | %.0f | %s |\n", name, n, seconds, n / seconds, part
    }'
}

cat >"$work/job.py" <<'END'
"""Answers each record after SECONDS, or, with a folder, the n-th to come after 0.4/2^n."""
import os, sys, time
seconds = float(sys.argv[1])
if len(sys.argv) > 2:
    for speed in (1, 2, 4, 8):
        try:
            os.mkdir(os.path.join(sys.argv[2], str(speed)))
        except FileExistsError:
            continue
        seconds = seconds / speed
        break
for line in sys.stdin:
    time.sleep(seconds)
    sys.stdout.write(line)
    sys.stdout.flush()
END
mkdir "$work/speeds"

{
    echo "# fanout over loopback"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores,"
    echo "load average before: $(cut -d' ' -f1 /proc/loadavg). $("$bin/fanout" --version), $(parallel --version | head -n 1),"
    echo "$(ssh -V 2>&1). Starting and connecting is in the seconds."
    echo
    echo "| what | records | seconds | records/s | of the ideal |"
    echo "|---|---|---|---|---|"
    timed "one slot, libssh2, cat" 300000 0 "$fanout -H attic -- cat"
    timed "one slot, ssh, cat" 300000 0 "$fanout -H attic --transport ssh -- cat"
    timed "three slots, cat" 300000 0 "$fanout -H attic -j 3 -- cat"
    export PARALLEL_SSH="ssh -F $work/config"
    ssh -F "$work/config" attic true
    timed "GNU parallel, a job for each record, ControlMaster, 8 at a time" 300 0 \
        "parallel --will-cite -k -j 8 -S 8/attic --pipe -N 1 cat"
    timed "GNU parallel, --pipe in blocks of 1 MB (no job for a record)" 300000 0 \
        "parallel --will-cite -k -j 2 -S 2/attic --pipe --block 1M cat"
    timed "eight slots, jobs of 50 ms" 4800 30 "$fanout -H attic -j 8 -- $python $work/job.py 0.05"
    # 2.5 + 5 + 10 + 20 records a second
    timed "four slots with speeds of 1:2:4:8, jobs of 400 ms and less" 1125 30 \
        "$fanout -H attic -j 4 -- $python $work/job.py 0.4 $work/speeds"
} | tee "$report"
echo "written: $report"
