#!/bin/sh
# Builds programs that can be sent to other machines: static ones, for three generations of x86-64
# processors, with a signed list of what they are and need. `fanout` takes from it what fits a
# host, and sends nothing whose signature does not hold.
#
#   target/dist/manifest.json           the list
#   target/dist/manifest.json.minisig   its signature
#   target/dist/BUILD/PROGRAM           the programs
#
# DIST_KEY is the signing key (default ~/.config/headwater/dist.key, made when there is none);
# its public half, beside it with .pub in place of .key, is what fanout trusts. DIST_BUILDS and
# DIST_PROGRAMS choose some of them.
set -eu

builds=${DIST_BUILDS:-x86-64 x86-64-avx x86-64-avx2}
programs=${DIST_PROGRAMS:?the programs to build}
key=${DIST_KEY:-${XDG_CONFIG_HOME:-$HOME/.config}/headwater/dist.key}
public=${key%.key}.pub
out=target/dist
triple=x86_64-unknown-linux-gnu

say() { echo "dist: $*" >&2; }
fail() { say "$*"; exit 1; }

missing=
for tool in jq minisign readelf objdump qemu-x86_64; do
    command -v "$tool" >/dev/null && continue
    case $tool in
    readelf | objdump) missing="$missing binutils" ;;
    qemu-x86_64) missing="$missing qemu-user" ;;
    *) missing="$missing $tool" ;;
    esac
done
if [ -n "$missing" ]; then
    say "these system packages are missing:$missing"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    # shellcheck disable=SC2086  # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

# What a build's processor must have, in the words of /proc/cpuinfo, and what it is built with.
# The names of the flags are those of ggml's build.
settings() {
    avx=OFF avx2=OFF
    case $1 in
    x86-64) cpu=x86-64 features='' needs='' old=core2duo ;;
    x86-64-avx) cpu=x86-64-v2 features=,+avx avx=ON
        needs='cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx' old=SandyBridge ;;
    x86-64-avx2) cpu=x86-64-v3 features='' avx=ON avx2=ON
        needs='cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe' old=Haswell ;;
    *) fail "$1 is not one of x86-64, x86-64-avx, x86-64-avx2" ;;
    esac
}

# whisper-rs-sys asks for the shared C++ library by name: where only the static one is found
# first, that is what it gets.
stdcxx=$PWD/target/dist-build/stdcxx
mkdir -p "$stdcxx" "$out"
cp "$(c++ -print-file-name=libstdc++.a)" "$stdcxx/"

build() {
    say "$1"
    bins=
    for program in $programs; do bins="$bins --bin $program"; done
    # shellcheck disable=SC2086  # a list of options
    env RUSTFLAGS="-C target-cpu=$cpu -C target-feature=+crt-static$features -L native=$stdcxx" \
        GGML_NATIVE=OFF GGML_SSE42="$avx" GGML_AVX="$avx" GGML_AVX2="$avx2" GGML_FMA="$avx2" \
        GGML_F16C="$avx2" GGML_BMI2="$avx2" \
        "${CARGO:-cargo}" build --release --locked --workspace $bins --target $triple \
        --target-dir "target/dist-build/$1"
    mkdir -p "$out/$1"
    for program in $programs; do
        cp "target/dist-build/$1/$triple/release/$program" "$out/$1/$program"
    done
}

# Static, and it runs on the oldest processor that it is for.
check() {
    for program in $programs; do
        file=$out/$1/$program
        if readelf -lW "$file" | grep -q INTERP || readelf -dW "$file" | grep -q NEEDED; then
            fail "$file is not static"
        fi
        qemu-x86_64 -cpu "$old" "$file" --version >/dev/null || fail "$file does not run on a $old"
    done
    # Libraries that choose their code at run time may have more; the engines do not.
    [ "$1" = x86-64 ] || return 0
    find "target/dist-build/$1/$triple" -name 'libggml*.a' | while read -r archive; do
        ! objdump -d "$archive" | grep -q '%ymm' || fail "$archive needs AVX"
    done
}

# One build as JSON.
describe() {
    for program in $programs; do
        file=$out/$1/$program
        jq -n --arg name "$program" --arg sha256 "$(sha256sum <"$file" | cut -d ' ' -f 1)" \
            --argjson bytes "$(wc -c <"$file")" '{($name): {bytes: $bytes, sha256: $sha256}}'
    done | jq -s --arg name "$1" --arg needs "$needs" \
        '{name: $name, machine: "x86_64", needs: ($needs | split(" ")), programs: add}'
}

for each in $builds; do
    settings "$each"
    build "$each"
    check "$each"
done
version=$("$out/${builds%% *}/${programs%% *}" --version | cut -d ' ' -f 2)
for each in $builds; do
    settings "$each"
    describe "$each"
done | jq -s --arg version "$version" '{format: 1, version: $version, builds: .}' >"$out/manifest.json"

if [ ! -f "$key" ]; then
    say "making a key: $key"
    mkdir -p "$(dirname "$key")"
    minisign -G -W -p "$public" -s "$key" >/dev/null
fi
minisign -S -s "$key" -m "$out/manifest.json" -t "headwater $version" >/dev/null
say "$out: $(echo "$builds" | wc -w) builds of $(echo "$programs" | wc -w) programs, signed with $key"
