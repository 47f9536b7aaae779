#!/bin/sh
# Three real registries on 127.0.0.1 over one storage folder, so that what is pushed through one door is behind all of them.
#   registries.sh up      plain HTTP, open; TLS with a password; bearer tokens (public/… anyone may pull, the rest wants the password)
#   registries.sh down    ends them; what was pushed stays
#   registries.sh status  exit code 0 when all of them run
#   registries.sh wipe    as down, and what was pushed goes
# Addresses, CA file and password: $VIOLA_PARTS_HOME/registries/registries.env (default ~/.cache/viola-parts), read by tests and benchmark.
# Ports: VIOLA_PLAIN_PORT, VIOLA_TLS_PORT, VIOLA_BEARER_PORT, VIOLA_TOKEN_PORT. Needs docker-registry, htpasswd, openssl, curl, node.
set -eu
. "$(dirname "$0")/processes.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
STATE=$HOME_OF_PARTS/registries
PLAIN=127.0.0.1:${VIOLA_PLAIN_PORT:-5001}
TLS=127.0.0.1:${VIOLA_TLS_PORT:-5002}
BEARER=127.0.0.1:${VIOLA_BEARER_PORT:-5003}
TOKENS=127.0.0.1:${VIOLA_TOKEN_PORT:-5004}
VIOLA_USER=viola
DOORS='tokens plain tls bearer'

certificate() { # NAME COMMON_NAME: a CA that signs NAME for 127.0.0.1 and localhost
  [ -f ca.crt ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=viola-parts-ca -keyout ca.key -out ca.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  [ -f "$1.crt" ] && return
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
  echo 'subjectAltName=IP:127.0.0.1,DNS:localhost' >extensions
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile extensions -out "$1.crt"
}
configuration() { # ADDRESS: standard input has what differs
  printf 'version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\nstorage:\n  filesystem: {rootdirectory: %s/storage}\n' "$STATE"
  printf '  delete: {enabled: true}\nhttp:\n  addr: %s\n' "$1"
  cat
}
up() {
  status || down
  for program in docker-registry htpasswd openssl; do
    command -v $program >/dev/null || fail "no $program: run scripts/parts/install.sh first"
  done
  mkdir -p "$STATE/storage"
  cd "$STATE"
  { certificate server 127.0.0.1 && certificate signer viola-parts-tokens; } 2>openssl.log || fail "$(tail -n 1 openssl.log)"
  [ -f password ] || openssl rand -hex 12 >password
  password=$(cat password)
  htpasswd -Bbn -C 4 $VIOLA_USER "$password" >htpasswd 2>/dev/null
  configuration "$PLAIN" </dev/null >plain.yml
  configuration "$TLS" >tls.yml <<C
  tls: {certificate: $STATE/server.crt, key: $STATE/server.key}
auth: {htpasswd: {realm: viola-parts, path: $STATE/htpasswd}}
C
  configuration "$BEARER" >bearer.yml <<C
auth: {token: {realm: "http://$TOKENS/token", service: "$BEARER", issuer: viola-parts, rootcertbundle: $STATE/signer.crt}}
C
  cat >registries.env <<C
VIOLA_PLAIN_REGISTRY=$PLAIN
VIOLA_TLS_REGISTRY=$TLS
VIOLA_BEARER_REGISTRY=$BEARER
VIOLA_REGISTRY_CA=$STATE/ca.crt
VIOLA_REGISTRY_USER=$VIOLA_USER
VIOLA_REGISTRY_PASSWORD=$password
C
  chmod 600 ./*.key password registries.env
  for door in plain tls bearer; do running $door || start $door docker-registry serve $door.yml; done
  cd "$HERE"
  running tokens || start tokens node --import tsx token-server.ts --port "${TOKENS#*:}" \
    --certificate "$STATE/signer.crt" --key "$STATE/signer.key" --user $VIOLA_USER --password "$password"
  wait_for plain curl -sf "http://$PLAIN/v2/"
  wait_for tls curl -sf --cacert "$STATE/ca.crt" -u "$VIOLA_USER:$password" "https://$TLS/v2/"
  wait_for bearer curl -s "http://$BEARER/v2/"
  wait_for tokens curl -sf "http://$TOKENS/token"
  for door in $DOORS; do running $door || fail "$door: its port was taken by another program; see $STATE/$door.log"; done
}
status() { for door in $DOORS; do running $door || return 1; done; }
down() { for door in $DOORS; do stop $door; done; }
wipe() {
  down
  rm -rf "$STATE/storage"
}

case ${1:-} in up | down | status | wipe) "$1" ;; *) usage ;; esac
