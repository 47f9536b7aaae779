#!/bin/sh
# Starts and stops a Docker engine (containerd and dockerd) on a machine where none answers; ends only what it started.
#   engine.sh up      leaves a running engine alone; returns when `docker version` answers
#   engine.sh down    ends the engine that `up` started, and nothing else
# State, logs and pid files: $VIOLA_PARTS_HOME/engine (default ~/.cache/viola-parts/engine). Needs root and Debian's docker.io.
set -eu
HOME_OF_PARTS=${VIOLA_PARTS_HOME:-$HOME/.cache/viola-parts}
STATE=$HOME_OF_PARTS/engine
CONTAINERD_SOCKET=$STATE/containerd.sock

fail() {
  echo "engine.sh: $1" >&2
  exit 1
}
answers() { docker version >/dev/null 2>&1; }
wait_for() { # WHAT LOG COMMAND...: 30 s at most
  what=$1 log=$2
  shift 2
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "$what does not answer; its log is $log: $(tail -n 3 "$log" | tr '\n' ' ')"
    sleep 0.1
  done
}
start() { # NAME COMMAND...: a process of its own session, so that it outlives the caller's terminal
  name=$1
  shift
  setsid "$@" >"$STATE/$name.log" 2>&1 </dev/null &
  echo $! >"$STATE/$name.pid"
}
stop() { # NAME: only if the pid is still the program that was started
  [ -f "$STATE/$1.pid" ] || return 0
  pid=$(cat "$STATE/$1.pid")
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; then
    kill "$pid"
    tries=0
    while [ -d "/proc/$pid" ] && [ $tries -lt 300 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
  fi
  rm -f "$STATE/$1.pid"
}

up() {
  answers && return
  [ "$(id -u)" = 0 ] || fail "needs root to start a Docker engine"
  command -v dockerd >/dev/null || fail "no dockerd: run scripts/parts/install.sh first"
  mkdir -p "$STATE"
  stop dockerd
  stop containerd
  rm -f /var/run/docker.pid
  # A containerd of its own, so that stopping dockerd never touches one that the machine runs.
  start containerd containerd --address "$CONTAINERD_SOCKET" --root "$STATE/containerd" --state "$STATE/containerd-run" --log-level warn
  wait_for containerd "$STATE/containerd.log" ctr --address "$CONTAINERD_SOCKET" version
  start dockerd dockerd --containerd "$CONTAINERD_SOCKET" --data-root "$STATE/docker" --storage-driver overlay2 --log-level warn
  wait_for dockerd "$STATE/dockerd.log" docker version
}
down() {
  stop dockerd
  stop containerd
}

case ${1:-} in
  up | down) "$1" ;;
  *)
    sed -n '2,5p' "$0" >&2
    exit 2
    ;;
esac
