#!/bin/sh
# Log lines made by script: redact with patterns only against sed with three of them. Wanted: 100 MB/s
# on one core with patterns only. LINES_MADE sets how many lines (7500000 are 1 GB).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

RUNS=${RUNS:-3}
ours=target/release/redact
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lines=${LINES_MADE:-2000000}
# Web server, sshd and an application, in turns; one line in eight of the last has a mail address or
# an account in it.
awk -v n="$lines" 'BEGIN {
    srand(1)
    for (i = 0; i < n; i++) {
        ip = int(rand() * 223 + 1) "." int(rand() * 256) "." int(rand() * 256) "." int(rand() * 254 + 1)
        s = sprintf("%02d:%02d:%02d", i / 3600 % 24, i / 60 % 60, i % 60)
        if (i % 4 == 0)
            printf "%s - - [21/Nov/2026:%s +0000] \"GET /static/js/app.%06x.js?v=%d HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n", ip, s, rand() * 16777215, i % 97, rand() * 90000
        else if (i % 4 == 1)
            printf "Nov 21 %s attic sshd[%d]: Failed password for invalid user test%d from %s port %d ssh2\n", s, 1000 + i % 30000, i % 40, ip, 1024 + i % 60000
        else if (i % 32 == 2)
            printf "2026-11-21T%s.%03dZ INFO mailer: queued message %d for anna.berger%d@mail.beispiel.de, account DE89370400440532013000\n", s, i % 1000, i, i % 5000
        else
            printf "2026-11-21T%s.%03dZ DEBUG worker-%d pool: task %d finished in %d ms, queue length %d, retries %d, next run in %d s\n", s, i % 1000, i % 16, i, rand() * 900, i % 37, i % 3, i % 120
    }
}' > "$work/log"
awk '{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "{\"id\":\"%d\",\"text\":\"%s\"}\n", NR, $0 }' "$work/log" > "$work/records"
bytes=$(wc -c < "$work/log")
patterns=email,phone,iban,card,national_id,ip,mac,url,username,password,secret,birth_date,plate,coordinates,wallet

start_report redact "redact over log lines: $lines lines, $bytes bytes, one core"
run="taskset -c 0 $ours"
row "-R -r --no-via, patterns" "$run -R -r --no-via --kinds $patterns < $work/log" "$bytes" "$work/a"
row "-R -r --no-via, patterns, mask" "$run -R -r --no-via --style mask --kinds $patterns < $work/log" "$bytes" "$work/b"
row "-R -r --no-via, patterns, dates and amounts" "$run -R -r --no-via --kinds $patterns,date,amount < $work/log" "$bytes" "$work/c"
row "-R -r --no-via, names too" "$run -R -r --no-via < $work/log" "$bytes" "$work/d"
row "records in and out, patterns" "$run --kinds $patterns < $work/records" "$(wc -c < "$work/records")" "$work/e"
row "--check, patterns, clean records" "$run --check --kinds card,iban,wallet,coordinates < $work/records | tail -n 1" "$(wc -c < "$work/records")" "$work/f"
row "sed -E, three expressions" "LC_ALL=C taskset -c 0 sed -E -e 's/([0-9]{1,3}\\.){3}[0-9]{1,3}/<IP>/g' -e 's/[A-Za-z0-9._-]+@[A-Za-z0-9.-]+/<EMAIL>/g' -e 's/DE[0-9]{20}/<IBAN>/g' $work/log" "$bytes" "$work/g"
ips() { grep -oE "<IP[_0-9]*>" "$1" | wc -l; }
[ "$(ips "$work/a")" -eq "$(ips "$work/g")" ]
[ "$(grep -c '<EMAIL_' "$work/a")" -eq "$(grep -c '<EMAIL>' "$work/g")" ]
note "Load while it ran (1, 5, 15 minutes): $(cut -d' ' -f1-3 /proc/loadavg); with more of it than cores, user + system tells more than seconds"
note "redact and sed replaced the same number of IP and mail addresses"
end_report
