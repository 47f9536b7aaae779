# Sourced by the scripts in this folder: background processes with a pid file and a log in $STATE.
HOME_OF_PARTS=${VIOLA_PARTS_HOME:-$HOME/.cache/viola-parts}

fail() {
  echo "$(basename "$0"): $1" >&2
  exit 1
}
started_at() { # PID: start time in ticks since boot, which tells a process from a later one with the same pid
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}
running() { # NAME: true while the process that `start` made lives
  [ -f "$STATE/$1.pid" ] || return 1
  read -r pid since <"$STATE/$1.pid"
  [ -n "$since" ] && [ "$(started_at "$pid")" = "$since" ]
}
one_at_a_time() { # COMMAND: while no other call of a script works on the same $STATE
  mkdir -p "$STATE"
  exec 8>"$STATE/lock"
  flock 8
  "$@"
}
start() { # NAME COMMAND...: in a session of its own, so that it outlives the caller's terminal
  name=$1
  shift
  : >"$STATE/$name.log"
  setsid "$@" >"$STATE/$name.log" 2>&1 </dev/null 8>&- &
  echo "$! $(started_at $!)" >"$STATE/$name.pid"
}
stop() { # NAME: ends what `start` made, and nothing that has taken its pid since
  if running "$1"; then
    kill "$pid" 2>/dev/null || :
    tries=0
    while running "$1" && [ $tries -lt 300 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
  fi
  rm -f "$STATE/$1.pid"
}
listening() { # NAME: prints the HOST:PORT that the process says it listens on, when it has said so
  sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' "$STATE/$1.log" | head -n 1 | grep .
}
wait_for() { # NAME COMMAND...: until the command succeeds, 30 s at most, and while the process lives
  name=$1
  shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    { [ $tries -lt 300 ] && running "$name"; } || fail "$name does not answer; $STATE/$name.log ends with: $(tail -n 3 "$STATE/$name.log" | tr '\n' ' ')"
    sleep 0.1
  done
}
usage() { # prints the comment at the head of the script
  sed -n '/^# /s/^# //p; /^set /q' "$0" >&2
  exit 2
}
