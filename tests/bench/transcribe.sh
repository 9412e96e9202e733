#!/bin/sh
# Clips of mixed length, and one long recording, with the same weights (tiny.en) on the same cores:
# ours against whisper-cli (all files in one call, its defaults) and faster-whisper (int8, batches,
# its own detector). Figures wanted: at least 2.5 × whisper-cli and 1.3 × faster-whisper over the
# clips, word error rate at most 0.3 points above the better of the two; on 30 minutes in one file
# at least 1.2 × the better; beside a neighbour that keeps one core busy at most 2.2 × the
# undisturbed time; at most 120 MB of memory above the model's; a command of one second in 0.15 s.
#
#   WHISPER=FOLDER PYTHON=PROGRAM CT2=FOLDER tests/bench/transcribe.sh CORPUS
#
# WHISPER holds whisper-cli, PYTHON is an interpreter with faster-whisper, whisper-normalizer and
# jiwer, CT2 holds the same model for it, CORPUS is as in transcribe.py. NAME adds to the report's
# name, MODEL chooses ours.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh
if [ ! -x "${WHISPER:-}/whisper-cli" ] || [ ! -d "${CT2:-}" ] || [ $# -eq 0 ]; then
    echo "WHISPER, CT2 or the corpus is missing: no report"
    exit 0
fi
corpus=$(cd "$OLDPWD" && realpath "$1")
RUNS=${RUNS:-3}
python=${PYTHON:-python3}
cores=$(nproc)
model=${MODEL:-whisper-tiny.en}
ours="target/release/transcribe --no-cache --model $model"
# whisper-cli gets f16: with 8 bits it crashes where gcc 12 built it for a processor with AMX.
weights=$(target/release/models path whisper-tiny.en-f16)
work=$(mktemp -d)
trap '[ -z "${neighbour:-}" ] || kill "$neighbour" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 tests/bench/transcribe.py list "$corpus" > "$work/paths"
# whisper-cli writes its texts beside the clips.
mkdir "$work/clips"
while read -r path; do cp "$path" "$work/clips/"; done < "$work/paths"
ls -d "$work"/clips/*.wav > "$work/list"
python3 tests/bench/transcribe.py long "$corpus" "$work/long.wav" 1800

peer="$python tests/bench/transcribe.py peer $CT2"
cli="$WHISPER/whisper-cli -m $weights -np -otxt"
start_report transcribe "Speech to text: $(wc -l < "$work/list") clips, and 30 minutes in one file, $model"
row "transcribe --jobs $cores, clips" "xargs -d '\n' $ours --jobs $cores < $work/list" 0 "$work/ours"
row "whisper-cli, clips" "xargs -d '\n' $cli < $work/list 2>&1" 0 "$work/cli"
row "faster-whisper int8, clips" "xargs -d '\n' $peer < $work/list" 0 "$work/peer"
python3 tests/bench/transcribe.py text records "$work/ours" > "$work/ours.text"
python3 tests/bench/transcribe.py text cli "$work/list" > "$work/cli.text"
RUNS=1
row "transcribe --threads $cores, 30 minutes" "$ours --threads $cores $work/long.wav" 0 "$work/out"
row "whisper-cli, 30 minutes" "$cli $work/long.wav 2>&1" 0 "$work/out"
row "faster-whisper int8, 30 minutes" "$peer $work/long.wav" 0 "$work/out"
taskset -c 0 sh -c 'while :; do :; done' &
neighbour=$!
row "transcribe --jobs $cores, clips, one core busy" "xargs -d '\n' $ours --jobs $cores < $work/list" 0 "$work/out"
row "faster-whisper int8, clips, one core busy" "xargs -d '\n' $peer < $work/list" 0 "$work/out"
# Its threads spin while they wait for each other: ten times as long is enough to see.
row "whisper-cli, clips, one core busy, stopped after ${LIMIT:-600} s" \
    "timeout ${LIMIT:-600} xargs -d '\n' $cli < $work/list 2>&1" 0 "$work/out"
kill "$neighbour"
printf 'go forward ten meters\ngo backward ten meters\nturn left\nturn right\nstop\n' > "$work/phrases"
grep -E '/commands' "$work/paths" > "$work/commands"
row "transcribe --commands, $(wc -l < "$work/commands") commands, one core" \
    "xargs -d '\n' taskset -c 1 $ours --commands $work/phrases < $work/commands" 0 "$work/out"
python3 tests/bench/transcribe.py words "$corpus" > "$work/words"
head -n 1 "$work/words" > "$work/word"
spot="taskset -c 1 $ours --jobs 1 --threads 1 --commands $work/phrases"
row "transcribe --commands, $(wc -l < "$work/words") words of 0.9 s, one core" \
    "xargs -d '\n' $spot < $work/words" 0 "$work/out"
row "transcribe --commands, one of them" "xargs -d '\n' $spot < $work/word" 0 "$work/out"
# Memory where it could be most.
python3 tests/bench/transcribe.py long "$corpus" "$work/half.wav" 29
cp "$work/half.wav" "$work/other.wav"
spot="$ours --commands $work/phrases $work/half.wav $work/other.wav"
row "transcribe --commands, twice 29 s, one worker" "$spot --jobs 1" 0 "$work/out"
row "transcribe --commands, twice 29 s, two workers" "$spot --jobs 2" 0 "$work/out"
python3 tests/bench/transcribe.py long "$corpus" "$work/five.wav" 300
row "transcribe --stream, 5 minutes" "$ours --stream $work/five.wav" 0 "$work/out"
row "transcribe --prompt Ask, 5 minutes" "$ours --threads $cores --prompt Ask $work/five.wav" 0 "$work/out"
python3 tests/bench/transcribe.py noisy "$work/five.wav" "$work/noisy.wav" 5
row "transcribe, 5 minutes with noise, much in doubt" "$ours --threads $cores $work/noisy.wav" 0 "$work/out"
for who in ours cli peer; do
    text=$work/$who.text
    [ -e "$text" ] || text=$work/$who
    note "WER, clips, $who: $("$python" tests/bench/transcribe.py wer "$corpus" "$text") %"
done
note "Model: $(wc -c < "$(target/release/models path "$model")") bytes; whisper-cli's: $(wc -c < "$weights")"
end_report
