#!/bin/sh
# `npm run test:all`: every test that this machine can run. What the tests need is installed (on Debian, as root) and started, and what was
# started ends with them; what cannot be had is said, and its tests skip. Where CI is set, that is a failure instead.
set -eu
cd "$(dirname "$0")/.."

go_on() { [ -z "${CI:-}" ] || exit 1; }
started=
trap 'for part in $started; do "scripts/parts/$part.sh" down; done' EXIT
trap 'exit 130' INT TERM

scripts/parts/install.sh || go_on
for part in engine registries; do
  "scripts/parts/$part.sh" status && continue
  if "scripts/parts/$part.sh" up; then started="$part $started"; else go_on; fi
done
npm test
