#!/bin/sh
# `npm run check`: types, lint rules and formatting, in parallel. Prints the problems of each; exit
# code 1 when there are any.
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM

begin() { # COMMAND...: its output goes to a separate file
  "$@" >"$out/$1" 2>&1 &
}
begin eslint .
eslint=$!
begin tsc --noEmit
tsc=$!
begin prettier --check .
prettier=$!
code=0
wait $eslint || code=1
wait $tsc || code=1
wait $prettier || code=1
[ $code = 0 ] || cat "$out"/*
exit $code
