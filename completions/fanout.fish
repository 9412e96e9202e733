complete -c fanout -s H -l host -d 'Hosts: names as ssh knows them, user@host:port, or \':\' for this machine' -r
complete -c fanout -l hosts -d 'More hosts, from an inventory in TOML' -r -F
complete -c fanout -l tag -d 'Of the inventory, only hosts with this tag' -r
complete -c fanout -s j -l jobs -d 'Commands that run at the same time on each host' -r
complete -c fanout -l transport -d 'How hosts are reached' -r -f -a "auto\t'libssh2, or ssh where the host\'s configuration needs it'
libssh2\t'The library inside this program'
ssh\t'The ssh of this system'"
complete -c fanout -s F -l ssh-config -d 'Configuration of ssh to use in place of ~/.ssh/config' -r -F
complete -c fanout -l heartbeat -d 'Give up a connection that is silent for so many seconds' -r
complete -c fanout -l env -d 'Set this variable there to what it is here' -r
complete -c fanout -l max-line -d 'Longest line, in bytes' -r
complete -c fanout -l match -d 'How an answer is held against its record' -r -f -a "id\t'By "id", or by the record\'s keys'
order\t'By order alone, for any command that writes one line of JSON for each line'"
complete -c fanout -l joblog -d 'One line of JSON for each record: host, time, attempts' -r -F
complete -c fanout -l report -d 'One line of JSON for each host at the end: its share, speed, losses' -r -F
complete -c fanout -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c fanout -l halt -d 'Stop after this many failed records; exit 3' -r
complete -c fanout -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c fanout -l timeout -d 'A command that takes longer for a record is ended. The record is tried once more' -r
complete -c fanout -l retries -d 'Send a record again so often when connections break under it' -r
complete -c fanout -l min-hosts -d 'Stop when fewer hosts than this are left; exit 3' -r
complete -c fanout -l resume -d 'Keep answers in this file, and take those that it has from there' -r -F
complete -c fanout -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c fanout -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c fanout -l trust-new -d 'Accept hosts never seen before, and write down their keys'
complete -c fanout -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c fanout -l paths -d 'Each line of input is a path'
complete -c fanout -s 0 -l paths0 -d 'Paths of the input end in NUL, as from find -print0'
complete -c fanout -l unordered -d 'Write records as they are answered, not in input order'
complete -c fanout -l no-via -d 'Do not add the host to "via"'
complete -c fanout -l wait -d 'Keep trying to reach hosts instead of giving them up'
complete -c fanout -s q -l quiet -d 'Errors only on stderr'
complete -c fanout -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c fanout -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c fanout -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fanout -s V -l version -d 'Print version'
