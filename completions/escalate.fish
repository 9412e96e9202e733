complete -c escalate -s Q -l question -d 'What to ask about each record, or about all of them' -r
complete -c escalate -l prompt -d 'File with the question. {{field}} stands for what the record has there; with such placeholders nothing else of the record is sent' -r -F
complete -c escalate -l batch -d 'Ask about N records in one request; each gets its own answer' -r
complete -c escalate -l schema -d 'File with a JSON Schema: answers are JSON of this shape. One that does not fit is asked about once more, with the error' -r -F
complete -c escalate -l attach -d 'Field with the path of a picture that goes with the question, for models that see' -r
complete -c escalate -l to -d 'Who to ask: a provider\'s name, a URL up to /v1, or local:MODEL. Several with commas: the next one is asked when one is down, overloaded, too slow, or declines' -r
complete -c escalate -s m -l model -d 'Model to ask for [default: the provider\'s]' -r
complete -c escalate -l privacy -d 'How far records may go: providers of this class and nearer ones. A record\'s own "privacy", or "private": true, can only be nearer' -r -f -a "local\t'This machine'
trusted\t'Machines of people we trust, such as the family\'s server'
cloud\t'Anybody'"
complete -c escalate -l key-env -d 'Environment variable that holds the key [default: the provider\'s]' -r
complete -c escalate -l key-file -d 'File that holds the key' -r -F
complete -c escalate -l key-command -d 'Command that prints the key' -r
complete -c escalate -l providers -d 'Providers and prices of your own, in TOML [default: providers.toml beside the configuration file]' -r -F
complete -c escalate -l proxy -d 'Proxy on the way: http://, socks5:// or socks5h://HOST:PORT [default: the provider\'s, else ALL_PROXY or HTTPS_PROXY]' -r
complete -c escalate -l ca -d 'File of certificates that are trusted instead of the well-known ones' -r -F
complete -c escalate -l context -d 'Tokens that fit the model, request and answer together [default: the provider\'s]' -r
complete -c escalate -l max-tokens -d 'Tokens of an answer, at most' -r
complete -c escalate -l attempts -d 'Attempts after failures that cost nothing' -r
complete -c escalate -l max-errors -d 'Ask about no more records when this many have failed; they pass, and the exit status is 3' -r
complete -c escalate -l cache -d 'File to keep answers in [default: answers.db beside the ledger]' -r -F
complete -c escalate -l allow-pii -d 'Send records though something private was found in them. With a list, as in --allow-pii=date,amount, only these kinds. Else such a record is asked about on this machine or fails; the question itself is not searched. Pictures cannot be searched: they need it' -r
complete -c escalate -l budget -d 'Dollars that this run may spend' -r
complete -c escalate -l budget-day -d 'Dollars that may be spent in a day (UTC), by all runs together' -r
complete -c escalate -l budget-month -d 'Dollars that may be spent in a month (UTC), by all runs together' -r
complete -c escalate -l max-calls -d 'Calls that this run may make, free ones too' -r
complete -c escalate -l pipeline -d 'Name under which this run\'s calls stand in the ledger\'s report' -r
complete -c escalate -l price -d 'The model\'s price: dollars for a million tokens in, and out, as 0.15,0.60' -r
complete -c escalate -l when -d 'Ask only where this jq expression is true of the record' -r
complete -c escalate -l below -d 'Ask only where "confidence" is below X or missing' -r
complete -c escalate -l top -d 'Ask only about the N least sure of these; they come last in the output' -r
complete -c escalate -l try -d 'Let a model on this machine answer first, several times; what it says again and again is kept, with "agreement", and only the other records go to --to' -r
complete -c escalate -l samples -d 'With --try: answers to each question' -r
complete -c escalate -l agree -d 'With --try: the share of answers that have to say the same' -r
complete -c escalate -l sample -d 'Ask also about this share of the others, chosen by id, for an audit: "sampled" is added. Without --when, --below and --top, only about them' -r
complete -c escalate -l seed -d 'Chooses another sample' -r
complete -c escalate -l offline-batch -d 'Ask through the provider\'s batch interface: answers within a day, for half the price. "submit" writes the records that need no call and keeps the others, with their money, until "collect" writes those that were answered or failed; until then it writes nothing. A record that waits already is not sent again. One of --to, --model and --pipeline is one queue; --price is then the batch\'s' -r -f -a "submit\t'Send'
collect\t'Fetch'"
complete -c escalate -l calibrate -d 'Ask nothing; from records whose right answer is known, print what each threshold gives: share sent, accuracy, dollars for 1,000 records' -r -F
complete -c escalate -l truth -d 'Field with the right answer' -r
complete -c escalate -l small -d 'Field with the small model\'s answer. The big model\'s is in "answer" (--as); where it is missing it counts as right' -r
complete -c escalate -l want-accuracy -d 'Choose the threshold that sends least and is right this often' -r
complete -c escalate -l want-cost -d 'Choose the most accurate threshold that costs at most this for 1,000 records' -r
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
complete -c escalate -l all -d 'One request about everything that is left; one answer. What does not fit the model\'s context goes in parts, whose answers are asked about in turn'
complete -c escalate -l no-cache -d 'Ask again for what was answered before, and keep no answers'
complete -c escalate -l redact -d 'Replace what is private in records by placeholders before they are sent, and put the originals back into answers'
complete -c escalate -l dry-run -d 'Ask nothing; print the requests that would be sent'
complete -c escalate -l estimate -d 'Ask nothing; print what asking would take: calls, tokens, dollars'
complete -c escalate -l ledger -d 'Print what was spent, by day, model and pipeline, and what passing records saved'
complete -c escalate -l wait -d 'With "collect": wait until all batches are answered, for --timeout at most'
complete -c escalate -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c escalate -s s -l slurp -d 'With -R: all of the input is one text'
complete -c escalate -l paths -d 'Each line of stdin is a path'
complete -c escalate -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c escalate -l hidden -d 'Take hidden files in folders too'
complete -c escalate -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c escalate -l follow-links -d 'Go through symbolic links in folders'
complete -c escalate -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c escalate -l unordered -d 'Write records as they are done, not in input order'
complete -c escalate -l no-via -d 'Do not add to "via"'
complete -c escalate -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c escalate -s q -l quiet -d 'Errors only on stderr'
complete -c escalate -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c escalate -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c escalate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c escalate -s V -l version -d 'Print version'
