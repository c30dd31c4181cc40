#!/bin/sh
# Install what the tests need beside Python: a real browser for the HTML reports, Node with Supabase Lite and the
# runtime of Cloudflare's Workers, Redis, PgBouncer,
# Prometheus and Alertmanager with their tools; packages that are named as arguments, too.
# Without root or network: say what is missing; the tests that need it are skipped.
set -eu

debian_packages() { # what is to be there beside the tests' own
    missing=""
    for package in "$@"; do command -v "$package" >/dev/null 2>&1 || missing="$missing $package"; done
    command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
    command -v node >/dev/null 2>&1 || missing="$missing nodejs"
    command -v npm >/dev/null 2>&1 || missing="$missing npm"
    command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
    command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
    command -v amtool >/dev/null 2>&1 || missing="$missing prometheus-alertmanager"
    command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then run=""; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then run="sudo"; else
        echo "missing for the tests:$missing"
        echo "hint: ask an administrator to run: apt-get install$missing   (the tests that need them are skipped)"
        return 0
    fi
    command -v apt-get >/dev/null 2>&1 || { echo "missing for the tests:$missing (no apt-get here; those tests are skipped)"; return 0; }
    echo "installing$missing"
    $run apt-get update -qq
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# Exact versions stand in package.json; a lock file would record download addresses, so none is kept.
npm_folder() { # FOLDER, and what it is called
    folder="$(dirname "$0")/$1"
    stamp="$folder/node_modules/.made-from"
    cmp -s "$folder/package.json" "$stamp" && return 0
    command -v npm >/dev/null 2>&1 || { echo "missing for the tests: npm (those with $2 are skipped)"; return 0; }
    echo "installing $2"
    if npm install --prefix "$folder" --omit=dev --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error; then
        cp "$folder/package.json" "$stamp"
    else
        echo "missing for the tests: $2 (npm could not install it; those tests are skipped)"
    fi
}

debian_packages "$@"
npm_folder supabase_lite "Supabase Lite"
npm_folder worker "the runtime of Cloudflare's Workers"
