complete -c embed -l threads -d 'Threads that compute in all [default: the machine\'s cores]' -r
complete -c embed -l gpu-layers -d 'Layers on a GPU, in builds that have one' -r
complete -c embed -l cache -d 'File to keep results in [default: results.db in the folder of caches]' -r -F
complete -c embed -l cache-size -d 'Most that is kept, in MiB; what was not used for longest goes first' -r
complete -c embed -l field -d 'Field to read, as a dotted path' -r
complete -c embed -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c embed -l as -d 'Key to write the main result under' -r
complete -c embed -s j -l jobs -d 'Records handled at the same time' -r
complete -c embed -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c embed -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c embed -l timeout -d 'Give up a record after this many seconds' -r
complete -c embed -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c embed -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c embed -l parallel -d 'Requests that the model works on together' -r
complete -c embed -l kv-memory -d 'Memory for the keys and values of all requests, in MiB' -r
complete -c embed -s m -l model -d 'Model: a name in the store, or a GGUF file [default: all-minilm-l6-v2]' -r
complete -c embed -l context -d 'Tokens of the longest text that is embedded in one piece; 0: the model\'s own' -r
complete -c embed -l binary -d 'Write base64 of little-endian 16-bit floats instead of an array: a quarter of the size'
complete -c embed -l as-downloaded -d 'The model\'s file as it was downloaded, not the one that \'models tune\' made of it'
complete -c embed -l no-jobserver -d 'Compute at once, without taking turns with other headwater programs'
complete -c embed -l no-cache -d 'Ask the model again for what was asked before'
complete -c embed -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c embed -s s -l slurp -d 'With -R: all of the input is one text'
complete -c embed -l paths -d 'Each line of stdin is a path'
complete -c embed -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c embed -l hidden -d 'Take hidden files in folders too'
complete -c embed -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c embed -l follow-links -d 'Go through symbolic links in folders'
complete -c embed -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c embed -l unordered -d 'Write records as they are done, not in input order'
complete -c embed -l no-via -d 'Do not add to "via"'
complete -c embed -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c embed -s q -l quiet -d 'Errors only on stderr'
complete -c embed -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c embed -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c embed -s h -l help -d 'Print help (see more with \'--help\')'
complete -c embed -s V -l version -d 'Print version'
