#!/bin/sh
# Office documents, books, pages and mails as text: the words that `extract` and markitdown (for ODT
# odfpy, for mails Python's own parser) have in common, and seconds. Wanted: at least their recall, 10
# times their speed.
#
#     sh tests/bench/extract-office.sh [FILE...]     the small ones of tests/data without names
#
# Five longer documents of made-up words are always read as well. PEER=FOLDER keeps the pip packages
# between runs.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# It takes a while: a build meanwhile must not change it.
extract=$work/extract
cp "${EXTRACT:-target/release/extract}" "$extract"
peer=${PEER:-$work/peer}
if [ ! -x "$peer/bin/python" ]; then
    python3 -m venv "$peer"
    "$peer/bin/pip" -q install 'markitdown[docx,pptx,xlsx]' python-docx openpyxl odfpy EbookLib
fi
py() { "$peer/bin/python" tests/bench/extract-office.py "$@"; }
version() { "$peer/bin/pip" list --format=freeze 2>/dev/null | sed -n "s/^$1==//p"; }
[ $# -gt 0 ] || set -- tests/data/docs/*
py big "$work"

report="tests/bench/runs/$(date +%F)-extract-office.md"
head_of_table() {
    echo
    echo "| kind | files | peer | its words | of them here | of ours there | refused here / there | seconds | its seconds | faster |"
    echo "|---|---|---|---|---|---|---|---|---|---|"
}
{
    echo "# extract and its peers over office documents"
    echo
    echo "$(date +%F), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores," \
        "headwater $(version_of "$extract"), markitdown $(version markitdown), odfpy $(version odfpy)."
    echo
    echo "Words count as often as they stand there. All files of a kind in one process each; the" \
        "peers' start does not count, ours does. Load: $(cut -d' ' -f1-3 /proc/loadavg)."
    echo
    echo "Files given:"
    head_of_table
    py compare "$extract" "$@"
    echo
    echo "One longer file each, 120,000 words (sheets: 30,000):"
    head_of_table
    py compare "$extract" "$work"/big.*
} | tee "$report"
