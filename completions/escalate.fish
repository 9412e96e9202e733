complete -c escalate -s Q -l question -d 'What to ask about each record, or about all of them' -r
complete -c escalate -l when -d 'Ask only where this jq expression is true of the record' -r
complete -c escalate -l to -d 'Who to ask: a provider\'s name, a URL up to /v1, or local:MODEL' -r
complete -c escalate -s m -l model -d 'Model to ask for [default: the provider\'s]' -r
complete -c escalate -l key-env -d 'Environment variable that holds the key [default: the provider\'s]' -r
complete -c escalate -l key-file -d 'File that holds the key' -r -F
complete -c escalate -l providers -d 'Providers and prices of your own, in TOML [default: providers.toml beside the configuration file]' -r -F
complete -c escalate -l max-tokens -d 'Tokens of an answer, at most' -r
complete -c escalate -l attempts -d 'Attempts after failures that cost nothing' -r
complete -c escalate -l budget -d 'Dollars that this run may spend' -r
complete -c escalate -l budget-day -d 'Dollars that may be spent in a day (UTC), by all runs together' -r
complete -c escalate -l budget-month -d 'Dollars that may be spent in a month (UTC), by all runs together' -r
complete -c escalate -l price -d 'The model\'s price: dollars for a million tokens in, and out, as 0.15,0.60' -r
complete -c escalate -l field -d 'Field to read, as a dotted path' -r
complete -c escalate -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c escalate -l as -d 'Key to write the main result under' -r
complete -c escalate -s j -l jobs -d 'Records handled at the same time' -r
complete -c escalate -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c escalate -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c escalate -l timeout -d 'Give up a record after this many seconds' -r
complete -c escalate -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c escalate -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c escalate -l all -d 'One request about everything that is left; one answer'
complete -c escalate -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c escalate -s s -l slurp -d 'With -R: all of the input is one text'
complete -c escalate -l paths -d 'Each line of stdin is a path'
complete -c escalate -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c escalate -l hidden -d 'Take hidden files in folders too'
complete -c escalate -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c escalate -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c escalate -l unordered -d 'Write records as they are done, not in input order'
complete -c escalate -l no-via -d 'Do not add to "via"'
complete -c escalate -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c escalate -s q -l quiet -d 'Errors only on stderr'
complete -c escalate -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c escalate -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c escalate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c escalate -s V -l version -d 'Print version'
