complete -c redact -l fields -d 'Several fields, separated by commas; those that a record lacks are passed over' -r
complete -c redact -l kinds -d 'Kinds to look for, separated by commas [default: all but date and amount]' -r
complete -c redact -l without -d 'Kinds to leave alone' -r
complete -c redact -l level -d 'How much is taken for private: low (what is nearly certain, scores from 0.75), medium (from 0.5), high (from 0.25)' -r
complete -c redact -l confidence -d 'The least score for one kind, as in phone=0.7; may be repeated' -r
complete -c redact -l own -d 'Kinds of your own: a TOML file of [[kind]] tables with name, regex, words, context, score' -r -F
complete -c redact -l allow -d 'Texts that are never private, one a line' -r -F
complete -c redact -l deny -d 'Texts that always are, one a line' -r -F
complete -c redact -l style -d 'What to put in place: placeholder (<PERSON_1>), mask (*** ***), hash (<PERSON#…>, needs --key-file or --key-command), fake (something invented of the same kind), remove' -r -f -a "placeholder\t'Kind and number: `<PERSON_1>`'
mask\t'A star for every letter and digit'
hash\t'Kind and keyed hash: `<PERSON#…>`'
fake\t'Something invented of the same kind'
remove\t'Nothing'"
complete -c redact -l key-file -d 'A key (16 bytes at least) that makes placeholders the same in every run and on every machine: by HMAC-SHA-256, so that without the key nobody can test a guess' -r -F
complete -c redact -l key-command -d 'The same key, as a command of yours prints it, such as \'pass show redact\'' -r
complete -c redact -l remember -d 'How many different texts are remembered for their numbers; a forgotten one gets a new number' -r
complete -c redact -l vault -d 'Keep what was replaced in this file, encrypted' -r -F
complete -c redact -l vault-key-file -d 'The vault\'s key: any text, the longer the better [default: $HEADWATER_VAULT_KEY]' -r -F
complete -c redact -l vault-key-command -d 'The vault\'s key, as a command of yours prints it: from an agent or a key ring' -r
complete -c redact -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c redact -s j -l jobs -d 'Records handled at the same time' -r
complete -c redact -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c redact -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c redact -l timeout -d 'Give up a record after this many seconds' -r
complete -c redact -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c redact -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c redact -l field -d 'Field to read, as a dotted path; \'.\' for every text in the record, keys and numbers too' -r
complete -c redact -l as -d 'Key to write the changed text under as well' -r
complete -c redact -l restore -d 'Put back what the vault has'
complete -c redact -l check -d 'Change nothing: a record with something private fails, with the code "refused"'
complete -c redact -s n -l dry-run -d 'Change no text: only add "redactions", with places in the text as it is'
complete -c redact -l explain -d 'Say for each finding which rule made it, and its score'
complete -c redact -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c redact -s s -l slurp -d 'With -R: all of the input is one text'
complete -c redact -l paths -d 'Each line of stdin is a path'
complete -c redact -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c redact -l hidden -d 'Take hidden files in folders too'
complete -c redact -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c redact -l follow-links -d 'Go through symbolic links in folders'
complete -c redact -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c redact -l unordered -d 'Write records as they are done, not in input order'
complete -c redact -l no-via -d 'Do not add to "via"'
complete -c redact -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c redact -s q -l quiet -d 'Errors only on stderr'
complete -c redact -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c redact -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c redact -s h -l help -d 'Print help (see more with \'--help\')'
complete -c redact -s V -l version -d 'Print version'
