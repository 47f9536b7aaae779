#!/bin/sh
# Kind-like nodes: containers with the names and labels of Kind, each with a real containerd, on a
# separate Docker network.
#   nodes.sh up CLUSTER [WORKERS]   one control plane and WORKERS workers (default 2)
#   nodes.sh down CLUSTER           removes the nodes, their content and the network
# The nodes do not run Kubernetes. Needs a running Docker engine (engine.sh) and the programs of
# install.sh, but no registry and no --privileged.
set -eu
. "$(dirname "$0")/processes.sh"
# The image is rebuilt when this script or the containerd on PATH changes.
IMAGE=viola-parts-node:$(cat "$0" "$(command -v containerd)" | cksum | cut -d ' ' -f 1)

copy_program() { # ROOT PROGRAM: with the libraries that it is linked to
  program=$(command -v "$2") || fail "no $2: run scripts/parts/install.sh first"
  cp -L "$program" "$1/usr/bin/"
  { ldd "$program" 2>/dev/null || :; } | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$1$(dirname "$library")"
    [ -e "$1$library" ] || cp -L "$library" "$1$library"
  done
}
make_image() {
  docker image inspect "$IMAGE" >/dev/null 2>&1 && return
  root=$(mktemp -d)
  for folder in bin usr/bin etc/containerd/certs.d root tmp run var proc sys dev; do mkdir -p "$root/$folder"; done
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "$root/bin/$applet"; done
  for program in containerd containerd-shim-runc-v2 ctr runc; do copy_program "$root" "$program"; done
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  # oom_score_adj and hugetlb are not permitted without --privileged. config_path is that of newer
  # Kind.
  cat >"$root/etc/containerd/config.toml" <<'C'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
C
  # Replaces --privileged of Kind: writable cgroups (one bind mount at a time to avoid EBUSY) and
  # shared mounts.
  cat >"$root/entrypoint" <<'C'
#!/bin/sh
awk '$5 ~ /^\/sys/ {print $5}' /proc/self/mountinfo | while read -r m; do mount -o remount,bind,rw "$m" 2>/dev/null || :; done
mount --make-rshared /
exec containerd --log-level warn
C
  chmod +x "$root/entrypoint"
  tar -C "$root" -c . | docker import -c 'ENTRYPOINT ["/entrypoint"]' -c 'ENV PATH=/usr/bin:/bin' - "$IMAGE" >/dev/null
  rm -rf "$root"
}
start_node() { # NAME ROLE
  docker run -d --name "$1" --hostname "$1" --network "$CLUSTER-net" \
    --label "io.x-k8s.kind.cluster=$CLUSTER" --label "io.x-k8s.kind.role=$2" \
    --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --security-opt systempaths=unconfined --device-cgroup-rule 'a *:* rwm' --cgroupns=private \
    --tmpfs /tmp --tmpfs /run --volume /var "$IMAGE" >/dev/null
}
wait_for_node() { # NAME
  tries=0
  until docker exec "$1" ctr version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "containerd in $1 does not answer: $(docker logs "$1" 2>&1 | tail -n 3 | tr '\n' ' ')"
    sleep 0.1
  done
}

up() {
  [ -z "$(docker ps -aq --filter "label=io.x-k8s.kind.cluster=$CLUSTER")" ] || fail "there is a cluster $CLUSTER already"
  make_image
  # after-run.sh removes the cluster if a test run is killed.
  [ -z "${VIOLA_RUN:-}" ] || echo "$CLUSTER" >>"$VIOLA_RUN/clusters"
  docker network create "$CLUSTER-net" >/dev/null
  nodes=$CLUSTER-control-plane
  start_node "$CLUSTER-control-plane" control-plane
  for number in $(seq "${1:-2}"); do
    node=$CLUSTER-worker$([ "$number" = 1 ] || echo "$number")
    start_node "$node" worker
    nodes="$nodes $node"
  done
  for node in $nodes; do wait_for_node "$node"; done
}
down() {
  docker ps -aq --filter "label=io.x-k8s.kind.cluster=$CLUSTER" | xargs -r docker rm -f -v >/dev/null
  docker network rm "$CLUSTER-net" >/dev/null 2>&1 || :
}

[ $# -ge 2 ] || usage
command=$1 CLUSTER=$2
shift 2
case $command in up | down) "$command" "$@" ;; *) usage ;; esac
