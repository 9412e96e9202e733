#!/bin/sh
# The whole idea on a small inbox: a voice memo, two PDFs and three mails are read on this machine
# by small models; only their summaries reach the larger one, which here runs locally too. Each
# step says on stderr what it does; the table at the end is made from what the records carry.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/target/release:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
inbox=examples/data/inbox
question='Which dates and amounts matter, and who has to do what?'

echo "$ transcribe $inbox/*.m4a; extract $inbox/*.pdf $inbox/*.eml" >&2
transcribe "$inbox"/*.m4a > "$work/texts.jsonl"
extract "$inbox"/*.pdf "$inbox"/*.eml >> "$work/texts.jsonl"

echo "$ ... | summarize --words 50" >&2
summarize --words 50 < "$work/texts.jsonl" > "$work/summaries.jsonl"
jq -r '"  \(.path | split("/") | last): \(.summary | gsub("\\s+"; " "))"' "$work/summaries.jsonl" >&2

echo "$ ... | escalate --field summary --all --question '$question'" >&2
escalate --field summary --all --max-tokens 256 --question "$question" \
    < "$work/summaries.jsonl" > "$work/answer.jsonl"
echo
jq -r .answer "$work/answer.jsonl"

# What stayed here, and what the larger model saw.
echo
cat "$work/summaries.jsonl" "$work/answer.jsonl" |
    jq -r '.via[] | [.program, .model // "-", 1, .tokens_in // 0, .tokens_out // 0, .ms / 1000, .cost // 0] | @tsv' |
    awk -F '\t' '
        { n[$1] += $3; model[$1] = $2; in_[$1] += $4; out[$1] += $5; s[$1] += $6; cost[$1] += $7 }
        !($1 in seen) { seen[$1]; order[++k] = $1 }
        END {
            format = "%-11s %-28s %7s %9s %10s %8s %8s\n"
            printf format, "program", "model", "records", "tokens in", "tokens out", "seconds", "cost $"
            for (i = 1; i <= k; i++) {
                p = order[i]
                printf format, p, model[p], n[p], in_[p], out[p], sprintf("%.1f", s[p]), sprintf("%.4f", cost[p])
            }
        }'
all=$(jq -r '.text // ""' "$work/texts.jsonl" | wc -c)
sent=$(jq -r '.summary // ""' "$work/summaries.jsonl" | wc -c)
echo
echo "$sent of $all characters reached the larger model; nothing left this machine."
