#!/usr/bin/env bash
# `npm run test:all`: all tests that this machine can run. Installs the parts that the tests need (on
# Debian, as root) and starts them. They are stopped at the end of the run, also when it is killed.
# Parts that already run are used and not stopped. If a part is not available, this is reported and
# its tests are skipped; with CI set, it is an error.
set -eu
cd "$(dirname "$0")/.."

go_on() { [ -z "${CI:-}" ] || exit 1; }

scripts/parts/install.sh || go_on

# after-run.sh removes what is left when descriptor 9 closes, which is when this script ends. No other
# process inherits it.
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
# In the background, so that traps run immediately on a signal.
VIOLA_RUN=$RUN TMPDIR=$RUN/tmp npm --silent test 9>&- &
wait $!
