#!/bin/sh
# Three real registries on 127.0.0.1 with one storage folder, so that they have the same content.
#   registries.sh up      starts plain HTTP without login; TLS with a password; and bearer tokens,
#                         where pulling from public/… needs no password
#   registries.sh down    stops them and keeps the pushed content
#   registries.sh status  exit code 0 if all of them run
#   registries.sh wipe    stops them and removes the pushed content
# Addresses, CA file and password are in $VIOLA_PARTS_HOME/registries/registries.env (default
# ~/.cache/viola-parts) for tests and benchmarks. Every `up` takes new free ports, unless
# VIOLA_PLAIN_PORT, VIOLA_TLS_PORT, VIOLA_BEARER_PORT and VIOLA_TOKEN_PORT are set.
# Needs docker-registry, htpasswd, openssl, curl and node.
set -eu
. "$(dirname "$0")/processes.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
STATE=$HOME_OF_PARTS/registries
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
configuration() { # PORT: standard input has what differs
  printf 'version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage:\n  filesystem: {rootdirectory: %s/storage}\n' "$STATE"
  printf '  delete: {enabled: true}\nhttp:\n  addr: 127.0.0.1:%s\n' "${1:-0}"
  cat
}
up() {
  status && return
  down
  for program in docker-registry htpasswd openssl; do
    command -v $program >/dev/null || fail "no $program: run scripts/parts/install.sh first"
  done
  mkdir -p "$STATE/storage"
  cd "$STATE"
  { certificate server 127.0.0.1 && certificate signer viola-parts-tokens; } 2>openssl.log || fail "$(tail -n 1 openssl.log)"
  [ -f password ] || openssl rand -hex 12 >password
  password=$(cat password)
  htpasswd -Bbn -C 4 $VIOLA_USER "$password" >htpasswd 2>/dev/null
  (cd "$HERE" && start tokens node --import tsx token-server.ts --port "${VIOLA_TOKEN_PORT:-0}" \
    --certificate "$STATE/signer.crt" --key "$STATE/signer.key" --user $VIOLA_USER --password "$password")
  wait_for tokens listening tokens
  tokens=$(listening tokens)
  configuration "${VIOLA_PLAIN_PORT:-}" </dev/null >plain.yml
  configuration "${VIOLA_TLS_PORT:-}" >tls.yml <<C
  tls: {certificate: $STATE/server.crt, key: $STATE/server.key}
auth: {htpasswd: {realm: viola-parts, path: $STATE/htpasswd}}
C
  configuration "${VIOLA_BEARER_PORT:-}" >bearer.yml <<C
auth: {token: {realm: "http://$tokens/token", service: viola-parts, issuer: viola-parts, rootcertbundle: $STATE/signer.crt}}
C
  for door in plain tls bearer; do start $door docker-registry serve $door.yml; done
  for door in plain tls bearer; do wait_for $door listening $door; done
  cat >registries.env.new <<C
VIOLA_PLAIN_REGISTRY=$(listening plain)
VIOLA_TLS_REGISTRY=$(listening tls)
VIOLA_BEARER_REGISTRY=$(listening bearer)
VIOLA_REGISTRY_CA=$STATE/ca.crt
VIOLA_REGISTRY_USER=$VIOLA_USER
VIOLA_REGISTRY_PASSWORD=$password
C
  chmod 600 ./*.key password registries.env.new
  mv registries.env.new registries.env
  wait_for plain curl -sf "http://$(listening plain)/v2/"
  wait_for tls curl -sf --cacert "$STATE/ca.crt" -u "$VIOLA_USER:$password" "https://$(listening tls)/v2/"
  wait_for bearer curl -s "http://$(listening bearer)/v2/"
  wait_for tokens curl -sf "http://$tokens/token"
}
status() { for door in $DOORS; do running $door || return 1; done; }
down() { for door in $DOORS; do stop $door; done; }
wipe() {
  down
  rm -rf "$STATE/storage"
}

case ${1:-} in up | down | wipe) one_at_a_time "$1" ;; status) status ;; *) usage ;; esac
