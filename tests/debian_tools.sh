#!/bin/sh
# Install what the tests need from Debian: a real browser for the HTML reports. Without root: say what is missing.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then run=""; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then run="sudo"; else
    echo "missing for the tests:$missing"
    echo "hint: ask an administrator to run: apt-get install$missing   (the tests that need them are skipped)"
    exit 0
fi
command -v apt-get >/dev/null 2>&1 || { echo "missing for the tests:$missing (no apt-get here; those tests are skipped)"; exit 0; }
echo "installing$missing"
$run apt-get update -qq
# shellcheck disable=SC2086 # a list of package names
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing >/dev/null
