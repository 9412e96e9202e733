complete -c sortphotos -l to -d 'Where files go. Folders are made; in names, what some file systems refuse becomes _' -r
complete -c sortphotos -l where -d 'Sort only what this jq expression is true of: it sees the record with its "photo"' -r
complete -c sortphotos -l places -d 'Table of cities that gives places their names [default: the one in the model store]' -r -F
complete -c sortphotos -l shift -d 'Mend a wrong clock: CAMERA=±DURATION, as \'Canon EOS 70D=-1h 30m\'; * stands for anything' -r
complete -c sortphotos -l zone -d 'Time zone, as Europe/Rome, of cameras whose offset from UTC nothing else tells' -r
complete -c sortphotos -l look -d 'Which pictures to look at: auto (those without a camera, and those that may be of a burst), always, never' -r -f -a "auto\t'Those without a camera, and those that may be of a burst'
always\t'All'
never\t'None'"
complete -c sortphotos -l burst-gap -d 'Shots of a burst are at most so many seconds apart' -r
complete -c sortphotos -l faces -d 'Where to look for faces, with the model that "models pull mtcnn" gets: auto (in shots that may be of a burst, if the model is here), always (in all pictures; also plain --faces), never' -r -f -a "auto\t'In shots that may be of a burst, if the model is here'
always\t'In all pictures'
never\t'Nowhere'"
complete -c sortphotos -l label-model -d 'Label all pictures with this model, by its name in the model store or by its path; never for none [default: one that is in the store, for pictures that are looked at]' -r
complete -c sortphotos -l cache -d 'File to keep results in [default: results.db in the folder of caches]' -r -F
complete -c sortphotos -l cache-size -d 'Most that is kept, in MiB; what was not used for longest goes first' -r
complete -c sortphotos -l apply -d 'Put the files in their places: copy, move, link (another name of the file), reflink' -r -f -a "copy\t'A verified copy; the file stays'
move\t'The file itself; to another device a verified copy, then the file goes'
link\t'Another name of the file (a hard link)'
reflink\t'A copy that shares its blocks with the file'"
complete -c sortphotos -l journal -d 'With --apply: file to write down in, before it is done, what is done [default: a new one in journals in the folder of ledgers]' -r -F
complete -c sortphotos -l undo -d 'Take back what a journal has' -r -F
complete -c sortphotos -l resume -d 'Do what a journal planned and an interrupted run left undone' -r -F
complete -c sortphotos -l export -d 'With --apply: write kinds, bursts, labels (with a score of at least 0.3) and places into sidecars that this program reads: digikam (IMG_1.JPG.xmp), lightroom (IMG_1.xmp)' -r -f -a "digikam\t'IMG_1.JPG.xmp'
lightroom\t'IMG_1.xmp'"
complete -c sortphotos -l contact-sheet -d 'Write a page with thumbnails, reasons, bursts and conflicts to look through' -r -F
complete -c sortphotos -l field -d 'Field to read, as a dotted path' -r
complete -c sortphotos -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c sortphotos -l as -d 'Key to write the main result under' -r
complete -c sortphotos -s j -l jobs -d 'Records handled at the same time' -r
complete -c sortphotos -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c sortphotos -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c sortphotos -l timeout -d 'Give up a record after this many seconds' -r
complete -c sortphotos -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c sortphotos -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c sortphotos -l file-time -d 'Where nothing else tells a date, take the file\'s time of last change'
complete -c sortphotos -l no-cache -d 'Ask the model again for what was asked before'
complete -c sortphotos -s n -l dry-run -d 'With --apply: say what would be done, and whether there is room for it; change nothing'
complete -c sortphotos -l write-back -d 'With --apply: write dates and places into XMP sidecars beside the files'
complete -c sortphotos -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c sortphotos -s s -l slurp -d 'With -R: all of the input is one text'
complete -c sortphotos -l paths -d 'Each line of stdin is a path'
complete -c sortphotos -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c sortphotos -l hidden -d 'Take hidden files in folders too'
complete -c sortphotos -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c sortphotos -l follow-links -d 'Go through symbolic links in folders'
complete -c sortphotos -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c sortphotos -l unordered -d 'Write records as they are done, not in input order'
complete -c sortphotos -l no-via -d 'Do not add to "via"'
complete -c sortphotos -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c sortphotos -s q -l quiet -d 'Errors only on stderr'
complete -c sortphotos -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c sortphotos -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c sortphotos -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sortphotos -s V -l version -d 'Print version'
