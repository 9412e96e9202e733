#!/bin/sh
# Installs what building and testing need and this machine lacks, after naming it. Does nothing,
# quickly, when nothing is missing.
set -eu

missing=
need() { missing="$missing $1"; }

command -v cargo >/dev/null || {
    echo "setup: Rust is needed first: see https://rustup.rs" >&2
    exit 1
}
command -v cc >/dev/null && command -v c++ >/dev/null || need build-essential
command -v cmake >/dev/null || need cmake
command -v git >/dev/null || need git
command -v jq >/dev/null || need jq
# fanout: OpenSSL is built from its source, and its tests run a real sshd.
command -v perl >/dev/null && perl -MIPC::Cmd -MFindBin -e 1 2>/dev/null || need perl
command -v ssh >/dev/null || need openssh-client
[ -x /usr/sbin/sshd ] || [ -x /usr/local/sbin/sshd ] || [ -x /usr/bin/sshd ] || need openssh-server
command -v mandoc >/dev/null || need mandoc
# bindgen reads llama.cpp's headers with libclang; libclang-cpp, which comes with other packages,
# is another library.
ls /usr/lib/llvm-*/lib/libclang[.-]*so* /usr/lib/*/libclang[.-]*so* /usr/lib/libclang[.-]*so* \
    2>/dev/null | grep -qv libclang-cpp || need libclang-dev
# The second source of models: see `models info NAME`.
command -v pip3 >/dev/null || command -v pip >/dev/null || python3 -m pip --version >/dev/null 2>&1 ||
    need python3-pip

[ -n "$missing" ] || exit 0

echo "setup: these system packages are missing:$missing"
command -v apt-get >/dev/null || {
    echo "setup: please install them, or what your system calls them" >&2
    exit 1
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086  # a list of names
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
