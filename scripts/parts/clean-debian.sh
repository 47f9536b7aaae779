#!/bin/sh
# Runs the first command of the README in a clean Debian 12 with only Node and npm, and prints the
# time that it took in seconds.
#   clean-debian.sh     exit code 0 if the command succeeds and prints the audit of its bundle
# debootstrap creates the system once, in $VIOLA_PARTS_HOME/debian-12 (default
# ~/.cache/viola-parts/debian-12). The command writes to a folder that is removed afterwards. It gets
# a clone of the committed files, Node and npm of this machine, and the npm settings (npmrc files and
# npm_config_…), which are mounted and not copied. Needs root, git and debootstrap (install.sh).
set -eu
. "$(dirname "$0")/processes.sh"
REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd)
ROOT=$HOME_OF_PARTS/debian-12

make_root() {
  [ -e "$ROOT/etc/debian_version" ] && return
  command -v debootstrap >/dev/null || fail "no debootstrap: run scripts/parts/install.sh first"
  mkdir -p "$HOME_OF_PARTS"
  fresh=$(mktemp -d "$ROOT.XXXXXX")
  debootstrap --variant=minbase bookworm "$fresh" >"$HOME_OF_PARTS/debootstrap.log" 2>&1 ||
    fail "debootstrap: $(tail -n 3 "$HOME_OF_PARTS/debootstrap.log" | tr '\n' ' ')"
  chmod 755 "$fresh"
  mv "$fresh" "$ROOT"
}

# Run the rest of the script in its own mount namespace, so that nothing stays mounted.
if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || fail "needs root"
  make_root
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  git clone -q --no-hardlinks "$REPOSITORY" "$home/viola-airgap"
  unshare --mount --pid --fork "$0" inside "$home"
  exit
fi

home=$2
lend() { # FILE PLACE: shows a file or folder of this machine at a place in the clean system
  if [ -d "$1" ]; then mkdir -p "$ROOT$2"; else mkdir -p "$ROOT$(dirname "$2")" && touch "$ROOT$2"; fi
  mount --rbind "$1" "$ROOT$2"
}
mount --make-rprivate /
lend "$home" /root
mount -t tmpfs tmpfs "$ROOT/tmp"
mount -t tmpfs tmpfs "$ROOT/opt"
mount -t proc proc "$ROOT/proc"
lend /dev /dev
lend /etc/resolv.conf /etc/resolv.conf
lend /etc/hosts /etc/hosts
lend "$(node -p process.execPath)" /opt/bin/node
lend "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" /opt/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$ROOT/opt/bin/npm"
set -- HOME=/root PATH=/opt/bin:/usr/bin:/bin
for level in user global; do
  file=$(npm config get ${level}config)
  [ -f "$file" ] || continue
  lend "$file" "/opt/npmrc/$level"
  set -- "$@" "npm_config_${level}config=/opt/npmrc/$level"
done
if [ -f "${NODE_EXTRA_CA_CERTS:-}" ]; then
  lend "$NODE_EXTRA_CA_CERTS" /opt/npmrc/ca.pem
  set -- "$@" NODE_EXTRA_CA_CERTS=/opt/npmrc/ca.pem
fi
for name in npm_config_registry http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  value=$(printenv "$name" || :)
  [ -z "$value" ] || set -- "$@" "$name=$value"
done

command=$(sed -n '/^```sh$/,/^```$/p' "$REPOSITORY/README.md" | sed -n 2p)
echo "clean-debian.sh: Debian $(cat "$ROOT/etc/debian_version") with node $(node -v): $command"
started=$(date +%s)
chroot "$ROOT" /usr/bin/env -i "$@" sh -c "cd && cd viola-airgap && $command" >"$home/output" 2>&1 && code=0 || code=$?
took=$(($(date +%s) - started))
sed -n '/^COMPONENT .*PLATFORMS/,$p' "$home/output"
grep -q '^COMPONENT .*PLATFORMS' "$home/output" || code=1
if [ "$code" != 0 ]; then
  cat "$home/output"
  fail "the command ended with $code after $took s"
fi
echo "clean-debian.sh: ended well after $took s"
