complete -c serve -l listen -d 'Address to listen on' -r
complete -c serve -l socket -d 'Listen on a Unix socket instead, open to this user alone' -r -F
complete -c serve -l also -d 'A further model, loaded when somebody asks for it. May be given several times' -r
complete -c serve -l memory -d 'Memory for the weights of all these models together, in MiB: the one that was not used for longest goes when another one is asked for [default: no limit]' -r
complete -c serve -l embedder -d 'Model for /v1/embeddings: a name in the store, a GGUF file, or \'none\' [default: all-minilm-l6-v2 if it is in the store]' -r
complete -c serve -l key-file -d 'Keys that clients must send, one a line; HEADWATER_SERVE_KEY holds one too' -r -F
complete -c serve -l members -d 'Members with keys of their own, in TOML: a table for each, with key_sha256 (what sha256sum says of the key) and, where there are limits, requests_per_minute, requests_per_day, tokens_per_day, parallel' -r -F
complete -c serve -l upstream -d 'Other communities\' servers, in TOML: a table for each, with url (up to /v1), key_env or key_file, and, where they set limits, requests_per_minute, requests_per_day, tokens_per_day, parallel. They are asked for models that are not served here' -r -F
complete -c serve -l tls-cert -d 'Certificate (PEM, with those that lead to its authority): speak TLS' -r -F
complete -c serve -l tls-key -d 'The certificate\'s key (PEM)' -r -F
complete -c serve -l name -d 'Host names that clients may use for this server, besides its address' -r
complete -c serve -l queue -d 'Requests that may wait for their turn; more are answered 429' -r
complete -c serve -l connections -d 'Connections at a time, idle ones too; more wait' -r
complete -c serve -l grace -d 'Seconds that requests under way get to end when the server is stopped; then they are cancelled' -r
complete -c serve -s m -l model -d 'Model: a name in the store, a GGUF file, or \'auto\': the largest that is here, fits the memory and reads at least 100 tokens a second, as measured by \'models fit\'' -r
complete -c serve -l context -d 'Tokens of one request, prompt and answer together; 0: the model\'s own, at most 8192' -r
complete -c serve -l parallel -d 'Requests that the model works on together' -r
complete -c serve -l threads -d 'Threads that compute in all [default: the machine\'s cores]' -r
complete -c serve -l gpu-layers -d 'Layers on a GPU, in builds that have one' -r
complete -c serve -l kv-memory -d 'Memory for the keys and values of all requests, in MiB' -r
complete -c serve -l color -d 'Colour in messages' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c serve -l progress -d 'Progress on stderr' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c serve -l exit-on-stdin-eof -d 'Stop when stdin ends: for a program that started this one'
complete -c serve -l as-downloaded -d 'The model\'s file as it was downloaded, not the one that \'models tune\' made of it'
complete -c serve -l no-jobserver -d 'Compute at once, without taking turns with other headwater programs'
complete -c serve -s q -l quiet -d 'Errors only on stderr'
complete -c serve -s v -l verbose -d 'More on stderr; twice for yet more'
complete -c serve -l nice -d 'Give way to everything else on this machine: lowest priority for the processor'
complete -c serve -s h -l help -d 'Print help (see more with \'--help\')'
complete -c serve -s V -l version -d 'Print version'
