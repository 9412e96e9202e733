#!/bin/sh
# Runs fuzz targets one after the other: TIME=60 sh tests/fuzz/run.sh [TARGET...]
# What they find new is kept under FUZZ_DIR for the next run; the tree stays as it is.
set -eu
cd "$(dirname "$0")"

TIME=${TIME:-60}
TRIPLE=$(rustc -vV | sed -n 's/^host: //p')
: "${FUZZ_DIR:=../../target/fuzz}"
mkdir -p "$FUZZ_DIR"
FUZZ_DIR=$(cd "$FUZZ_DIR" && pwd)
# Sanitizers are options of nightly compilers. Any stable one takes them with this variable.
if rustup run nightly rustc --version >/dev/null 2>&1; then
    export RUSTUP_TOOLCHAIN=nightly
else
    export RUSTC_BOOTSTRAP=1
fi

# seed TARGET NAME: keeps stdin as an input to start from.
seed() {
    mkdir -p "$FUZZ_DIR/corpus/$1"
    cat >"$FUZZ_DIR/corpus/$1/seed-$2"
}

seed_texts() {
    printf '%s' '{"id":"1","a":{"b":[1,2.50]},"a":null,"\u00e9":"x","via":[{}]}' | seed record object
    printf '"a.b".0.c\n{"a.b":[{"c":"text"}]}' | seed field nested
    printf '\1\0\100\0\0\0\1\0\0one\r\ntwo\n\nthree and more' | seed lines some
    printf 'procs ---memory---\n r  b   swpd\n 1  0 0.5\n\nname,n,,n\n"a, ""b""\nc",1e3,,-0\n' |
        seed events tables
    printf 'home/door open\nhome/t 21.5\nx (null)\ny {"a":1}\nz \n' | seed events topics
    printf 'door stays="half open:5m"|shut:1s only=shut>open' | seed events rule
    printf '"2026-11-21T08:00:00.5+01:00"' | seed events date
    printf '1700000000.25' | seed events number
    printf '.confidence < 0.5 and (.text | length > 3)\0{"confidence":0.4,"text":"long"}' |
        seed expression usual
    printf '[limit(3; repeat(.a // empty))] | map(tostring) | join(",") != ""\0{"a":1}' |
        seed expression loop
    printf '%s' '{"model":"m","choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],' \
        '"usage":{"prompt_tokens":3,"completion_tokens":1}}' | seed answer text
    printf '%s' '{"choices":[{"message":{"content":[{"type":"text","text":"a"}]}}]}' |
        seed answer parts
    printf '%s' '{"error":{"message":"bad key sk-key","code":401}}' | seed answer error
    printf '%s' '{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],' \
        '"max_tokens":5,"stop":["x"],"temperature":0.5,"seed":1,"stream":true,' \
        '"stream_options":{"include_usage":true},"response_format":{"type":"json_schema",' \
        '"json_schema":{"schema":{"type":"object"}}}}' | seed request chat
    printf '%s' '{"prompt":["a"],"input":["a","b"],"encoding_format":"base64","grammar":"g"}' |
        seed request both
    printf '%s' '{"type":"object","properties":{"a":{"enum":["x",1]},"b":{"$ref":"#/$defs/n"}},' \
        '"required":["a"],"$defs":{"n":{"type":"array","items":{"anyOf":[{"type":"integer",' \
        '"minimum":1,"maximum":9},{"type":"string","format":"date"}]},"minItems":1}}}' |
        seed schema object
    printf 'root ::= ("a" | [^b-c\\n]{1,3} # x\n b*)\nb ::= "\\x41"\n' | seed schema grammar
    printf 'name: of the sender, due date?, kind enum(a|b)\nlines [{what, price money}], to {zip int}?' |
        seed shape short
    printf '%s' '{"required":["a","n"],"properties":{"a":{"type":["string","null"],"pattern":"x"},' \
        '"n":{"$ref":"#/$defs/n"}},"$defs":{"n":{"allOf":[{"properties":{"c":{"type":"integer",' \
        '"minimum":1}}},{"oneOf":[{"required":["c"]},{"type":"null"}]}],"properties":{"d":' \
        '{"type":"array","items":{"$ref":"#/$defs/n"},"maxItems":3}}}}}' | seed shape object
    # The catalogue that is compiled in, an entry each.
    awk -v start="$FUZZ_DIR/corpus/catalogue/seed-" \
        '/^\[\[model\]\]/ { close(out); n += 1; out = start n } out { print >out }' \
        ../../src/lib/models/catalogue.toml
}

