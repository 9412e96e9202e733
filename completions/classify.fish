complete -c classify -l labels -d 'The labels: separated by commas, or a file with one a line' -r
complete -c classify -l examples -d 'With --labels: labelled records to show to the model before each text' -r -F
complete -c classify -l threshold -d 'With --multi: give the labels of at least this probability' -r
complete -c classify -l measure -d 'With --labels: how likely the model thinks a label of several tokens is' -r -f -a "constrained\t'As if the model could say nothing but a label'
per-token\t'The mean over the label\'s tokens'"
complete -c classify -l head -d 'Use this head' -r -F
complete -c classify -l train -d 'Fit a head to these labelled records (\'-\' is stdin), and say how good it is' -r -F
complete -c classify -l merge -d 'Average heads trained on several machines, weighted by their numbers of records' -r -F
complete -c classify -l folds -d 'With --train: parts for cross-validation' -r
complete -c classify -l seed -d 'With --train: decides which record is in which part' -r
complete -c classify -l calibrate -d 'Fit a calibration to these labelled records (\'-\' is stdin), and print accuracy against coverage' -r -F
complete -c classify -l calibration -d 'Use the calibration that --calibrate wrote for the same labels or head' -r -F
complete -c classify -l unsure-below -d 'Say "unsure" when the confidence is below; without one, when the best score is' -r
complete -c classify -l disagreements -d 'At the end of the input, write the N records in greatest doubt [default of N: 100]' -r
complete -c classify -l label-field -d 'Field of the label in labelled records' -r
complete -c classify -s o -l output -d 'What --train, --merge or --calibrate writes' -r -F
complete -c classify -s m -l model -d 'Model: a name in the store, a GGUF file, or \'auto\': the largest that is here, fits the memory and reads at least 100 tokens a second, as measured by \'models fit\'' -r
complete -c classify -l context -d 'Tokens of one request, prompt and answer together; 0: the model\'s own, at most 8192' -r
complete -c classify -l threads -d 'Threads that compute in all [default: the machine\'s cores]' -r
complete -c classify -l gpu-layers -d 'Layers on a GPU, in builds that have one' -r
complete -c classify -l cache -d 'File to keep results in [default: results.db in the folder of caches]' -r -F
complete -c classify -l cache-size -d 'Most that is kept, in MiB; what was not used for longest goes first' -r
complete -c classify -l field -d 'Field to read, as a dotted path' -r
complete -c classify -l max-line -d 'Longest line, or text read whole, in bytes' -r
complete -c classify -l as -d 'Key to write the main result under' -r
complete -c classify -s j -l jobs -d 'Records handled at the same time' -r
complete -c classify -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c classify -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c classify -l timeout -d 'Give up a record after this many seconds' -r
complete -c classify -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c classify -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c classify -l parallel -d 'Requests that the model works on together' -r
complete -c classify -l kv-memory -d 'Memory for the keys and values of all requests, in MiB' -r
complete -c classify -l multi -d 'With --labels: any number of labels for a text, as "labels"'
complete -c classify -l prior -d 'With --labels: divide by what the model says of a text without content'
complete -c classify -l as-downloaded -d 'The model\'s file as it was downloaded, not the one that \'models tune\' made of it'
complete -c classify -l no-jobserver -d 'Compute at once, without taking turns with other headwater programs'
complete -c classify -l no-cache -d 'Ask the model again for what was asked before'
complete -c classify -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c classify -s s -l slurp -d 'With -R: all of the input is one text'
complete -c classify -l paths -d 'Each line of stdin is a path'
complete -c classify -s 0 -l paths0 -d 'Paths on stdin end in NUL, as from find -print0'
complete -c classify -l hidden -d 'Take hidden files in folders too'
complete -c classify -l no-ignore -d 'Do not honour .gitignore and .ignore in folders'
complete -c classify -l follow-links -d 'Go through symbolic links in folders'
complete -c classify -s r -l raw-output -d 'Print the main result as plain text instead of records'
complete -c classify -l unordered -d 'Write records as they are done, not in input order'
complete -c classify -l no-via -d 'Do not add to "via"'
complete -c classify -l stats -d 'Print totals as one JSON line on stderr at the end'
complete -c classify -s q -l quiet -d 'Errors only on stderr'
complete -c classify -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c classify -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c classify -s h -l help -d 'Print help (see more with \'--help\')'
complete -c classify -s V -l version -d 'Print version'
