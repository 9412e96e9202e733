complete -c changed -s k -l key -d 'What an event is about: a jq expression, such as .host or [.room, .sensor]. Paths are fastest. Without it all events are about one thing' -r
complete -c changed -l fields -d 'Only these fields count, and those with a rule of their own: dotted paths, separated by commas' -r
complete -c changed -l ignore-fields -d 'These members do not count, separated by commas' -r
complete -c changed -l rule -d 'What is news in a field: \'FIELD WORD=VALUE ...\', see above; \'*\' is for all other fields' -r
complete -c changed -l from -d 'What input lines look like' -r -f -a "json\t'JSON lines: records'
journal\t'JSON lines of journalctl -o json'
mosquitto\t'mosquitto_sub -v: a topic, a space, a payload'
columns\t'Columns under a header, separated by spaces, as vmstat and df write them'
csv\t'Comma-separated values with a header (RFC 4180)'
tsv\t'The same with tabs'"
complete -c changed -l columns -d 'Names of the columns of a table that has no header, separated by commas' -r
complete -c changed -l time -d 'The time of an event: a date with time and zone (RFC 3339), or a number since 1970 of seconds, milliseconds, microseconds or nanoseconds. Without it, events happen when they come' -r
complete -c changed -l late -d 'With --time: wait so long for events that come late, and put them in order. An event older than the last one of its key is not looked at' -r
complete -c changed -l state -d 'Keep what is known of each key in this file, over runs. One run at a time' -r -F
complete -c changed -l commit -d 'While more input waits, keep states and output back for so long, or for eight times what the last commit took' -r
complete -c changed -l expire -d 'Forget keys that were not seen for so long, such as 30d' -r
complete -c changed -l memory -d 'Memory for keys; more are kept in the state file, or a temporary one' -r
complete -c changed -l field -d 'Field to read, as a dotted path' -r
complete -c changed -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c changed -l as -d 'Key to write the main result under' -r
complete -c changed -s j -l jobs -d 'Records handled at the same time' -r
complete -c changed -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c changed -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c changed -l timeout -d 'Give up a record after this many seconds' -r
complete -c changed -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c changed -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c changed -l resume -d 'Stdin is a file that grows by whole lines: go on after what earlier runs have handled. Events that wait for others (--late) do so until a later run'
complete -c changed -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c changed -s s -l slurp -d 'With -R: all of the input is one text'
complete -c changed -l paths -d 'Each line of stdin is a path'
complete -c changed -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c changed -l hidden -d 'Take hidden files in folders too'
complete -c changed -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c changed -l follow-links -d 'Go through symbolic links in folders'
complete -c changed -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c changed -l unordered -d 'Write records as they are done, not in input order'
complete -c changed -l no-via -d 'Do not add to "via"'
complete -c changed -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c changed -s q -l quiet -d 'Errors only on stderr'
complete -c changed -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c changed -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c changed -s h -l help -d 'Print help (see more with \'--help\')'
complete -c changed -s V -l version -d 'Print version'
