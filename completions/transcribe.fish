complete -c transcribe -s m -l model -d 'Model: a name in the store, or a whisper.cpp file' -r
complete -c transcribe -l vad -d 'Model that finds speech, or "none": silence is then transcribed too' -r
complete -c transcribe -l threads -d 'Parts of one recording transcribed at the same time [default: as many as there are cores for each of the recordings named, at most 4]' -r
complete -c transcribe -s l -l language -d 'Language that is spoken, as a code such as "de"; "auto" finds it out for each recording' -r
complete -c transcribe -l prompt -d 'Text that the model takes for what was said before: its spelling and style are followed' -r
complete -c transcribe -l vocabulary -d 'Words and names that are likely to occur, one a line, added to the prompt' -r -F
complete -c transcribe -l offset -d 'Begin so many seconds into each recording; times count from its start all the same' -r
complete -c transcribe -l duration -d 'Transcribe at most so many seconds of each recording' -r
complete -c transcribe -l channels -d 'What the channels of a recording are' -r -f -a "mix\t'Microphones of the same sound: their mean is transcribed'
split\t'Speakers, as in a recorded call: each is transcribed alone, and segments have "speaker", 1 for the first (left) channel'"
complete -c transcribe -l pcm -d 'Input is samples without a header: encoding, rate and channels, such as s16le:16000:1' -r
complete -c transcribe -l format -d 'Form of what is written: to files with -o, otherwise as plain text on stdout' -r -f -a "jsonl\t'Records; in a file, the recording\'s own'
txt\t'A line for each segment'
srt\t'`SubRip` captions'
vtt\t'`WebVTT` captions; with --words, each word has its time'
tsv\t'A table: start and end in milliseconds, the speaker where channels are split, the text; with --words, a row for each word'"
complete -c transcribe -s o -l output -d 'Folder to write one file for each recording to, named like it: memo.m4a becomes memo.srt' -r -F
complete -c transcribe -l commands -d 'Tell which of these phrases was said: one a line, or JSON lines with "phrase"' -r -F
complete -c transcribe -l calibration -d 'Use what --calibrate printed for the same phrases and model' -r -F
complete -c transcribe -l cache -d 'File to keep results in [default: results.db in the folder of caches]' -r -F
complete -c transcribe -l cache-size -d 'Most that is kept, in MiB; what was not used for longest goes first' -r
complete -c transcribe -l field -d 'Field to read, as a dotted path' -r
complete -c transcribe -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c transcribe -l as -d 'Key to write the main result under' -r
complete -c transcribe -s j -l jobs -d 'Records handled at the same time' -r
complete -c transcribe -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c transcribe -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c transcribe -l timeout -d 'Give up a record after this many seconds' -r
complete -c transcribe -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c transcribe -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c transcribe -l no-jobserver -d 'Compute at once, without taking turns with other headwater programs'
complete -c transcribe -l translate -d 'Write English whatever is spoken'
complete -c transcribe -l words -d 'Times of words too'
complete -c transcribe -l drop-suspect -d 'Leave doubtful segments out; "transcript" has their number under "dropped"'
complete -c transcribe -l stream -d 'Write each utterance as a record as soon as it has ended: for microphones and calls'
complete -c transcribe -l force -d 'Replace files that are there already'
complete -c transcribe -l calibrate -d 'Fit the threshold to recordings whose records have the right "command", or null for none'
complete -c transcribe -l no-cache -d 'Ask the model again for what was asked before'
complete -c transcribe -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c transcribe -s s -l slurp -d 'With -R: all of the input is one text'
complete -c transcribe -l paths -d 'Each line of stdin is a path'
complete -c transcribe -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c transcribe -l hidden -d 'Take hidden files in folders too'
complete -c transcribe -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c transcribe -l follow-links -d 'Go through symbolic links in folders'
complete -c transcribe -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c transcribe -l unordered -d 'Write records as they are done, not in input order'
complete -c transcribe -l no-via -d 'Do not add to "via"'
complete -c transcribe -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c transcribe -s q -l quiet -d 'Errors only on stderr'
complete -c transcribe -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c transcribe -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c transcribe -s h -l help -d 'Print help (see more with \'--help\')'
complete -c transcribe -s V -l version -d 'Print version'
