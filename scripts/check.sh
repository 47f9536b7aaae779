#!/bin/sh
# `npm run check`: types, lint rules and formatting, in parallel. Prints the problems of each; exit
# code 1 when there are any.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM

begin() { # NAME COMMAND...: the output goes to a separate file
  name=$1
  shift
  "$@" >"$out/$name" 2>&1 &
}
begin oxlint oxlint .
oxlint=$!
begin tsc tsc --noEmit
tsc=$!
# The script of the HTML page runs in a browser, and has the types of one.
begin tsc-page tsc --noEmit -p src/cli/reporters/audit-html/page
page=$!
begin oxfmt oxfmt --check .
oxfmt=$!
code=0
wait $oxlint || code=1
wait $tsc || code=1
wait $page || code=1
wait $oxfmt || code=1
[ $code = 0 ] || cat "$out"/*
exit $code
