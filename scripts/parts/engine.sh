#!/bin/sh
# Starts and stops a Docker engine (containerd and dockerd) on a machine without a running engine.
#   engine.sh up      does nothing if an engine is running; returns when `docker version` succeeds
#   engine.sh down    stops only the engine that `up` started
#   engine.sh status  exit code 0 if an engine responds
# State, logs and pid files are in $VIOLA_PARTS_HOME/engine (default ~/.cache/viola-parts/engine).
# Needs root and the programs of install.sh.
set -eu
. "$(dirname "$0")/processes.sh"
STATE=$HOME_OF_PARTS/engine
SOCKET=$STATE/containerd.sock

up() {
  status && return
  [ "$(id -u)" = 0 ] || fail "needs root to start a Docker engine"
  command -v dockerd >/dev/null || fail "no dockerd: run scripts/parts/install.sh first"
  stop_all
  rm -f /var/run/docker.pid
  # The engine has its own containerd, so that a containerd of the machine is not affected.
  start containerd containerd --address "$SOCKET" --root "$STATE/containerd" --state "$STATE/containerd-run" --log-level warn
  wait_for containerd ctr --address "$SOCKET" version
  start dockerd dockerd --containerd "$SOCKET" --data-root "$STATE/docker" --storage-driver overlay2 --log-level warn
  wait_for dockerd docker version
}
down() {
  # dockerd stops its containers but leaves the mount of its network namespace.
  if running dockerd; then had_engine=1; else had_engine=; fi
  stop_all
  [ -z "$had_engine" ] || umount /run/docker/netns/default 2>/dev/null || :
}
stop_all() {
  stop dockerd
  stop containerd
}

status() { docker version >/dev/null 2>&1; }

case ${1:-} in up | down) one_at_a_time "$1" ;; status) status ;; *) usage ;; esac
