#!/bin/sh
# Waits for a test run to end for any reason, and removes what the run left behind.
#   after-run.sh FOLDER <PIPE   FOLDER is the folder of the run, which keeps PIPE open
# The pipe closes when the run ends or is killed. Then this script ends the processes of the run
# (they have FOLDER in their environment), removes the clusters in FOLDER/clusters, stops the parts
# in FOLDER/parts, and removes FOLDER. Nothing that the run did not create is changed.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
RUN=$1

processes_of_run() {
  grep -lszF "=$RUN" /proc/[0-9]*/environ | cut -d / -f 3
}
signal_run() { # SIGNAL: true when there is a process to send it to
  found=$(processes_of_run)
  [ -n "$found" ] && kill "-$1" $found 2>/dev/null
}
noted() { # NAME: the lines of FOLDER/NAME, the last one first
  [ ! -f "$RUN/$1" ] || sed '1!G;h;$!d' "$RUN/$1"
}

# A signal that ends the run does not end this script.
trap '' HUP INT TERM
cat >/dev/null

if signal_run TERM; then
  tries=0
  while [ -n "$(processes_of_run)" ] && [ $tries -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  signal_run KILL
fi
for cluster in $(noted clusters); do
  "$HERE/nodes.sh" down "$cluster"
  rm -rf "${KUBE_HOME:-$HOME/.cache/viola-kube}/$cluster"
done
for part in $(noted parts); do "$HERE/$part.sh" down; done
# Unmount what a killed containerd left mounted.
awk '{ print $2 }' /proc/mounts 2>/dev/null | grep "^$RUN/" | sort -r | while read -r mount; do umount -l "$mount"; done
rm -rf "$RUN"
