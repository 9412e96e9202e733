#!/bin/sh
# Extractive summaries: ROUGE-1/2/L (F1, stemmed) of `summarize --extractive` against those of
# sumy's LexRank, on papers with reference summaries (ACLSum: 99 papers, three aspects each).
# Figure wanted: at least sumy's, with the same number of sentences.
#
#     sh tests/bench/summarize-rouge.sh aclsum.jsonl
#
# Each line: {"sentences": {SECTION: [SENTENCE, …]}, "summary": {ASPECT: TEXT}}. The text is all
# sections, the reference all aspects. sumy gets the corpus's own sentences; ours finds them.
# PEER=FOLDER keeps the pip packages between runs; SENTENCES=N (default 3).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh
if [ $# -ne 1 ]; then
    echo "summarize-rouge: no corpus given, nothing measured (usage: $0 aclsum.jsonl)"
    exit 0
fi
corpus=$1
sentences=${SENTENCES:-3}

cargo build --release --locked -q -p headwater-summarize-cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
peer=${PEER:-$work/peer}
if [ ! -x "$peer/bin/python" ]; then
    python3 -m venv "$peer"
    "$peer/bin/pip" -q install sumy rouge-score
fi

report="tests/bench/runs/$(date +%F)-summarize-rouge.md"
"$peer/bin/python" tests/bench/summarize-rouge.py "$corpus" "$sentences" \
    target/release/summarize | tee "$report"
echo "written: $report"
