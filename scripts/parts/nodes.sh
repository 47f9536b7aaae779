#!/bin/sh
# Kind-like nodes: containers named and labelled as Kind does it, a real containerd in each, on a Docker network of their own.
#   nodes.sh up CLUSTER [WORKERS]   one control plane and WORKERS workers (default 2) on the network CLUSTER-net; about 2 s
#   nodes.sh down CLUSTER           takes them, their content and the network away
# No Kubernetes inside. Needs a running Docker engine (engine.sh) and what install.sh installs; no registry, no --privileged.
set -eu
. "$(dirname "$0")/processes.sh"
# The image is made again when this script changes, or the containerd on PATH: another one there makes nodes of another version.
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
  # oom_score_adj and hugetlb: what a container without --privileged is not allowed. config_path: as newer Kind has it.
  cat >"$root/etc/containerd/config.toml" <<'C'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
C
  # What Kind's entrypoint gets from --privileged: writable cgroups (one bind mount at a time, or the kernel says EBUSY), shared mounts.
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
  # For after-run.sh, when a test run is killed.
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
