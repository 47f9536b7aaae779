#!/bin/sh
# Installs the programs that the test environment needs and Debian 12 lacks, with apt-get. Prints
# nothing if all exist.
#   install.sh
# Checks for programs instead of packages, so that a Docker from another source is kept. Node and
# npm must exist.
set -eu
PROGRAMS='
containerd containerd
runc runc
dockerd docker.io
docker docker.io
busybox busybox-static
skopeo skopeo
podman podman
docker-registry docker-registry
debootstrap debootstrap
htpasswd apache2-utils
openssl openssl
curl curl
jq jq
iptables iptables
conntrack conntrack
etcd etcd-server
xz xz-utils
bsdtar libarchive-tools
original-awk original-awk
shasum perl
time time
chromium chromium
fish fish
zsh zsh
setsid util-linux
ldd libc-bin
'
PATH=$PATH:/usr/sbin:/sbin

missing=$(echo "$PROGRAMS" | while read -r program package; do
  [ -z "$program" ] || command -v "$program" >/dev/null || echo "$package"
done)
[ -d /usr/lib/cni ] || missing="$missing containernetworking-plugins"
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
missing=$(echo $missing)
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "install.sh: needs root on Debian to install: $missing" >&2
  exit 1
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
echo "install.sh: installing $missing" >&2
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  exit 1
fi
rm -f "$log"
