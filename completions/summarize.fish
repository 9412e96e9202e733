complete -c summarize -l words -d 'Words of a summary, at most' -r
complete -c summarize -s m -l model -d 'Model: a name in the store, or a GGUF file' -r
complete -c summarize -l context -d 'Tokens of one request, prompt and answer together; 0: the model\'s own, at most 8192' -r
complete -c summarize -l parallel -d 'Requests that the model works on together' -r
complete -c summarize -l threads -d 'Threads that compute in all [default: the machine\'s cores]' -r
complete -c summarize -l gpu-layers -d 'Layers on a GPU, in builds that have one' -r
complete -c summarize -l kv-memory -d 'Memory for the keys and values of all requests, in MiB' -r
complete -c summarize -l field -d 'Field to read, as a dotted path' -r
complete -c summarize -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c summarize -l as -d 'Key to write the main result under' -r
complete -c summarize -s j -l jobs -d 'Records handled at the same time' -r
complete -c summarize -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c summarize -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c summarize -l timeout -d 'Give up a record after this many seconds' -r
complete -c summarize -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c summarize -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c summarize -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c summarize -s s -l slurp -d 'With -R: all of the input is one text'
complete -c summarize -l paths -d 'Each line of stdin is a path'
complete -c summarize -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c summarize -l hidden -d 'Take hidden files in folders too'
complete -c summarize -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c summarize -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c summarize -l unordered -d 'Write records as they are done, not in input order'
complete -c summarize -l no-via -d 'Do not add to "via"'
complete -c summarize -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c summarize -s q -l quiet -d 'Errors only on stderr'
complete -c summarize -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c summarize -s h -l help -d 'Print help (see more with \'--help\')'
complete -c summarize -s V -l version -d 'Print version'
