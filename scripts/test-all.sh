#!/usr/bin/env bash
# `npm run test:all`: every test that this machine can run. Installs what the tests need (on Debian, as root) and starts it.
# What is started here ends with the run, also when the run is killed; parts that run already are used and left alone.
# What cannot be had is said, and its tests skip. Where CI is set, that is a failure instead.
set -eu
cd "$(dirname "$0")/.."

go_on() { [ -z "${CI:-}" ] || exit 1; }

scripts/parts/install.sh || go_on

# after-run.sh takes away what is left as soon as descriptor 9 closes: when this script ends. No other process gets it.
RUN=$(mktemp -d "${TMPDIR:-/tmp}/viola-run-XXXXXX")
mkdir "$RUN/tmp"
exec 9> >(exec setsid scripts/parts/after-run.sh "$RUN")
after_run=$!
trap 'exec 9>&-; wait $after_run || :' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

for part in engine registries; do
  scripts/parts/$part.sh status && continue
  echo $part >>"$RUN/parts"
  scripts/parts/$part.sh up 9>&- || go_on
done
# In the background, so that a signal is answered at once.
VIOLA_RUN=$RUN TMPDIR=$RUN/tmp npm --silent test 9>&- &
wait $!
