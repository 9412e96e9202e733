complete -c dedupe -l by -d 'Records are the same if these fields are: dotted paths, separated by commas' -r
complete -c dedupe -l fold -d 'Differences between texts that do not count: case, space, unicode (forms of a character)' -r -f -a "case\t'Upper and lower case (Unicode\'s default case folding)'
space\t'How much white space, and of which kind; at either end, any at all'
unicode\t'Forms of the same character (Unicode\'s NFKC)'"
complete -c dedupe -l state -d 'Remember contents in this file over runs: each passes once in its life. A run that is killed may let the last ones pass again' -r -F
complete -c dedupe -l expire -d 'Forget what was not seen for so long, such as 30d or 12h' -r
complete -c dedupe -l memory -d 'Memory for contents of this run; more go to temporary files' -r
complete -c dedupe -l approximate -d 'Never use temporary files: what was seen is remembered in a filter of --memory, by which at most this share of all records, such as 1e-6, may be taken for repeated (kind likely) though they are not. Where the filter is full, what came first is forgotten, and may pass again' -r
complete -c dedupe -l near -d 'Texts ("text", or --field) that are nearly the same count too; with --files or --paths, pictures. --near=meaning: texts that mean nearly the same, by the "embedding" (or --field) that embed wrote' -r -f -a "words\t'By their words (or characters: --shingle)'
meaning\t'By their embeddings'"
complete -c dedupe -l threshold -d 'With --near: share of their sequences of words that both texts have (Jaccard similarity) [default: 0.8]; the cosine of their embeddings, or how far pictures agree (correlation of their detail) [default: 0.9]' -r
complete -c dedupe -l shingle -d 'With --near: length of the sequences, in words or characters: word:N or char:N' -r
complete -c dedupe -l rethreshold -d 'Read a report, and group it anew by this threshold' -r
complete -c dedupe -l reference -d 'Files in this folder count as there already: what repeats one goes, they are never touched' -r -F
complete -c dedupe -l keep -d 'Which file of a group stays: first, oldest, newest, shortest (path), path:GLOB, best (the picture with the most pixels, and of those the sharpest: so for --near if nothing is said); of several rules the next one decides where one does not' -r
complete -c dedupe -l min-size -d 'Leave out smaller files' -r
complete -c dedupe -l max-size -d 'Leave out larger files' -r
complete -c dedupe -l cache -d 'File to keep hashes, and what pictures look like, in [default: digests.db in the folder of caches]' -r -F
complete -c dedupe -l apply -d 'Change each file that repeats one: hardlink, reflink, symlink, trash, delete, move:DIR. Compares the two once more, byte by byte, right before' -r
complete -c dedupe -l journal -d 'With --apply: file to write down in, before it is done, what is done [default: a new one in journals in the folder of ledgers]' -r -F
complete -c dedupe -l undo -d 'Take back what a journal has' -r -F
complete -c dedupe -l field -d 'Field to read, as a dotted path' -r
complete -c dedupe -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c dedupe -l as -d 'Key to write the main result under' -r
complete -c dedupe -s j -l jobs -d 'Records handled at the same time' -r
complete -c dedupe -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c dedupe -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c dedupe -l timeout -d 'Give up a record after this many seconds' -r
complete -c dedupe -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dedupe -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dedupe -l mirrored -d 'With --near: pictures that are mirrored are the same too; turned ones always are'
complete -c dedupe -l files -d 'Compare the files that "path" names: so always for --paths and for files named here, unless something above asks for their texts'
complete -c dedupe -l folders -d 'With --report or --duplicates: a folder that repeats another one, with all its files by the same names and nothing else, stands for what is in it'
complete -c dedupe -l empty -d 'Empty files repeat each other'
complete -c dedupe -l match-links -d 'Act on other names of the file that stays (hard links) too'
complete -c dedupe -l no-cache -d 'Neither use nor keep these from run to run'
complete -c dedupe -s n -l dry-run -d 'With --apply: write what would be done, change nothing'
complete -c dedupe -l report -d 'All records, each with "dup": what it repeats, and why'
complete -c dedupe -s d -l duplicates -d 'Only the records that repeat one, with "dup"'
complete -c dedupe -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c dedupe -s s -l slurp -d 'With -R: all of the input is one text'
complete -c dedupe -l paths -d 'Each line of stdin is a path'
complete -c dedupe -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c dedupe -l hidden -d 'Take hidden files in folders too'
complete -c dedupe -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c dedupe -l follow-links -d 'Go through symbolic links in folders'
complete -c dedupe -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c dedupe -l unordered -d 'Write records as they are done, not in input order'
complete -c dedupe -l no-via -d 'Do not add to "via"'
complete -c dedupe -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c dedupe -s q -l quiet -d 'Errors only on stderr'
complete -c dedupe -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c dedupe -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c dedupe -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dedupe -s V -l version -d 'Print version'