seed_files() {
    # The first byte is that of a flag of the target.
    for file in ../data/docs/*; do
        { printf '\1'; cat "$file"; } | seed document "$(basename "$file")"
    done
    # A byte for the kind, one for a flag.
    n=0
    for part in '<w:p><w:pPr><w:pStyle w:val="a"/></w:pPr><w:r><w:t>a</w:t><w:tab/></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>' \
        '<row><c r="B2" t="s" s="1"><v>0</v></c><c t="inlineStr"><is><t>a</t></is></c></row><si><t>b</t></si><numFmt numFmtId="9" formatCode="yy"/>' \
        '<p:sp><p:ph type="title"/><a:p><a:r><a:t>a</a:t></a:r></a:p></p:sp><a:tbl><a:tr><a:tc/></a:tr></a:tbl>' \
        '<text:h text:outline-level="2">a</text:h><text:list><text:p>b<text:s text:c="3"/><text:note-body><text:p>c</text:p></text:note-body></text:p></text:list>' \
        '<table:table table:name="T"><table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="2"><text:p>a</text:p></table:table-cell></table:table-row></table:table>' \
        '<draw:page><draw:text-box><text:p>a</text:p></draw:text-box></draw:page>' \
        '<html><body><h1>a</h1><p>b</p></body></html><dc:title>c</dc:title>'; do
        { printf "\\$n\\1"; printf '%s' "$part"; } | seed office "$n"
        n=$((n + 1))
    done
    for file in ../data/redact/*.txt; do
        head -c 4000 "$file" | seed pii "$(basename "$file")"
    done
    # Decoding is slow with a sanitizer: the beginning of a file has its headers.
    for file in ../data/speech/*; do
        head -c 16384 "$file" | seed audio "$(basename "$file")"
    done
    # A directory of a raw picture that says where its preview is, and a HEIF file without tiles.
    printf 'II*\0\10\0\0\0\3\0\6\1\4\0\1\0\0\0\43\200\0\0\1\2\4\0\1\0\0\0\62\0\0\0' |
        seed picture raw
    printf '\0\0\0\24ftypheic\0\0\0\0mif1\0\0\0\32meta\0\0\0\0\0\0\0\16pitm\0\0\0\0\0\1' |
        seed picture heif
    for file in ../data/photos/av1/*.avif; do
        seed picture "$(basename "$file")" <"$file"
    done
    # Targets that damage samples of their own: one to start from for each sample.
    for n in 0 1 2 3 4 5 6 7; do
        printf "\\$n\\1\\0\\0\\0\\0" | seed import_model "$n"
        printf "\\$n\\0\\0\\0\\0" | seed metadata "$n"
        printf "\\$n\\0\\0\\0\\0" | seed model_header "$n"
        printf "\\$n\\0\\0\\0\\0" | seed wheel "$n"
    done
}

# Inputs are as long as their parsers need; a longer one is only slower.
length() {
    case $1 in
    audio | document | picture) echo 65536 ;;
    office) echo 8192 ;;
    import_model | metadata | model_header | wheel) echo 512 ;;
    *) echo 4096 ;;
    esac
}

mkdir -p "$FUZZ_DIR/corpus/catalogue"
seed_texts
seed_files
failed=
for target in ${*:-$(cargo fuzz list --fuzz-dir .)}; do
    echo "== $target"
    mkdir -p "$FUZZ_DIR/corpus/$target" "$FUZZ_DIR/artifacts/$target"
    cargo fuzz run --fuzz-dir . --target "$TRIPLE" --target-dir "$FUZZ_DIR/build" "$target" \
        "$FUZZ_DIR/corpus/$target" -- \
        -max_total_time="$TIME" -max_len="$(length "$target")" -len_control=0 -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$FUZZ_DIR/artifacts/$target/" ||
        failed="$failed $target"
done
# cargo-fuzz makes these beside the manifest, though nothing is put there.
rmdir artifacts/* artifacts 2>/dev/null || :
[ -z "$failed" ] || { echo "failed:$failed; inputs are in $FUZZ_DIR/artifacts" >&2; exit 1; }
