#!/usr/bin/env bash
# Runs a command with the parts that tests and benchmarks need: a Docker engine and registries.
#   with-parts.sh COMMAND ARGUMENT...
# Installs what is missing (on Debian, as root), and starts what does not run yet, on free ports. What
# it started is stopped at the end of the command, also when it is killed. If a part is not available,
# this is reported and the command runs without it; with CI set, it is an error.
set -eu
PARTS=$(cd "$(dirname "$0")/parts" && pwd)

go_on() { [ -z "${CI:-}" ] || exit 1; }

"$PARTS/install.sh" || go_on

# after-run.sh removes what is left when descriptor 9 closes, which is when this script ends. No other
# process inherits it.
RUN=$(mktemp -d "${TMPDIR:-/tmp}/viola-run-XXXXXX")
mkdir "$RUN/tmp"
exec 9> >(exec setsid "$PARTS/after-run.sh" "$RUN")
after_run=$!
trap 'exec 9>&-; wait $after_run || :' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

for part in engine registries; do
  "$PARTS/$part.sh" status && continue
  echo $part >>"$RUN/parts"
  "$PARTS/$part.sh" up 9>&- || go_on
done
# In the background, so that traps run immediately on a signal.
VIOLA_RUN=$RUN TMPDIR=$RUN/tmp "$@" 9>&- &
wait $!
