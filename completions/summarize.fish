complete -c summarize -l length -l words -d 'Words of a summary, at most [default: 60]' -r
complete -c summarize -l style -d 'Form of a summary: sentences, a list of points, or one line [default: sentence]' -r -f -a "sentence\t'Sentences'
bullets\t'A list of points, one a line, each after \'- \''
headline\t'One line'"
complete -c summarize -l lang -d 'Language of the summary: a name, or a code such as de [default: as the model sees fit, mostly the text\'s]. Names are not checked against the text then' -r
complete -c summarize -l prompt -d 'What to tell the model: a text, with TOML parameters before it between two lines \'+++\': words, style, lang, temperature, description. Flags win over them' -r -F
complete -c summarize -l sentences -d 'With --extractive: so many sentences, whatever their words' -r
complete -c summarize -l embedder -d 'With --extractive: model that tells which sentences mean the same: a name in the store, a GGUF file, or \'none\' [default: all-minilm-l6-v2 if it is in the store]' -r
complete -c summarize -l group-by -d 'One summary over all records with the same value of FIELD, after the last. Their texts wait in a temporary file; those of one group must fit in memory' -r
complete -c summarize -s m -l model -d 'Model: a name in the store, a GGUF file, or \'auto\': the largest that is here, fits the memory and reads at least 100 tokens a second, as measured by \'models fit\'' -r
complete -c summarize -l context -d 'Tokens of one request, prompt and answer together; 0: the model\'s own, at most 8192' -r
complete -c summarize -l parallel -d 'Requests that the model works on together' -r
complete -c summarize -l threads -d 'Threads that compute in all [default: the machine\'s cores]' -r
complete -c summarize -l gpu-layers -d 'Layers on a GPU, in builds that have one' -r
complete -c summarize -l kv-memory -d 'Memory for the keys and values of all requests, in MiB' -r
complete -c summarize -l cache -d 'File to keep results in [default: results.db in the folder of caches]' -r -F
complete -c summarize -l cache-size -d 'Most that is kept, in MiB; what was not used for longest goes first' -r
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
complete -c summarize -s e -l extractive -d 'Choose sentences of the text (LexRank), without a generator'
complete -c summarize -l all -d 'One summary over all records, after the last'
complete -c summarize -l as-downloaded -d 'The model\'s file as it was downloaded, not the one that \'models tune\' made of it'
complete -c summarize -l no-jobserver -d 'Compute at once, without taking turns with other headwater programs'
complete -c summarize -l no-cache -d 'Ask the model again for what was asked before'
complete -c summarize -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c summarize -s s -l slurp -d 'With -R: all of the input is one text'
complete -c summarize -l paths -d 'Each line of stdin is a path'
complete -c summarize -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c summarize -l hidden -d 'Take hidden files in folders too'
complete -c summarize -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c summarize -l follow-links -d 'Go through symbolic links in folders'
complete -c summarize -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c summarize -l unordered -d 'Write records as they are done, not in input order'
complete -c summarize -l no-via -d 'Do not add to "via"'
complete -c summarize -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c summarize -s q -l quiet -d 'Errors only on stderr'
complete -c summarize -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c summarize -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c summarize -s h -l help -d 'Print help (see more with \'--help\')'
complete -c summarize -s V -l version -d 'Print version'
