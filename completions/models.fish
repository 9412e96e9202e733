# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_models_global_optspecs
    string join \n json q/quiet v/verbose color= progress= nice h/help V/version
end

function __fish_models_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_models_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_models_using_subcommand
    set -l cmd (__fish_models_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c models -n "__fish_models_needs_command" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_needs_command" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_needs_command" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_needs_command" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_needs_command" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_needs_command" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_needs_command" -s V -l version -d 'Print version'
complete -c models -n "__fish_models_needs_command" -f -a "list" -d 'Show the models that are known, and which of them are here'
complete -c models -n "__fish_models_needs_command" -f -a "pull" -d 'Get models: from the hub, else from the package registry'
complete -c models -n "__fish_models_needs_command" -f -a "path" -d 'Print where a model\'s file is'
complete -c models -n "__fish_models_needs_command" -f -a "verify" -d 'Read models whole and compare them with their checksums'
complete -c models -n "__fish_models_needs_command" -f -a "rm" -d 'Remove models; of a linked one only the link'
complete -c models -n "__fish_models_needs_command" -f -a "import" -d 'Take a model file or folder into the store'
complete -c models -n "__fish_models_needs_command" -f -a "scan" -d 'Find models of other programs on this machine'
complete -c models -n "__fish_models_needs_command" -f -a "info" -d 'Show what is known about a model: its catalogue entry and its file\'s header'
complete -c models -n "__fish_models_needs_command" -f -a "tune" -d 'Find the weight format that this machine runs fastest, and keep it for the programs'
complete -c models -n "__fish_models_needs_command" -f -a "fit" -d 'Show which models this machine can hold, and how fast they run'
complete -c models -n "__fish_models_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c models -n "__fish_models_using_subcommand list" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand list" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand list" -l here -d 'Only those that are here'
complete -c models -n "__fish_models_using_subcommand list" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand list" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand list" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand list" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand pull" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand pull" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand pull" -l default -d 'The default set: what the programs use when no model is named'
complete -c models -n "__fish_models_using_subcommand pull" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand pull" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand pull" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand pull" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand pull" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand path" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand path" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand path" -l as-downloaded -d 'The file as it was downloaded, also where a tuned one is used'
complete -c models -n "__fish_models_using_subcommand path" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand path" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand path" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand path" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand verify" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand verify" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand verify" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand verify" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand verify" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand verify" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand rm" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand rm" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand rm" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand rm" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand rm" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand rm" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand import" -l name -d 'Name it gets; else the catalogue\'s, or one made of the file\'s name' -r
complete -c models -n "__fish_models_using_subcommand import" -l type -d 'Number format of converted weights: f32, f16, q8_0, q5_0 or q5_1 [default: f16]' -r
complete -c models -n "__fish_models_using_subcommand import" -l labels -d 'For an ONNX classifier of pictures: file with its labels, one a line in the order of its outputs' -r -F
complete -c models -n "__fish_models_using_subcommand import" -l scale -d 'For an ONNX classifier: how it takes brightness: imagenet (0 to 1, less ImageNet\'s mean and over its deviation), signed (-1 to 1), unit (0 to 1), byte (0 to 255)' -r -f -a "imagenet\t''
signed\t''
unit\t''
byte\t''"
complete -c models -n "__fish_models_using_subcommand import" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand import" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand import" -l link -d 'Link the file instead of copying it: it has to stay where it is'
complete -c models -n "__fish_models_using_subcommand import" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand import" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand import" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand import" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand scan" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand scan" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand scan" -l link -d 'Make the usable ones usable by name, as links: nothing is copied'
complete -c models -n "__fish_models_using_subcommand scan" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand scan" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand scan" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand scan" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand info" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand info" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand info" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand info" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand info" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand info" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand tune" -l sample -d 'A text like those that the model will read, 1 MiB at most; its first 8192 tokens count' -r -F
complete -c models -n "__fish_models_using_subcommand tune" -l max-kl -d 'Mean KL divergence that counts as no loss, in nats [default: 0.02]' -r
complete -c models -n "__fish_models_using_subcommand tune" -l threads -d 'Threads that compute [default: the machine\'s cores]' -r
complete -c models -n "__fish_models_using_subcommand tune" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand tune" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand tune" -l force -d 'Do it again, although it was done on this machine'
complete -c models -n "__fish_models_using_subcommand tune" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand tune" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand tune" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand tune" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand tune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand fit" -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand fit" -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c models -n "__fish_models_using_subcommand fit" -l force -d 'Measure again what was measured before'
complete -c models -n "__fish_models_using_subcommand fit" -l json -d 'Print JSON lines on a terminal too'
complete -c models -n "__fish_models_using_subcommand fit" -s q -l quiet -d 'Errors only on stderr'
complete -c models -n "__fish_models_using_subcommand fit" -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c models -n "__fish_models_using_subcommand fit" -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c models -n "__fish_models_using_subcommand fit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "list" -d 'Show the models that are known, and which of them are here'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "pull" -d 'Get models: from the hub, else from the package registry'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "path" -d 'Print where a model\'s file is'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "verify" -d 'Read models whole and compare them with their checksums'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "rm" -d 'Remove models; of a linked one only the link'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "import" -d 'Take a model file or folder into the store'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "scan" -d 'Find models of other programs on this machine'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "info" -d 'Show what is known about a model: its catalogue entry and its file\'s header'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "tune" -d 'Find the weight format that this machine runs fastest, and keep it for the programs'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "fit" -d 'Show which models this machine can hold, and how fast they run'
complete -c models -n "__fish_models_using_subcommand help; and not __fish_seen_subcommand_from list pull path verify rm import scan info tune fit help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
