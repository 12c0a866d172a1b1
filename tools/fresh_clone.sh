#!/usr/bin/env bash
# Does what a newcomer does: clones this repository into a folder with a space in its name and runs `make demo ONCE=1` and
# `make test` there, nothing prepared; then checks that a second run prepares nothing, and that a moved clone mends itself.
# Takes many minutes, so it is called by hand:  tools/fresh_clone.sh [folder]   (default: a new folder under /tmp, removed at the end)
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$(mktemp -d /tmp/perennial-fresh.XXXXXX)}
clone="$folder/a shop of my own"
[ -n "${1:-}" ] || trap 'rm -rf "$folder"' EXIT

timed() { # label, command …: runs it and says how long it took
  local label=$1 begun=$SECONDS
  shift
  printf '\n== %s\n' "$label"
  "$@"
  printf '== %s: %s s\n' "$label" "$((SECONDS - begun))" | tee -a "$folder/times"
}

git clone --quiet --no-hardlinks "$source" "$clone"
cd "$clone"
timed "first make ready" make ready
timed "second make ready" make ready
timed "make demo ONCE=1" make demo ONCE=1
timed "second make demo ONCE=1" make demo ONCE=1
timed "make test" make test

cd "$folder"
mv "$clone" "$folder/moved"
timed "make ready in the moved clone" make -C "$folder/moved" ready
"$folder/moved/.venv/bin/perennial" --help >/dev/null

printf '\nAll of it passed.\n'
cat "$folder/times"
