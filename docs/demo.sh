#!/bin/sh
# The main job on a fresh machine: a catalogue, its vectors, derived collections built, verified and swapped,
# and what that brings, measured; then feeds out of them. Works in a folder of its own, so that it never touches a project's data.
set -eu
folder="${DEMO_FOLDER:-.opsctl-demo}"
items="${DEMO_ITEMS:-20000}"
mkdir -p "$folder"
cd "$folder"
step() { printf '\n\033[1m$ opsctl %s\033[0m\n' "$*"; opsctl "$@"; }
trap 'opsctl --quiet stack down >/dev/null 2>&1 || true' EXIT
step init
step stack up
step catalog generate --items "$items" --seed 7
step collections rebuild
step collections status
# Exit 1 means that a budget was missed, and 5 that the machine was too noisy to tell: both are results to show.
step bench latency au_photographers_quality --naive --queries 400 --html latency.html || {
    code=$?
    [ "$code" -eq 1 ] || [ "$code" -eq 5 ] || exit "$code"
}
step catalog readers --users 500 --seed 7
key=$(opsctl --quiet security keys create --name demo --expires 1d)
address=$(opsctl stack status --json | python3 -c 'import json, sys
print(next(part["url"] for part in json.load(sys.stdin)["data"]["parts"] if part["name"] == "service"))')
for answer in built stored; do
    printf '\n\033[1m$ curl -i -H "Authorization: Bearer $KEY" "%s/v1/feed/7?region=AU&category=photographer&limit=3"\033[0m  # %s\n' "$address" "$answer"
    curl -sS -i -H "Authorization: Bearer $key" "$address/v1/feed/7?region=AU&category=photographer&limit=3" |
        grep -iE '^(HTTP|x-cache|age|server-timing|ratelimit-remaining)|^\{' | cut -c1-420
done
step cache stats
step evidence list
step evidence verify
printf '\ndone: the curves are in %s/latency.html; the tour goes on in README.md\n' "$folder"
