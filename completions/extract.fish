complete -c extract -l pages -d 'Read these pages, slides or sheets only, such as 3, 3-7, 3- or -7' -r
complete -c extract -l per -d 'A record for each page, section or piece of at most N bytes, with "part"' -r
complete -c extract -l max-bytes -d 'Refuse files with more bytes' -r
complete -c extract -l max-text -d 'Cut the text of a document after this many bytes, and say so' -r
complete -c extract -l max-pages -d 'Read this many pages of a document at most' -r
complete -c extract -l max-stream -d 'Bytes that one compressed part may expand to' -r
complete -c extract -l max-unpacked -d 'Bytes that an archive or a compressed file may expand to in all' -r
complete -c extract -l schema -d 'What to fill in: a file, JSON Schema, or the short form \'name, age int?, mails [email], to {city, zip}\'. Types: str, int, float, bool, date, money, phone, email, url, enum(a|b), [type], {fields}; \'?\' for what a text may not say; \': words\' to tell the model more' -r
complete -c extract -l unsupported -d 'What to do with a value that the text does not have' -r -f -a "flag\t'It stays, and "unsupported" lists it'
drop\t'It becomes null or is left out; where the schema asks for it, it stays and is listed'
keep\t'It stays, and nothing is said'"
complete -c extract -l region -d 'Where the texts come from, such as DE: how 3/4/2026, $5 and phone numbers without a country are meant' -r
complete -c extract -l fields-per-request -d 'Ask for this many values at a time; what is one property stays together' -r
complete -c extract -s m -l model -d 'Model: a name in the store, a GGUF file, or \'auto\': the largest that is here, fits the memory and reads at least 100 tokens a second, as measured by \'models fit\'' -r
complete -c extract -l context -d 'Tokens of one request, prompt and answer together; 0: the model\'s own, at most 8192' -r
complete -c extract -l parallel -d 'Requests that the model works on together' -r
complete -c extract -l threads -d 'Threads that compute in all [default: the machine\'s cores]' -r
complete -c extract -l gpu-layers -d 'Layers on a GPU, in builds that have one' -r
complete -c extract -l kv-memory -d 'Memory for the keys and values of all requests, in MiB' -r
complete -c extract -l cache -d 'File to keep results in [default: results.db in the folder of caches]' -r -F
complete -c extract -l cache-size -d 'Most that is kept, in MiB; what was not used for longest goes first' -r
complete -c extract -l field -d 'Field to read, as a dotted path' -r
complete -c extract -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c extract -l as -d 'Key to write the main result under' -r
complete -c extract -s j -l jobs -d 'Records handled at the same time' -r
complete -c extract -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c extract -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c extract -l timeout -d 'Give up a record after this many seconds' -r
complete -c extract -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c extract -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c extract -l full -d 'Keep what a reader would skip: a web page\'s navigation, header and footer, comments, hidden sheets'
complete -c extract -l tables -d 'Tables as rows of cells too, in "document"'
complete -c extract -l as-downloaded -d 'The model\'s file as it was downloaded, not the one that \'models tune\' made of it'
complete -c extract -l no-jobserver -d 'Compute at once, without taking turns with other headwater programs'
complete -c extract -l no-cache -d 'Ask the model again for what was asked before'
complete -c extract -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c extract -s s -l slurp -d 'With -R: all of the input is one text'
complete -c extract -l paths -d 'Each line of stdin is a path'
complete -c extract -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c extract -l hidden -d 'Take hidden files in folders too'
complete -c extract -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c extract -l follow-links -d 'Go through symbolic links in folders'
complete -c extract -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c extract -l unordered -d 'Write records as they are done, not in input order'
complete -c extract -l no-via -d 'Do not add to "via"'
complete -c extract -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c extract -s q -l quiet -d 'Errors only on stderr'
complete -c extract -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c extract -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c extract -s h -l help -d 'Print help (see more with \'--help\')'
complete -c extract -s V -l version -d 'Print version'
