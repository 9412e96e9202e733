# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_fanout_global_optspecs
    string join \n H/host= hosts= tag= trust-new transport= F/ssh-config= heartbeat= j/jobs= env= ship= dist= dist-key= send= files= R/raw-input paths 0/paths0 max-line= unordered no-via match= joblog= report= on-error= halt= limit= timeout= retries= once min-hosts= wait resume= q/quiet v/verbose color= progress= nice h/help V/version
end

function __fish_fanout_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_fanout_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_fanout_using_subcommand
    set -l cmd (__fish_fanout_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c fanout -n "__fish_fanout_needs_command" -s H -l host -d 'Hosts: names as ssh knows them, user@host:port, or \':\' for this machine' -r
complete -c fanout -n "__fish_fanout_needs_command" -l hosts -d 'More hosts, from an inventory in TOML' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l tag -d 'Of the inventory, only hosts with this tag' -r
complete -c fanout -n "__fish_fanout_needs_command" -l transport -d 'How hosts are reached' -r -f -a "auto\t'libssh2, or ssh where the host\'s configuration needs it'
libssh2\t'The library inside this program'
ssh\t'The ssh of this system'"
complete -c fanout -n "__fish_fanout_needs_command" -s F -l ssh-config -d 'Configuration of ssh to use in place of ~/.ssh/config' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l heartbeat -d 'Give up a connection that is silent for so many seconds' -r
complete -c fanout -n "__fish_fanout_needs_command" -s j -l jobs -d 'Commands that run at the same time on each host' -r
complete -c fanout -n "__fish_fanout_needs_command" -l env -d 'Set this variable there to what it is here' -r
complete -c fanout -n "__fish_fanout_needs_command" -l ship -d 'Send the command to hosts that lack it' -r -f -a "auto\t'A program of this family is, with the models that it opens; others have to be there'
always\t'It is, and hosts where it does not run are not used'
never\t'It has to be there, and its models too'"
complete -c fanout -n "__fish_fanout_needs_command" -l dist -d 'Folder of signed programs for other kinds of machines, as make dist makes it [default: ~/.local/share/headwater/dist, where there is one]' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l dist-key -d 'Public key that they must be signed with [default: ~/.config/headwater/dist.pub]' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l send -d 'Send a file that the command\'s arguments name, such as a model or a list of labels' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l files -d 'Send the files that records name in "path"' -r -f -a "send\t'They are sent to the host that gets the record'
keep\t'Paths stay as they are: the hosts have the files'"
complete -c fanout -n "__fish_fanout_needs_command" -l max-line -d 'Longest line, in bytes' -r
complete -c fanout -n "__fish_fanout_needs_command" -l match -d 'How an answer is held against its record' -r -f -a "id\t'By "id", or by the record\'s keys'
order\t'By order alone, for any command that writes one line of JSON for each line'"
complete -c fanout -n "__fish_fanout_needs_command" -l joblog -d 'One line of JSON for each record: host, time, attempts' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l report -d 'One line of JSON for each host at the end: its share, speed, losses' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l on-error -d 'What to do with a record that fails' -r -f -a "pass\t'Write it unchanged, with "error" added, and go on'
skip\t'Leave it out, say so on stderr, and go on'
fail\t'Write it with "error", and stop'"
complete -c fanout -n "__fish_fanout_needs_command" -l halt -d 'Stop after this many failed records; exit 3' -r
complete -c fanout -n "__fish_fanout_needs_command" -l limit -d 'Stop after N records; exit 3 if there were more' -r
complete -c fanout -n "__fish_fanout_needs_command" -l timeout -d 'A command that takes longer for a record is ended. The record is tried once more' -r
complete -c fanout -n "__fish_fanout_needs_command" -l retries -d 'Send a record again so often when connections break under it' -r
complete -c fanout -n "__fish_fanout_needs_command" -l min-hosts -d 'Stop when fewer hosts than this are left; exit 3' -r
complete -c fanout -n "__fish_fanout_needs_command" -l resume -d 'Keep answers in this file, and take those that it has from there' -r -F
complete -c fanout -n "__fish_fanout_needs_command" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c fanout -n "__fish_fanout_needs_command" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c fanout -n "__fish_fanout_needs_command" -l trust-new -d 'Accept hosts never seen before, and write down their keys'
complete -c fanout -n "__fish_fanout_needs_command" -s R -l raw-input -d 'Each line of input is a text, not a record'
complete -c fanout -n "__fish_fanout_needs_command" -l paths -d 'Each line of input is a path'
complete -c fanout -n "__fish_fanout_needs_command" -s 0 -l paths0 -d 'Paths of the input end in NUL, as from find -print0'
complete -c fanout -n "__fish_fanout_needs_command" -l unordered -d 'Write records as they are answered, not in input order'
complete -c fanout -n "__fish_fanout_needs_command" -l no-via -d 'Do not add the host to "via"'
complete -c fanout -n "__fish_fanout_needs_command" -l once -d 'Never ask a second host while the first one still has the record. Without it, hosts that are done take over what others take long for: some records are then computed twice'
complete -c fanout -n "__fish_fanout_needs_command" -l wait -d 'Keep trying to reach hosts instead of giving them up'
complete -c fanout -n "__fish_fanout_needs_command" -s q -l quiet -d 'Errors only on stderr'
complete -c fanout -n "__fish_fanout_needs_command" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c fanout -n "__fish_fanout_needs_command" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c fanout -n "__fish_fanout_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fanout -n "__fish_fanout_needs_command" -s V -l version -d 'Print version'
complete -c fanout -n "__fish_fanout_needs_command" -a "gc" -d 'Remove from hosts what was sent there and is not used any more'
complete -c fanout -n "__fish_fanout_needs_command" -a "hosts" -d 'List hosts: those named, or those that could be'
complete -c fanout -n "__fish_fanout_using_subcommand gc" -l older -d 'What no run has used for so many days' -r
complete -c fanout -n "__fish_fanout_using_subcommand gc" -s H -l host -d 'Hosts: names as ssh knows them, user@host:port, or \':\' for this machine' -r
complete -c fanout -n "__fish_fanout_using_subcommand gc" -l hosts -d 'More hosts, from an inventory in TOML' -r -F
complete -c fanout -n "__fish_fanout_using_subcommand gc" -l tag -d 'Of the inventory, only hosts with this tag' -r
complete -c fanout -n "__fish_fanout_using_subcommand gc" -l transport -d 'How hosts are reached' -r -f -a "auto\t'libssh2, or ssh where the host\'s configuration needs it'
libssh2\t'The library inside this program'
ssh\t'The ssh of this system'"
complete -c fanout -n "__fish_fanout_using_subcommand gc" -s F -l ssh-config -d 'Configuration of ssh to use in place of ~/.ssh/config' -r -F
complete -c fanout -n "__fish_fanout_using_subcommand gc" -l heartbeat -d 'Give up a connection that is silent for so many seconds' -r
complete -c fanout -n "__fish_fanout_using_subcommand gc" -l trust-new -d 'Accept hosts never seen before, and write down their keys'
complete -c fanout -n "__fish_fanout_using_subcommand gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -s H -l host -d 'Hosts: names as ssh knows them, user@host:port, or \':\' for this machine' -r
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -l hosts -d 'More hosts, from an inventory in TOML' -r -F
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -l tag -d 'Of the inventory, only hosts with this tag' -r
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -l transport -d 'How hosts are reached' -r -f -a "auto\t'libssh2, or ssh where the host\'s configuration needs it'
libssh2\t'The library inside this program'
ssh\t'The ssh of this system'"
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -s F -l ssh-config -d 'Configuration of ssh to use in place of ~/.ssh/config' -r -F
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -l heartbeat -d 'Give up a connection that is silent for so many seconds' -r
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -l discover -d 'Propose names: from ssh\'s configuration, mDNS and Tailscale. Nothing is connected'
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -l trust-new -d 'Accept hosts never seen before, and write down their keys'
complete -c fanout -n "__fish_fanout_using_subcommand hosts" -s h -l help -d 'Print help (see more with \'--help\')'
