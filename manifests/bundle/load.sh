#!/bin/sh
# Loads a viola-airgap bundle and installs its releases, on a host without viola-airgap.
# Needs a POSIX sh, awk, dd, and docker, ctr or k3s.
#   tar -xf BUNDLE load.sh && sh load.sh BUNDLE --help
#
# Only charts and values are extracted. Missing images are streamed as ranges of the file into
# `ctr images import`.
# Nothing in a bundle is evaluated. The script reads only the entry `facts`, whose lines must all
# match a grammar before one is used. Values are always quoted.
# Disable pathname expansion, so that words of a bundle are never patterns.
set -uf
locale=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}
LC_ALL=C
export LC_ALL
umask 077

usage() {
  [ "$lang" != ko ] || { usage_in_korean; return; }
  cat <<'U'
usage: sh load.sh BUNDLE [--base FILE]... [--to TARGET] [--list | --check | --install [OPTIONS]]
  --base FILE       base of a differential bundle, and the bases of that base; may be left out if the target has the rest
  --to TARGET       kind[:CLUSTER], k3s, containerd[:SOCKET] or docker (default: the first of these that this host has);
                    kind-node-image: load only the bundle's image of Kind nodes into docker, for `kind create cluster --image`
  --list            list the image names of the bundle, one a line; on a terminal, with their compressed sizes
  --check           report what is wrong or missing, and load nothing
  --key FILE        refuse a bundle that is not signed with this Ed25519 public key (PEM); may be repeated (default:
                    VIOLA_AIRGAP_KEY, a file or PEM text). Needs openssl 3.0 or newer
  --install         then install the releases with helm, and wait until every Pod is ready
  --context NAME, --kubeconfig FILE    the cluster to install into (default: that of kind:CLUSTER, or the current context)
  -f FILE, --set KEY=VALUE             values that override those of the bundle; may be repeated
  --allow-missing IMAGE                install even if this image is missing on the nodes; may be repeated
  --timeout TIME    time limit of the hooks, and then of the Pods: 90s, 10m, 1h (default 10m)
  --lang en|ko      language of the messages (default: that of the locale)
Uses viola-airgap if it is on PATH, or if it is in the bundle and Node.js can run it. VIOLA_SH_ONLY=1 prevents that.
Exit codes: 0 done, 1 negative result, 2 could not run, 130 interrupted.
U
}
usage_in_korean() {
  cat <<'U'
사용법: sh load.sh BUNDLE [--base FILE]... [--to TARGET] [--list | --check | --install [OPTIONS]]
  --base FILE       차등 번들의 기준 번들과 그 기준 번들의 기준 번들 (대상에 나머지가 있으면 생략 가능)
  --to TARGET       kind[:CLUSTER], k3s, containerd[:SOCKET], docker 중 하나 (기본값: 이 호스트에 있는 첫 번째 대상)
                    kind-node-image: 번들에 있는 Kind 노드 이미지만 docker에 로드 (`kind create cluster --image`에 사용)
  --list            번들의 이미지 이름을 한 줄에 하나씩 출력 (터미널에서는 압축 크기도 출력)
  --check           잘못되었거나 빠진 것을 보고하고 아무것도 로드하지 않음
  --key FILE        이 Ed25519 공개 키(PEM)로 서명되지 않은 번들을 거부 (반복 가능, 기본값: 파일 또는 PEM 텍스트인
                    VIOLA_AIRGAP_KEY). openssl 3.0 이상 필요
  --install         로드한 다음 helm으로 릴리스를 설치하고 모든 Pod가 준비될 때까지 대기
  --context NAME, --kubeconfig FILE    설치할 클러스터 (기본값: kind:CLUSTER의 클러스터 또는 현재 컨텍스트)
  -f FILE, --set KEY=VALUE             번들의 values를 재정의하는 값 (반복 가능)
  --allow-missing IMAGE                노드에 이 이미지가 없어도 설치 (반복 가능)
  --timeout TIME    훅의 제한 시간이자 Pod의 제한 시간: 90s, 10m, 1h (기본값 10m)
  --lang en|ko      메시지 언어 (기본값: 로캘의 언어)
PATH에 viola-airgap이 있거나, 번들에 있고 Node.js로 실행할 수 있으면 viola-airgap을 사용합니다. VIOLA_SH_ONLY=1로 막을 수 있습니다.
종료 코드: 0 완료, 1 부정적인 결과, 2 실행할 수 없음, 130 중단됨.
U
}

# --- messages: English in the code, other languages in tables ---

# A message is a text with placeholders, {1} to {9}, and the values for them. `coded` prints it as a
# line, and `translate` turns such lines into texts. Both languages are UTF-8.
lang=en
case $locale in ko.[Uu][Tt][Ff]* | ko_*.[Uu][Tt][Ff]*) lang=ko ;; esac

# Pairs of lines: the text in the code, and the Korean one. test/unit/load-sh-words.test.ts checks that
# every text has one with the same placeholders.
korean() {
  cat <<'K'
error: {1}
오류: {1}
interrupted
중단됨
no sha256sum, shasum or openssl on this host
이 호스트에 sha256sum, shasum, openssl이 모두 없습니다
{1} does not exist or cannot be read
{1} 파일이 없거나 읽을 수 없습니다
--key requires openssl, which is not on this host
--key 옵션에 필요한 openssl이 이 호스트에 없습니다
--key requires OpenSSL 3.0 or newer, but this host has {1}
--key 옵션에는 OpenSSL 3.0 이상이 필요하지만, 이 호스트의 버전은 다음과 같습니다: {1}
{1} is not an Ed25519 public key in PEM
{1}은(는) PEM 형식의 Ed25519 공개 키가 아닙니다
{1} is not signed, but --key requires a signature
--key 옵션을 사용하려면 서명이 필요하지만 {1} 번들에는 서명이 없습니다
{1} is not signed with the given key, or was changed after it was signed
{1} 번들이 지정한 키로 서명되지 않았거나 서명된 후에 변경되었습니다
{1} is not a viola-airgap bundle
{1} 파일은 viola-airgap 번들이 아닙니다
{1} has no facts; use the script in the bundle: tar -xf {1} load.sh
{1} 번들에 facts가 없습니다. 번들에 들어 있는 스크립트를 사용하세요: tar -xf {1} load.sh
{1} is damaged: the header of {2}
{1} 번들이 손상되었습니다: {2} 헤더
{1} is damaged: bundle.json does not have the checksum of its facts
{1} 번들이 손상되었습니다: bundle.json에 facts의 체크섬이 없습니다
{1} has facts of another version; use the script in the bundle: tar -xf {1} load.sh
{1} 번들의 facts 버전이 다릅니다. 번들에 들어 있는 스크립트를 사용하세요: tar -xf {1} load.sh
{1} is damaged: its facts have an invalid line {2}
{1} 번들이 손상되었습니다: facts의 {2}번째 줄이 잘못되었습니다
{1} has {2} bytes, but should have {3}; copy it again
{1} 번들의 크기가 {2}바이트이지만 {3}바이트여야 합니다. 파일을 다시 복사하세요
{1} is {2}; {3}
{1} 파일은 {2}입니다. {3}
the base wanted is {1}
필요한 기준 번들: {1}
{1} needs no other base
{1} 번들에는 다른 기준 번들이 필요하지 않습니다
{1} is not in {2} but in its base {3}: add --base FILE
{1} 파일은 {2} 번들이 아니라 기준 번들 {3}에 있습니다. --base FILE 옵션을 추가하세요
{1}: {2} ({3}) of it are neither in {4} nor on {5}; base {6} has them: add --base FILE
{1}: 블롭 {2}개({3})가 {4} 번들에도 다음 위치에도 없습니다: {5}. 기준 번들 {6}에 있으므로 --base FILE 옵션을 추가하세요
{1} is damaged: its sha256 is not {2}
{1} 파일이 손상되었습니다: sha256이 {2} 값과 다릅니다
verifying {1} of images
이미지 {1}를 검증하는 중
{1} is missing: it is part {2} of {3}
{1} 파일이 없습니다. 전체 {3}개 중 {2}번째 파트입니다
{1} is not part {2} of this bundle; copy this part again
{1} 파일은 이 번들의 {2}번째 파트가 아닙니다. 이 파트를 다시 복사하세요
{1} is damaged; copy this part again
{1} 파일이 손상되었습니다. 이 파트를 다시 복사하세요
{1} is damaged; it is part of {2}
{1} 블롭이 손상되었습니다. 이 블롭을 사용하는 이미지: {2}
verified {1} % of {2}
{2} 중 {1} % 검증함
{1} has no {2}
{1} 번들에 {2} 파일이 없습니다
note: viola-airgap is in the bundle, but this host has no Node.js 20.18 or newer; continuing without it
참고: 번들에 viola-airgap이 있지만 이 호스트에 Node.js 20.18 이상이 없습니다. viola-airgap 없이 계속합니다
note: viola-airgap cannot reach {1}; continuing without it
참고: viola-airgap이 {1} 대상에 연결할 수 없습니다. viola-airgap 없이 계속합니다
running viola-airgap
viola-airgap을 실행하는 중
note: {1} does not respond
참고: {1} 엔진이 응답하지 않습니다
no target on this host: docker, nerdctl and podman do not respond, and neither k3s nor ctr with a running containerd was found
이 호스트에 로드할 대상이 없습니다: docker, nerdctl, podman이 응답하지 않고, k3s도 containerd가 실행 중인 ctr도 찾을 수 없습니다
no docker, nerdctl or podman responds: is it running, and do you have access to it?
docker, nerdctl, podman이 모두 응답하지 않습니다. 실행 중인지, 접근 권한이 있는지 확인하세요
no Kind cluster "{1}" in {2}; there are: {3}; name it with --to kind:CLUSTER
{2}에 Kind 클러스터 "{1}"이(가) 없습니다. 현재 클러스터: {3}. --to kind:CLUSTER로 이름을 지정하세요
node {1} is paused: {2} unpause {1}
{1} 노드가 일시 중지되었습니다: {2} unpause {1}
node {1} is not running ({2}): {3} start {1}
{1} 노드가 실행 중이 아닙니다({2}): {3} start {1}
no {1} on PATH
PATH에 {1} 프로그램이 없습니다
"{1}" is not a target of this script
"{1}"은(는) 이 스크립트가 지원하는 대상이 아닙니다
{1}: content cannot be protected from garbage collection: {2}
{1}: 콘텐츠를 가비지 수집으로부터 보호할 수 없습니다: {2}
{1} does not respond: {2}
{1} 노드가 응답하지 않습니다: {2}
{1} runs {2}, and the bundle (built for {3}) has no content for it of {4}
{1} 노드의 플랫폼은 {2}이지만, 번들({3}용으로 빌드됨)에 다음 이미지의 해당 플랫폼 콘텐츠가 없습니다: {4}
 and {1} more
 외 {1}개
not enough disk space for {1}: {2} MB are needed and {3} MB are free
{1} 노드의 디스크 공간이 부족합니다: {2} MB가 필요하지만 {3} MB만 남아 있습니다
{3}: sent {1} % of {2}
{3}: {2} 중 {1} % 전송함
{1}: sending {2} for {3} image names
{1}: 이미지 이름 {3}개의 콘텐츠 {2}를 전송하는 중
no message
메시지 없음
{1}: the import failed: {2}
{1}: 임포트하지 못했습니다: {2}
{1}: {2} is not complete after loading{3}
{1}: 로드한 후에도 {2} 이미지가 완전하지 않습니다{3}
{1}: images cannot be pinned: {2}
{1}: 이미지를 고정(pin)할 수 없습니다: {2}
some images were not loaded; run the command again, which does not send complete images twice
일부 이미지를 로드하지 못했습니다. 명령을 다시 실행하세요. 완전한 이미지는 다시 전송하지 않습니다
{1}: images cannot be labelled: {2}
{1}: 이미지에 레이블을 지정할 수 없습니다: {2}
all images are loaded, but some could not be labelled
모든 이미지를 로드했지만 일부 이미지에 레이블을 지정하지 못했습니다
{1} is required for --install, but is neither on PATH nor in the bundle
--install 옵션에 필요한 {1} 프로그램이 PATH에도 번들에도 없습니다
 of context {1}
({1} 컨텍스트)
the cluster{1} is not reachable: {2}
클러스터{1}에 연결할 수 없습니다: {2}
the cluster{1} has nodes that are not of Kind cluster {2}: {3}
클러스터{1}에 Kind 클러스터 {2}에 속하지 않은 노드가 있습니다: {3}
note: the cluster has other nodes, and the images must be loaded on each of them: {1}
참고: 클러스터에 다른 노드가 있으며, 각 노드에 이미지를 로드해야 합니다: {1}
namespace {1} is being deleted: wait for the deletion (kubectl wait --for=delete namespace/{1}); the status of the namespace shows what blocks it
{1} 네임스페이스가 삭제되는 중입니다. 삭제가 끝날 때까지 기다리세요(kubectl wait --for=delete namespace/{1}). 삭제를 막는 원인은 네임스페이스의 status에 있습니다
the bundle was built without the values of release {1}: pass them with -f FILE
번들이 {1} 릴리스의 values 없이 빌드되었습니다. -f FILE로 전달하세요
checking the releases
릴리스를 점검하는 중
release {1} does not render: {2}
{1} 릴리스를 렌더링할 수 없습니다: {2}
image {1} is not on {2}, and the spec excludes it: load it onto the nodes, or add --allow-missing {1} if no Pod uses it
{1} 이미지는 스펙에서 제외되었고 다음 노드에 없습니다: {2}. 노드에 로드하거나, 사용하는 Pod가 없으면 --allow-missing {1} 옵션을 추가하세요
the cluster has the AlwaysPullImages admission controller: it pulls every image from a registry, even if the nodes have it; remove it from --enable-admission-plugins of the API server
클러스터에 AlwaysPullImages 어드미션 컨트롤러가 있습니다. 노드에 이미지가 있어도 모든 이미지를 레지스트리에서 풀(pull)하므로 API 서버의 --enable-admission-plugins에서 제거하세요
note: could not determine whether the cluster always pulls images: it rejected a dry-run Pod
참고: 클러스터가 항상 이미지를 풀(pull)하는지 확인할 수 없습니다. 클러스터가 dry-run Pod를 거부했습니다
refused before anything was applied
설치를 거부했습니다. 클러스터에 적용된 것은 없습니다
{1}: imagePullPolicy is Always, so the node would pull from a registry; set it to IfNotPresent with -f or --set
{1}: imagePullPolicy가 Always이므로 노드가 레지스트리에서 풀(pull)하게 됩니다. -f 또는 --set으로 IfNotPresent로 설정하세요
image {1} is not in the bundle (used by {2}): install with the values that the bundle was built for
{1} 이미지가 번들에 없습니다(사용하는 오브젝트: {2}). 번들을 빌드할 때 사용한 values로 설치하세요
{1}: {2} has no pull policy, so the node would pull from a registry; set it to IfNotPresent with -f or --set
{1}: {2} 이미지에 풀(pull) 정책이 없으므로 노드가 레지스트리에서 풀(pull)하게 됩니다. -f 또는 --set으로 IfNotPresent로 설정하세요
installing release {1} into namespace {2}
{1} 릴리스를 {2} 네임스페이스에 설치하는 중
release {1} was not installed: {2}
{1} 릴리스를 설치하지 못했습니다: {2}
  what to do: if no other helm is running, an interrupted one left this state. Run helm rollback {1} -n {2} (helm uninstall after a first installation), and run the same command again
  조치: 실행 중인 다른 helm이 없다면 중단된 helm이 남긴 상태입니다. helm rollback {1} -n {2} 명령(첫 설치였다면 helm uninstall)을 실행한 다음 같은 명령을 다시 실행하세요
  what to do: check kubectl get pods,events -n {1}, and run the same command again
  조치: kubectl get pods,events -n {1} 명령으로 확인한 다음 같은 명령을 다시 실행하세요
{1} of {2} Pods ready
Pod {2}개 중 {1}개 준비됨
{1}, {2} workloads are incomplete
{1}, 준비되지 않은 워크로드 {2}개
{1}: installed; {2}
{1}: 설치됨, {2}
some Pods were not ready after {1}:
{1} 안에 준비되지 않은 Pod가 있습니다:
Pod {1} is {2}{3}
Pod {1} 상태: {2}{3}
{1} has {2} of {3} Pods ready
{1}: Pod {3}개 중 {2}개 준비됨
{1} needs a value
{1} 옵션에 값이 필요합니다
"{1}" is not an image reference
"{1}"은(는) 이미지 참조가 아닙니다
"{1}" is not a language of this script: en or ko
"{1}"은(는) 이 스크립트가 지원하는 언어가 아닙니다: en 또는 ko
unknown option {1}
알 수 없는 옵션: {1}
only one bundle is allowed, but got {1} and {2}
번들은 하나만 지정할 수 있습니다: {1}, {2}
"{1}" is not a duration: use 90s, 10m or 1h
"{1}"은(는) 시간 형식이 아닙니다: 90s, 10m, 1h처럼 지정하세요
{1} has no image of Kind nodes: build it with --with kind-node-image=REFERENCE
{1} 번들에 Kind 노드 이미지가 없습니다: --with kind-node-image=REFERENCE 옵션으로 빌드하세요
{1} into {2}
{1} 번들을 {2} 대상에 로드
{1} ({2}): {3} of {4} image names missing, {5} to send
{1} ({2}): 이미지 이름 {4}개 중 {3}개 없음, 전송할 크기 {5}
the bundle cannot be loaded
번들을 로드할 수 없습니다
nothing was loaded
아무것도 로드하지 않았습니다
note: {1} does not keep digests of loaded images: {2} names with @sha256 do not resolve there
참고: {1} 엔진은 로드한 이미지의 다이제스트를 유지하지 않으므로 @sha256이 있는 이름 {2}개를 찾을 수 없습니다
all {1} image names resolve and are complete on {2}
이미지 이름 {1}개가 모두 다음 위치에서 확인되며 완전합니다: {2}
all {1} image names resolve and are complete on {2}; nothing was sent
이미지 이름 {1}개가 모두 다음 위치에서 확인되며 완전합니다: {2}. 전송한 것은 없습니다
K
}
coded() { # TEXT VALUES...
  printf %s "$1"
  shift
  [ $# -eq 0 ] || printf '\001%s' "$@"
  echo
}
# Control characters in values, which may be names in a chart or answers of a cluster, are replaced.
translate() {
  {
    [ "$lang" != ko ] || korean
    echo
    cat
  } | awk '
    !is_message { if ($0 == "") is_message = 1; else { english = $0; getline; words[english] = $0 }; next }
    {
      count = split($0, field, "\001")
      text = field[1] in words ? words[field[1]] : field[1]
      line = ""
      while (match(text, /[{][1-9][}]/)) {
        line = line substr(text, 1, RSTART - 1) field[substr(text, RSTART + 1, 1) + 1]
        text = substr(text, RSTART + 3)
      }
      line = line text
      gsub("[\001-\010\012-\037\177]", "?", line)
      print line
    }
  '
}
text() { coded "$@" | translate; }
say() { text "$@" >&2; }
error() { say 'error: {1}' "$(text "$@")"; }
die() {
  error "$@"
  exit 2
}
has() { command -v "$1" >/dev/null 2>&1; }

# All problems are reported together: `wrong` collects them, and `exit_if_wrong` exits.
wrong() { coded "$@" >>"$tmp/wrong"; }
exit_if_wrong() { # EXIT-CODE HEADING
  [ -s "$tmp/wrong" ] || return 0
  error '{1}:' "$(text "$2")"
  translate <"$tmp/wrong" | sed 's/^/  - /' >&2
  exit "$1"
}

# --- interruption: ends background jobs, cleans up nodes, removes the temporary folder ---

tmp=
pids=
held=
clean_up() {
  for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
  for pid in $pids; do wait "$pid" 2>/dev/null; done
  release
  [ -z "$tmp" ] || rm -rf "$tmp"
}
interrupted() {
  trap '' INT TERM HUP
  say 'interrupted'
  exit 130
}
trap clean_up EXIT
trap interrupted INT TERM HUP

# Waits for a command so that a signal ends the wait at once: a shell runs no trap while a command
# is in the foreground.
in_background() { # COMMAND...
  "$@" &
  pids=$!
  wait "$pids"
  in_background_code=$?
  pids=
  return "$in_background_code"
}

# --- the bundle file, in blocks of 512 bytes ---

# Prints blocks of a file. The first dd seeks to the block before, and the others read on from there.
file_blocks() { # FILE FIRST COUNT
  {
    [ "$2" -eq 0 ] || dd bs=512 skip="$(($2 - 1))" count=1 >/dev/null
    [ "$3" -lt 2048 ] || dd bs=1048576 count="$(($3 / 2048))"
    [ "$(($3 % 2048))" -eq 0 ] || dd bs=512 count="$(($3 % 2048))"
  } <"$1" 2>/dev/null
}

# A bundle may be in parts: each is a file with a header of two blocks and, except for the last one, the
# same number of blocks of the bundle. The name of any of them stands for the bundle.
part_file() { printf '%s.%03d' "$whole" "$1"; } # NUMBER
part_field() { # FILE NAME: prints the fields after it in the header of the part
  head -c 1024 "$1" | tr -d '\000' | awk -v name="$2" '$1 == name { sub(/^[^ ]* /, ""); print; exit }'
}

# Reports every part that is missing, damaged in its header, of another bundle, or of a wrong size.
# Keeps the number and sizes of the parts.
find_parts() { # FILE
  use_file "$1"
  [ "$(head -c 19 "$opened" | tr -d '\000')" = 'viola-airgap-part 1' ] || return 0
  sound=$(part_field "$opened" part)
  part_of=$(part_field "$opened" bundle) part_sizes=$(part_field "$opened" bytes)
  case $sound$part_sizes in *[!0-9\ ]* | '') die '{1} is damaged: the header of {2}' "$opened" "$opened" ;; esac
  part_count=${sound#* } part_bytes=${part_sizes% *} bundle_bytes=${part_sizes#* }
  echo "$part_count $part_bytes $bundle_bytes" >"$tmp/parts.$1"
  use_file "$1"
  part_number=0
  while [ "$part_number" -lt "$part_count" ]; do
    part_number=$((part_number + 1))
    part=$(part_file "$part_number")
    if [ ! -f "$part" ] || [ ! -r "$part" ]; then
      wrong '{1} is missing: it is part {2} of {3}' "$part" "$part_number" "$part_count"
      continue
    fi
    head -c 1024 "$part" | tr -d '\000' | sed '/^header /d' | is_hash "$(part_field "$part" header | sed 's/^sha256://')" &&
      [ "$(part_field "$part" part)" = "$part_number $part_count" ] && [ "$(part_field "$part" bundle)" = "$part_of" ] &&
      [ "$(part_field "$part" bytes)" = "$part_sizes" ] || {
      wrong '{1} is not part {2} of this bundle; copy this part again' "$part" "$part_number"
      continue
    }
    length=$part_bytes
    [ "$part_number" -lt "$part_count" ] || length=$((bundle_bytes - part_bytes * (part_count - 1)))
    [ "$(($(wc -c <"$part")))" -eq "$((length + 1024))" ] ||
      wrong '{1} has {2} bytes, but should have {3}; copy it again' "$part" "$(($(wc -c <"$part")))" "$((length + 1024))"
  done
  exit_if_wrong 2 'nothing was loaded'
}

# Names the parts whose content is damaged: only these have to be copied again.
blame_parts() { # FILE
  use_file "$1"
  part_number=0
  while [ "$part_number" -lt "${part_count:-0}" ]; do
    part_number=$((part_number + 1))
    part=$(part_file "$part_number")
    sum=$(part_field "$part" content)
    file_blocks "$part" 2 "$(($(wc -c <"$part") / 512 - 2))" | is_hash "${sum#sha256:}" ||
      wrong '{1} is damaged; copy this part again' "$part"
  done
}

# FILE is a number: that of a base in the order of its option, or 0, the default, for the bundle.
blocks() ( # FIRST COUNT [FILE]
  use_file "${3:-0}"
  [ -n "$part_count" ] || {
    file_blocks "$opened" "$1" "$2"
    return
  }
  first=$1 left=$2
  while [ "$left" -gt 0 ] && [ "$first" -lt "$((bundle_bytes / 512))" ]; do
    inside=$((first % part_blocks))
    count=$((part_blocks - inside))
    [ "$count" -le "$left" ] || count=$left
    file_blocks "$(part_file "$((first / part_blocks + 1))")" "$((inside + 2))" "$count"
    first=$((first + count)) left=$((left - count))
  done
)
bytes() { # OFFSET SIZE [FILE]: offsets are multiples of 512
  blocks "$(($1 / 512))" "$((($2 + 511) / 512))" "${3:-0}" | head -c "$2"
}
# Names of files may have any characters, so they are kept in files.
file_of() { # FILE
  if [ "$1" -eq 0 ]; then printf %s "$bundle"; else cat "$tmp/base.$1"; fi
}
use_file() { # FILE: sets its name and what is known of its parts
  opened=$(file_of "$1") part_count=
  whole=${opened%.[0-9][0-9][0-9]}
  [ ! -s "$tmp/parts.$1" ] || {
    read -r part_count part_bytes bundle_bytes <"$tmp/parts.$1"
    part_blocks=$((part_bytes / 512))
  }
}

find_hash() {
  if has sha256sum; then
    hash() { sha256sum; }
  elif has shasum; then
    hash() { shasum -a 256; }
  elif has openssl; then
    hash() { openssl dgst -sha256 -r; }
  else die 'no sha256sum, shasum or openssl on this host'; fi
}
is_hash() { # HEX, of standard input
  found=$(hash) && [ "${found%% *}" = "$1" ]
}

megabytes() { printf '%s MB' "$((($1 + 999999) / 1000000))"; }

# For awk: returns the name of an image on a node, or the text itself when the bundle does not have
# the image. The facts list every spelling of a name, so names are not parsed. A tag is ignored when
# there is a digest. Requires `spelled`, from the facts of kind `spelling`.
known_as='
  function known_as(image,   pinned) {
    pinned = image
    if (match(image, /:[A-Za-z0-9_][A-Za-z0-9_.-]*@/) && RLENGTH <= 130)
      pinned = substr(image, 1, RSTART - 1) substr(image, RSTART + RLENGTH - 1)
    return pinned in spelled ? spelled[pinned] : image
  }
'

# Prints the patterns that lines of facts must match. src/core/bundle/facts.ts has the same list,
# and explains each kind of line.
facts_grammar() (
  number='[0-9]{1,15}' hex='[0-9a-f]{64}' word='[A-Za-z0-9][A-Za-z0-9._+-]*'
  name='([A-Za-z0-9]|\[[0-9A-Fa-f:]+\])[A-Za-z0-9._:/@-]*'
  path='[A-Za-z0-9_+][A-Za-z0-9._+-]*(/[A-Za-z0-9_+][A-Za-z0-9._+-]*)*'
  platform='[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?' label='[a-z0-9]([a-z0-9.-]*[a-z0-9])?'
  cat <<G
viola-airgap-facts [12]
bundle $word $word
platform $platform
api [A-Za-z0-9][A-Za-z0-9./-]*
release $number $label $label
chart $number $path
values $number $number $path
withheld $number
(host-)?name $number $name sha256:$hex $number [A-Za-z0-9][A-Za-z0-9._+/-]*
(host-)?content $number ($platform (root|config|layer)|\* manifest) sha256:$hex
spelling $name $name
excluded $name
(file|layout) $hex $number $number $path
blob sha256:$hex $number $number
based-file $hex $number $path
base $word $word sha256:$hex
based sha256:$hex $number
end $number
G
)

facts() { # KIND: prints the fields after it
  awk -v kind="$1" '$1 == kind { sub(/^[^ ]* /, ""); print }' "$tmp/facts"
}

# Requires openssl to verify Ed25519 signatures, and copies each key of --key or VIOLA_AIRGAP_KEY to
# $tmp/key.N. `-rawin` is in OpenSSL 3.0 and newer, and not in LibreSSL.
collect_keys() {
  key_count=0
  if [ -z "$keys" ]; then
    case ${VIOLA_AIRGAP_KEY:-} in
      '') return 0 ;;
      *-----BEGIN*)
        printf '%s\n' "$VIOLA_AIRGAP_KEY" >"$tmp/key"
        keys=$tmp/key
        ;;
      *) keys=$VIOLA_AIRGAP_KEY ;;
    esac
  fi
  has openssl || die '--key requires openssl, which is not on this host'
  openssl pkeyutl -help 2>&1 | grep -e '-rawin' >/dev/null ||
    die '--key requires OpenSSL 3.0 or newer, but this host has {1}' "$(openssl version)"
  while IFS= read -r key; do
    [ -f "$key" ] && [ -r "$key" ] || die '{1} does not exist or cannot be read' "$key"
    number=$key_count
    key_count=$(awk -v base="$tmp/key." -v count="$key_count" '
      /^-----BEGIN / { count++; is_key = 1 }
      is_key { print >(base count) }
      END { print count }' "$key")
    [ "$number" -lt "$key_count" ] || die '{1} is not an Ed25519 public key in PEM' "$key"
    while [ "$number" -lt "$key_count" ]; do
      number=$((number + 1))
      openssl pkey -pubin -in "$tmp/key.$number" -noout -text 2>/dev/null | grep ED25519 >/dev/null ||
        die '{1} is not an Ed25519 public key in PEM' "$key"
    done
  done <<K
$keys
K
}

# Verifies the signature of bundle.json with openssl.
check_signature() {
  key_number=0
  while [ "$key_number" -lt "$key_count" ]; do
    key_number=$((key_number + 1))
    openssl pkeyutl -verify -pubin -inkey "$tmp/key.$key_number" -rawin -in "$tmp/read.bundle.json" \
      -sigfile "$tmp/read.bundle.json.sig" >/dev/null 2>&1 && return 0
  done
  die '{1} is not signed with the given key, or was changed after it was signed' "$opened"
}

# Reads facts, the entry after bundle.json and its signature, to `facts.FILE`. Their checksum must be in
# bundle.json, in an object that names them. Those objects are flat, so their braces delimit them in
# any layout. Blobs get the number of the file. Sets $identity to name, version and digest.
read_facts() { # FILE
  number=$1
  opened=$(file_of "$number")
  [ -f "$opened" ] && [ -r "$opened" ] || die '{1} does not exist or cannot be read' "$opened"
  find_parts "$number"
  base=0
  for entry in bundle.json bundle.json.sig facts; do
    # Name and size are the first and fifth field of a tar header. Fields end with NUL.
    read -r name length <<F
$(blocks "$((base / 512))" 1 "$number" | tr '\000' '\n' | awk 'NF { field[++count] = $1 } END { print field[1], field[5] }')
F
    [ "$name" = "$entry" ] || case $entry in
      bundle.json) die '{1} is not a viola-airgap bundle' "$opened" ;;
      bundle.json.sig)
        [ "$key_count" -eq 0 ] || die '{1} is not signed, but --key requires a signature' "$opened"
        continue
        ;;
      *) die '{1} has no facts; use the script in the bundle: tar -xf {1} load.sh' "$opened" ;;
    esac
    case $length in *[!0-7]* | '') die '{1} is damaged: the header of {2}' "$opened" "$entry" ;; esac
    length=$((0$length))
    # The limits of viola-airgap.
    case $entry in bundle.json) limit=33554432 ;; bundle.json.sig) limit=64 ;; *) limit=$length ;; esac
    [ "$length" -le "$limit" ] || die '{1} is damaged: the header of {2}' "$opened" "$entry"
    bytes "$((base + 512))" "$length" "$number" >"$tmp/read.$entry"
    base=$((base + 512 + (length + 511) / 512 * 512))
    [ "$entry" != bundle.json.sig ] || [ "$key_count" -eq 0 ] || check_signature
  done
  sum=$(hash <"$tmp/read.facts")
  tr -d ' \t\r\n' <"$tmp/read.bundle.json" | tr '{}' '\n\n' | grep "\"${sum%% *}\"" | grep '"path":"facts"' >/dev/null ||
    die '{1} is damaged: bundle.json does not have the checksum of its facts' "$opened"
  read -r version <"$tmp/read.facts"
  case $version in
    'viola-airgap-facts 1' | 'viola-airgap-facts 2') ;;
    *) die '{1} has facts of another version; use the script in the bundle: tar -xf {1} load.sh' "$opened" ;;
  esac
  facts_grammar >"$tmp/grammar"
  ! grep -Evxn -f "$tmp/grammar" "$tmp/read.facts" >"$tmp/why" ||
    die '{1} is damaged: its facts have an invalid line {2}' "$opened" "$(sed -n '1s/:.*//p' "$tmp/why")"
  # Large numbers are printed with a format, because mawk rounds them otherwise.
  awk -v base="$base" -v number="$number" '
    $1 ~ /^(file|layout|blob)$/ { $4 = sprintf("%.0f", $4 + base) }
    $1 == "blob" { $5 = number }
    $1 == "file" || $1 == "layout" { $6 = number }
    $1 == "end" { $2 = sprintf("%.0f", $2 + base) }
    { print }
  ' "$tmp/read.facts" >"$tmp/facts.$number"
  size=$(awk '$1 == "end" { print $2 }' "$tmp/facts.$number")
  [ -n "$part_count" ] || bundle_bytes=$(($(wc -c <"$opened")))
  [ "$bundle_bytes" -eq "${size:-0}" ] ||
    die '{1} has {2} bytes, but should have {3}; copy it again' "$opened" "$bundle_bytes" "${size:-?}"
  # A bundle is named by the digest of the bundle.json of the whole bundle. That of a difference is in
  # its field `whole`, whose value is flat.
  digest=$(tr -d ' \t\r\n' <"$tmp/read.bundle.json" | tr '{}' '\n\n' | awk '
    is_whole && match($0, /"digest":"sha256:[0-9a-f]+"/) { print substr($0, RSTART + 10, RLENGTH - 11); exit }
    { is_whole = /"whole":$/ }')
  [ -n "$digest" ] || { digest=$(hash <"$tmp/read.bundle.json") && digest=sha256:${digest%% *}; }
  identity="$(awk '$1 == "bundle" { print $2, $3 }' "$tmp/facts.$number") $digest"
}
# Reads the facts of the bundle and its bases. A blob is looked up in the bundle first, and then in its
# bases, the nearest first. Facts of kind `based` remain for blobs of a base that was not given.
open_bundle() {
  left=$bases
  while [ "$left" -gt 0 ]; do
    read_facts "$left"
    echo "$left $identity"
    left=$((left - 1))
  done >"$tmp/identities"
  read_facts 0
  cat "$tmp/facts.0" >"$tmp/facts"
  wanted=$(facts base)
  while [ -n "$wanted" ]; do
    number=$(awk -v wanted="$wanted" '$4 == substr(wanted, length(wanted) - 70) { print $1; exit }' "$tmp/identities")
    [ -n "$number" ] || break
    awk -v wanted="$wanted" '$4 != substr(wanted, length(wanted) - 70)' "$tmp/identities" >"$tmp/unused"
    cat "$tmp/unused" >"$tmp/identities"
    awk '
      FNR == NR {
        if ($1 == "blob") blob[$2] = $0
        if ($1 == "file") file[$2, $5] = $0
        next
      }
      $1 == "based" && $2 in blob { print blob[$2]; next }
      $1 == "based-file" && ($2, $4) in file { print file[$2, $4]; next }
      { print }
    ' "$tmp/facts.$number" "$tmp/facts" >"$tmp/placed"
    cat "$tmp/placed" >"$tmp/facts"
    wanted=$(awk '$1 == "base" { print $2, $3, $4 }' "$tmp/facts.$number")
  done
  missing_base=$(named "$wanted")
  while read -r number identity; do
    if [ -n "$wanted" ]; then why=$(text 'the base wanted is {1}' "$missing_base")
    else why=$(text '{1} needs no other base' "$bundle"); fi
    wrong '{1} is {2}; {3}' "$(file_of "$number")" "$(named "$identity")" "$why"
  done <"$tmp/identities"
  exit_if_wrong 2 'nothing was loaded'
  title=$(facts bundle)
  # `viola-airgap unload` finds the images that a bundle loaded by this label.
  LABEL=io.viola-airgap.bundle/$(echo "$title" | tr ' ' _)=
  export LABEL
  [ -n "$allowed" ] || return 0
  # shellcheck disable=SC2086
  printf 'allowed %s\n' $allowed | awk "$known_as"'
    FNR == NR { if ($1 == "spelling") spelled[$2] = $3; next }
    { print $1, known_as($2) }' "$tmp/facts" - >"$tmp/allowed"
  cat "$tmp/allowed" >>"$tmp/facts"
}

# Prints an identity for people.
named() { # IDENTITY
  [ -z "$1" ] || printf '%s\n' "$1" | awk '{ print $1, $2, "(" $3 ")" }'
}

# Lists the image names, one a line. On a terminal, with the size of their configs and layers.
list_images() {
  awk -v is_terminal="$([ -t 1 ] && echo 1)" '
    $1 == "name" { image[++count] = $2; name[count] = $3; if (length($3) > width) width = length($3) }
    $1 == "content" && ($4 == "config" || $4 == "layer") && !seen[$2, $5]++ { content[++contents] = $2 " " $5 }
    $1 == "blob" || $1 == "based" { size[$2] = $3 }
    END {
      for (i = 1; i <= contents; i++) { split(content[i], part, " "); bytes[part[1]] += size[part[2]] }
      for (i = 1; i <= count; i++) {
        if (listed[name[i]]++) continue
        line = name[i]
        if (is_terminal) {
          while (length(line) < width) line = line " "
          line = line sprintf("  %6.0f MB", bytes[image[i]] / 1e6)
        }
        print line
      }
    }
  ' "$tmp/facts"
}

# Programs in bin/ are large, so they are checked when they are extracted.
verify_files() {
  facts file >"$tmp/files"
  { cat "$tmp/files"; facts layout; } >"$tmp/small"
  while read -r sum length offset path number; do
    case $path in bin/*) [ -n "$check" ] || continue ;; esac
    bytes "$offset" "$length" "$number" | is_hash "$sum" || wrong '{1} is damaged: its sha256 is not {2}' "$path" "$sum"
  done <"$tmp/small"
}

verify_blobs() { # every layer, config and manifest
  facts blob >"$tmp/blobs"
  total=$(awk '{ sum += $2 } END { printf "%.0f", sum }' "$tmp/blobs")
  say 'verifying {1} of images' "$(megabytes "$total")"
  done_bytes=0 tenth=1
  while read -r digest length offset number; do
    bytes "$offset" "$length" "$number" | is_hash "${digest#sha256:}" ||
      wrong '{1} is damaged; it is part of {2}' "$digest" "$(awk -v digest="$digest" '
        $1 == "name" { name[$2] = name[$2] == "" ? $3 : name[$2] }
        $1 == "content" && $5 == digest && !seen[$2]++ { list = list (list == "" ? "" : ", ") name[$2] }
        END { print list }' "$tmp/facts")"
    done_bytes=$((done_bytes + length))
    report 'verified {1} % of {2}' "$done_bytes" "$total"
  done <"$tmp/blobs"
}

# Prints progress in steps of ten percent.
report() { # TEXT DONE TOTAL [NODE]; keeps count in $tenth
  [ "$3" -gt 20000000 ] || return 0
  [ "$(($2 * 10 / $3))" -lt "$tenth" ] || {
    tenth=$(($2 * 10 / $3 + 1))
    say "$1" "$(($2 * 100 / $3))" "$(megabytes "$3")" "${4-}"
  }
}

# Extracts a file of the bundle and verifies its checksum.
extract() { # PATH FILE
  awk -v path="$1" '$4 == path' "$tmp/files" >"$tmp/entry"
  if [ ! -s "$tmp/entry" ] && facts based-file | awk -v path="$1" '$3 == path { found = 1 } END { exit !found }'; then
    die '{1} is not in {2} but in its base {3}: add --base FILE' "$1" "$bundle" "$missing_base"
  fi
  read -r sum length offset _ number <"$tmp/entry" || die '{1} has no {2}' "$bundle" "$1"
  bytes "$offset" "$length" "$number" >"$2"
  is_hash "$sum" <"$2" || die '{1} is damaged: its sha256 is not {2}' "$1" "$sum"
}
is_in_bundle() { awk -v path="$1" '$4 == path { found = 1 } END { exit !found }' "$tmp/files"; }

# Finds a program on PATH or in the bundle. Adds a bundled program to PATH.
find_program() { # NAME ARGUMENT-TO-TEST-IT
  has "$1" && return 0
  is_in_bundle "bin/$1" || return 1
  mkdir -p "$tmp/bin"
  extract "bin/$1" "$tmp/bin/$1"
  chmod +x "$tmp/bin/$1"
  if "$tmp/bin/$1" "$2" >/dev/null 2>&1; then
    case :$PATH: in *":$tmp/bin:"*) ;; *) PATH=$PATH:$tmp/bin ;; esac
    return 0
  fi
  rm -f "$tmp/bin/$1"
  return 1
}

# --- viola-airgap itself, if it can run ---

is_node_new_enough() {
  has node && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 18) ? 0 : 1)' 2>/dev/null
}
run_viola_airgap() { # USER-VALUES...
  [ -z "${VIOLA_SH_ONLY:-}$check" ] || return 0
  if has viola-airgap && viola-airgap --version >/dev/null 2>&1; then
    cli=viola-airgap
  elif is_in_bundle bin/viola-airgap; then
    awk -v node="$(is_node_new_enough || echo bin/node)" '$4 ~ /^bin\/(viola-airgap$|lib\/)/ || $4 == node { print $4 }' "$tmp/files" >"$tmp/programs"
    while read -r path; do
      mkdir -p "$tmp/${path%/*}"
      extract "$path" "$tmp/$path"
      case $path in bin/lib/*) ;; *) chmod +x "$tmp/$path" ;; esac
    done <"$tmp/programs"
    cli=$tmp/bin/viola-airgap
    "$cli" --version >/dev/null 2>&1 || {
      say 'note: viola-airgap is in the bundle, but this host has no Node.js 20.18 or newer; continuing without it'
      return 0
    }
  else return 0; fi
  # This script supports targets that viola-airgap does not, such as Kind in podman, and reports the
  # problems of other targets.
  in_background "$cli" doctor --to "$to" --kubeconfig /dev/null >/dev/null 2>&1 || {
    say 'note: viola-airgap cannot reach {1}; continuing without it' "$to"
    return 0
  }
  if [ -n "$install" ]; then
    find_program helm version || :
    find_program kubectl --help || :
  fi
  say 'running viola-airgap'
  number=$key_count
  while [ "$number" -gt 0 ]; do
    set -- --key "$tmp/key.$number" "$@"
    number=$((number - 1))
  done
  for image in ${install:+$allowed}; do set -- --allow-missing "$image" "$@"; done
  set -- --to "$to" ${install:+--install --timeout "$timeout"} ${context:+--context "$context"} "$@"
  left=$bases
  while [ "$left" -gt 0 ]; do
    # A comma separates bases.
    set -- --base "$(file_of "$left" | sed 's/,/\\,/g')" "$@"
    left=$((left - 1))
  done
  in_background "$cli" load "$bundle" "$@"
  exit $?
}

# --- nodes: those of Kind through docker exec, or this host ---

engine=
find_engine() {
  [ -z "$engine" ] || return 0
  for engine in docker nerdctl podman; do
    has "$engine" || continue
    "$engine" ps >/dev/null 2>&1 && return 0
    say 'note: {1} does not respond' "$engine"
  done
  engine=
  return 1
}
list_kind() {
  "$engine" ps -a --filter label=io.x-k8s.kind.cluster --format \
    '{{.Names}} {{.State}} {{.Label "io.x-k8s.kind.cluster"}} {{.Label "io.x-k8s.kind.role"}}' 2>/dev/null | awk '$4 != "external-load-balancer"' | sort
}
choose_target() {
  if find_engine && [ -n "$(list_kind)" ]; then to=kind
  elif has k3s; then to=k3s
  elif has ctr && ctr version >/dev/null 2>&1; then to=containerd
  elif [ -n "$engine" ]; then to=docker
  else die 'no target on this host: docker, nerdctl and podman do not respond, and neither k3s nor ctr with a running containerd was found'; fi
}

# Sets $nodes, and $ctr, the command for ctr on them.
find_nodes() {
  ctr=ctr nodes=localhost cluster=
  case $to in
    kind | kind:?*)
      nodes=
      find_engine || { wrong 'no docker, nerdctl or podman responds: is it running, and do you have access to it?'; return; }
      list_kind >"$tmp/kind"
      clusters=$(awk '!seen[$3]++ { printf "%s%s", n++ ? " " : "", $3 }' "$tmp/kind")
      cluster=${to#kind}
      cluster=${cluster#:}
      [ -n "$cluster" ] || case $clusters in *' '*) cluster=kind ;; *) cluster=$clusters ;; esac
      awk -v cluster="$cluster" '$3 == cluster' "$tmp/kind" >"$tmp/nodes"
      [ -s "$tmp/nodes" ] || wrong 'no Kind cluster "{1}" in {2}; there are: {3}; name it with --to kind:CLUSTER' "${cluster:-kind}" "$engine" "${clusters:--}"
      while read -r node state _; do
        case $state in
          running) nodes="$nodes $node" ;;
          paused) wrong 'node {1} is paused: {2} unpause {1}' "$node" "$engine" ;;
          *) wrong 'node {1} is not running ({2}): {3} start {1}' "$node" "$state" "$engine" ;;
        esac
      done <"$tmp/nodes"
      ;;
    containerd | containerd:?*)
      has ctr || { wrong 'no {1} on PATH' ctr; nodes=; }
      [ "$to" = containerd ] || { CONTAINERD_ADDRESS=${to#containerd:} && export CONTAINERD_ADDRESS; }
      ;;
    k3s) ctr="k3s ctr"; has k3s || { wrong 'no {1} on PATH' k3s; nodes=; } ;;
    docker) find_engine || { wrong 'no docker, nerdctl or podman responds: is it running, and do you have access to it?'; nodes=; } ;;
    *) usage >&2; die '"{1}" is not a target of this script' "$to" ;;
  esac
}
on() { # NODE COMMAND...
  on_node=$1
  shift
  case $to in
    kind*) "$engine" exec -i "$on_node" "$@" ;;
    *) "$@" ;;
  esac
}
# Prints the state of a node: architecture, disk, images and content.
node_state() { # NODE
  case $to in
    docker)
      arch=$("$engine" version --format '{{.Server.Arch}}' 2>/dev/null) || arch=$(uname -m)
      echo "machine $arch"
      root=$("$engine" info --format '{{.DockerRootDir}}') && [ -d "$root" ] && df -Pk "$root" | awk 'END { print "disk", $1, $4 }'
      awk '$1 == "name" { print $3 } $1 == "excluded" { print $2 }' "$tmp/facts" | grep -v @ | while read -r name; do
        printf 'docker %s %s\n' "$name" "$("$engine" image inspect --format '{{.Id}}' "$name" </dev/null 2>/dev/null)"
      done >"$tmp/docker"
      cat "$tmp/docker"
      docker_layers
      ;;
    *)
      # shellcheck disable=SC2016,SC2086
      on "$1" sh -c '
        "$@" version >/dev/null || exit 1
        echo machine "$(uname -m)"
        df -Pk /var/lib/rancher/k3s /var/lib/containerd /var/lib 2>/dev/null | awk "NR == 2 { print \"disk\", \$1, \$4 }"
        "$@" -n k8s.io images check 2>/dev/null
        "$@" -n k8s.io images ls | sed "s/^/listed /"
        "$@" -n k8s.io content ls -q | sed "s/^/content /"' sh $ctr </dev/null
      ;;
  esac
}

# Prints the diff ids of the layers of every image of the engine, and of every image to load, from the
# base up. Docker takes layers that it has from its store. It does not when it keeps its images in
# containerd, and neither do other engines.
docker_layers() {
  [ "$engine" = docker ] || return 0
  case $(docker info --format '{{.DriverStatus}}' 2>/dev/null) in '' | *io.containerd.snapshotter*) return 0 ;; esac
  docker images --all --quiet --no-trunc 2>/dev/null | sort -u >"$tmp/stored"
  # shellcheck disable=SC2046
  [ ! -s "$tmp/stored" ] || docker image inspect --format '{{range .RootFS.Layers}}{{.}} {{end}}' $(cat "$tmp/stored") 2>/dev/null | sed 's/^/stored /'
  awk '
    FILENAME ~ /docker$/ { loaded[$2] = $3; next }
    $1 == "name" && $3 in loaded { id[$2] = loaded[$3] }
    $1 == "content" && $4 == "config" && id[$2] != $5 { config[$5] = config[$5] " " $2 }
    $1 == "blob" && $2 in config { print $4, $3, $5 config[$2] }
  ' "$tmp/docker" "$tmp/facts" >"$tmp/configs"
  while read -r offset length number images; do
    ids=$(bytes "$offset" "$length" "$number" | tr -d ' \t\r\n' | sed -n 's/.*"diff_ids":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr ',' ' ')
    for image in $images; do echo "diffids $image $ids"; done
  done <"$tmp/configs"
}

# Compares the state of a node (standard input) with the facts. Prints:
#   platform P                 the platform of the node
#   without NAME               the bundle has no content of NAME for this platform
#   lack NAME IMAGE            NAME is missing, incomplete, or points to something else
#   share NAME                 NAME is complete, and only another bundle has a label on it
#   left-out NAME              NAME is excluded from the bundle, and not on the node
#   config|layer IMAGE DIGEST  content of an image that lacks names
#   range FILE FIRST COUNT     blocks to send of a file, in pieces of 64 MiB
#   gap IMAGE DIGEST           needed content of an image that no given file has
#   need BYTES                 the total size to send
compare() {
  awk '
    function accepted(machine) {
      if (machine == "x86_64" || machine == "amd64") return "linux/amd64"
      if (machine == "aarch64" || machine == "arm64") return "linux/arm64"
      if (machine ~ /^armv7|^armhf/) return "linux/arm/v7 linux/arm/v6 linux/arm/v5"
      if (machine ~ /^armv6/) return "linux/arm/v6 linux/arm/v5"
      return "linux/" machine
    }
    FNR == NR {
      if ($1 == "name") { images = $2; names[$2] = names[$2] " " $3; digest[$2] = $4 }
      if ($1 == "content") {
        content[$2, ++contents[$2]] = $3 " " $4 " " $5
        has_platform[$2, $3] = 1
      }
      if ($1 == "blob") { blob[++blobs] = $2; size[$2] = $3; offset[$2] = $4; file[$2] = $5 }
      if ($1 == "based") absent[$2] = 1
      if ($1 == "excluded") excluded[++exclusions] = $2
      if ($1 == "allowed") allowed[$2] = 1
      next
    }
    $1 == "machine" { candidates = accepted($2) }
    $1 == "disk" { print }
    $1 == "content" { present[$2] = 1 }
    $1 == "stored" { stored[++stores] = substr($0, 8); next }
    $1 == "diffids" { diffids[$2] = substr($0, 10 + length($2)); next }
    $1 == "docker" { loaded[$2] = $3 ~ /:/ ? $3 : "sha256:" $3 }
    $1 == "listed" { if (index($0, "io.viola-airgap.bundle/") && !index($0, ENVIRON["LABEL"])) is_others[$2] = 1; next }
    $4 == "complete" { split(substr($5, 2), counts, "[/)]"); if (counts[1] == counts[2]) complete[$1] = $3 }
    # Returns how many layers of the image are the lowest ones of an image of the engine.
    function held(image,   ids, wanted, other, i, j, most) {
      wanted = split(diffids[image], ids, " ")
      most = 0
      for (i = 1; i <= stores && wanted; i++) {
        split(stored[i], other, " ")
        for (j = 1; j <= wanted && ids[j] == other[j]; j++) if (j > most) most = j
      }
      return most
    }
    END {
      is_engine = ENVIRON["TO"] == "docker"
      count = split(candidates, candidate, " ")
      print "platform", candidate[1]
      for (i = 1; i <= exclusions; i++) {
        is_there = is_engine ? excluded[i] ~ /@/ || loaded[excluded[i]] ~ /:./ : excluded[i] in complete
        if (!is_there && !(excluded[i] in allowed)) print "left-out", excluded[i]
      }
      for (i = 1; i <= images; i++) {
        platform = ""
        for (j = count; j >= 1; j--) if ((i, candidate[j]) in has_platform) platform = candidate[j]
        for (j = 1; j <= contents[i]; j++) {
          split(content[i, j], part, " ")
          if (part[2] != "layer" && (part[1] == platform || part[2] == "manifest")) same[i, part[3]] = 1
        }
        lacks = 0
        total = split(names[i], name, " ")
        for (j = 1; j <= total; j++) {
          if (is_engine) {
            if (name[j] ~ /@/ || (i, loaded[name[j]]) in same) continue
          } else if (complete[name[j]] == digest[i]) {
            if (name[j] in is_others) print "share", name[j]
            continue
          }
          lacks = 1
          if (platform == "") print "without", name[j]
          else print "lack", name[j], i
        }
        if (!lacks) continue
        lacking++
        holds = is_engine ? held(i) : 0
        layer = 0
        for (j = 1; j <= contents[i]; j++) {
          split(content[i, j], part, " ")
          is_held = part[1] == platform && part[2] == "layer" && ++layer <= holds
          if ((part[1] == platform ? part[2] != "root" : part[2] == "manifest" && !is_engine) && !(part[3] in present) && !is_held) send[part[3]] = 1
          # Manifests of other platforms are not needed.
          if (part[3] in absent && !(part[3] in present) && !is_held && (part[1] == platform && (part[2] != "root" || !is_engine) || part[3] == digest[i] && !is_engine) && !gap[i, part[3]]++) print "gap", i, part[3]
          if (part[1] == platform && part[2] == "config") print "config", i, part[3]
          if (part[1] == platform && part[2] == "layer") print "layer", i, part[3]
        }
      }
      if (!lacking) exit
      for (i = 1; i <= blobs; i++) {
        if (!(blob[i] in send)) continue
        need += size[blob[i]]
        from = offset[blob[i]] / 512 - 1
        to = from + 1 + int((size[blob[i]] + 511) / 512)
        for (; from < to; from += 131072) printf "range %d %.0f %.0f\n", file[blob[i]], from, (to - from > 131072 ? 131072 : to - from)
      }
      printf "need %.0f\n", need
    }
  ' "$tmp/facts" -
}
plan() { # NODE KIND: prints the fields after it
  awk -v kind="$2" '$1 == kind { sub(/^[^ ]* /, ""); print }' "$tmp/plan.$1"
}

# containerd removes content that no image refers to, for example after an interrupted import. Content
# that a plan counts as present must remain until the images exist. Until then, a small blob on the
# node, the anchor, refers to all content of the bundle. ctr cannot add content to a lease.
# https://github.com/containerd/containerd/blob/main/docs/garbage-collection.md
# The anchor of a killed run is removed after a day, which is also the lifetime of ctr's leases.
hold() { # NODE
  if [ -z "$held" ]; then
    text="${tmp##*/} $(date +%s)"
    anchor=$(printf %s "$text" | hash)
    anchor=sha256:${anchor%% *}
  fi
  held="$held $1"
  # shellcheck disable=SC2016,SC2086
  facts blob | awk '{ print $1 }' | on "$1" sh -c '
    text=$1 anchor=$2
    shift 2
    content="$* -n k8s.io content"
    now=${text#* }
    $content ls "labels.\"io.viola-airgap.anchor\"" </dev/null |
      sed -n "s/^\(sha256:[0-9a-f]*\).*io\.viola-airgap\.anchor=\([0-9]*\).*/\1 \2/p" |
      while read -r old time; do [ "$((now - time))" -lt 86400 ] || $content rm "$old" </dev/null; done
    set -- "$anchor" containerd.io/gc.root=viola-airgap "io.viola-airgap.anchor=$now"
    while read -r digest; do set -- "$@" "containerd.io/gc.ref.content.$#=$digest"; done
    # The anchor itself may be collected before it has its label.
    for _ in 1 2 3 4 5; do
      printf %s "$text" | $content ingest "viola-airgap-$anchor" && $content label "$@" </dev/null && exit
    done
    exit 1' sh "$text" "$anchor" $ctr >/dev/null 2>"$tmp/why" ||
    { wrong '{1}: content cannot be protected from garbage collection: {2}' "$1" "$(tail -n 1 "$tmp/why")"; return 1; }
}
# Waits with a timeout, because an engine that does not respond must not block the exit.
release() {
  [ -n "$held" ] || return 0
  pids=
  # shellcheck disable=SC2086
  for node in $held; do
    on "$node" $ctr -n k8s.io content rm "$anchor" </dev/null >/dev/null 2>&1 &
    pids="$pids $!"
  done
  held=
  # shellcheck disable=SC2086
  { sleep 10; kill -KILL $pids; } >/dev/null 2>&1 &
  limit=$!
  # shellcheck disable=SC2086
  wait $pids
  # bash reports a killed job when it is waited for.
  { kill -KILL "$limit"; wait "$limit"; } 2>/dev/null
  pids=
}

# Reports every image with content that neither a given file nor a node has.
report_gaps() {
  for node in $nodes; do
    plan "$node" gap | awk -v node="$node" '{ print $0, node }'
  done >"$tmp/gaps"
  [ -s "$tmp/gaps" ] || return 0
  # In ENVIRON, awk does not read backslashes in names of files.
  file=$bundle base=$missing_base awk '
    FNR == NR {
      if ($1 == "name" && !($2 in name)) name[$2] = $3
      if ($1 == "based") size[$2] = $3
      next
    }
    !seen[$1, $2]++ { blobs[$1]++; bytes[$1] += size[$2] }
    !listed[$1, $3]++ { places[$1] = places[$1] (places[$1] == "" ? "" : ", ") $3 }
    !known[$1]++ { order[++count] = $1 }
    END {
      for (i = 1; i <= count; i++) {
        image = order[i]
        printf "{1}: {2} ({3}) of it are neither in {4} nor on {5}; base {6} has them: add --base FILE\001%s\001%d\001%.0f MB\001%s\001%s\001%s\n", name[image], blobs[image], int((bytes[image] + 999999) / 1000000), ENVIRON["file"], places[image], ENVIRON["base"]
      }
    }
  ' "$tmp/facts" "$tmp/gaps" >>"$tmp/wrong"
}

plan_node() { # NODE: queries the node, and writes its plan
  : >"$tmp/plan.$1"
  node_state "$1" </dev/null >"$tmp/answer" 2>"$tmp/why" || {
    wrong '{1} does not respond: {2}' "$1" "$(tail -n 1 "$tmp/why")"
    return 1
  }
  compare <"$tmp/answer" >"$tmp/plan.$1"
}
plan_nodes() {
  TO=${to%%:*}
  export TO
  for node in $nodes; do
    plan_node "$node" || continue
    if [ -z "$check" ] && [ "$to" != docker ] && [ -n "$(plan "$node" need)" ]; then
      # Only content that exists after the anchor was set counts as present.
      hold "$node" && plan_node "$node" || continue
    fi
    lacking=$(plan "$node" without | wc -l)
    [ "$lacking" -eq 0 ] || wrong '{1} runs {2}, and the bundle (built for {3}) has no content for it of {4}' \
      "$node" "$(plan "$node" platform)" "$(facts platform | tr '\n' ' ' | sed 's/ $//')" \
      "$(plan "$node" without | head -n 3 | tr '\n' ' ' | sed 's/ $//')$([ "$lacking" -le 3 ] || text ' and {1} more' "$((lacking - 3))")"
  done
  report_gaps
  # Nodes on one machine share a disk, so the required space is summed by device. Docker also unpacks
  # the images.
  for node in $nodes; do
    echo "$node $(plan "$node" disk) $(plan "$node" need)"
  done | awk -v factor="$([ "$to" = docker ] && echo 3 || echo 1)" '
    NF == 4 { need[$2] += $4 * factor; free[$2] = $3 * 1024; nodes[$2] = nodes[$2] (nodes[$2] == "" ? "" : " ") $1 }
    END {
      for (disk in need) if (need[disk] > free[disk])
        printf "not enough disk space for {1}: {2} MB are needed and {3} MB are free\001%s\001%.0f\001%.0f\n", nodes[disk], need[disk] / 1e6, free[disk] / 1e6
    }
  ' >>"$tmp/wrong"
}

# --- loading ---

zeros() { dd if=/dev/zero bs=512 count="$1" 2>/dev/null; }

# Prints an OCI image layout with the content that the node lacks. Its index has no other names,
# because containerd 2 removes all labels from a name that it imports, including those of other
# bundles.
image_layout() { # NODE
  # oci-layout, a header and one block, is sent as it is in the bundle.
  blocks "$(facts layout | awk '$4 == "oci-layout" { printf "%.0f", $3 / 512 - 1 }')" 2
  awk '
    FNR == NR { if ($1 == "lack") lacks[$2]; next }
    $1 == "name" && $3 in lacks {
      printf "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%s,\"annotations\":{", separator, $6, $4, $5
      printf "\"io.containerd.image.name\":\"%s\",\"org.opencontainers.image.ref.name\":\"%s\"}}", $3, $3
      separator = ","
    }
    BEGIN { printf "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[" }
    END { printf "]}" }
  ' "$tmp/plan.$1" "$tmp/facts" >"$tmp/index.$1"
  tar_entry index.json "$tmp/index.$1"
  plan "$1" range | send_ranges "$1"
  zeros 2
}
send_ranges() { # NODE
  total=$(plan "$1" need) done_bytes=0 tenth=1
  while read -r number first count; do
    blocks "$first" "$count" "$number"
    done_bytes=$((done_bytes + count * 512))
    [ "$done_bytes" -le "$total" ] || done_bytes=$total
    report '{3}: sent {1} % of {2}' "$done_bytes" "$total" "$1"
  done
}
# Prints a docker archive with the images that the engine lacks, for its platform. Its manifest.json
# is not that of the bundle, which has all images.
docker_archive() {
  awk '
    FNR == NR { if ($1 == "name" && $3 !~ /@/) tags[$2] = tags[$2] (tags[$2] == "" ? "" : ",") "\"" $3 "\""; next }
    $1 == "config" { order[++count] = $2; config[$2] = "blobs/sha256/" substr($3, 8) }
    $1 == "layer" { layers[$2] = layers[$2] (layers[$2] == "" ? "" : ",") "\"blobs/sha256/" substr($3, 8) "\"" }
    END {
      printf "["
      for (i = 1; i <= count; i++) printf "%s{\"Config\":\"%s\",\"RepoTags\":[%s],\"Layers\":[%s]}", (i == 1 ? "" : ","), config[order[i]], tags[order[i]], layers[order[i]]
      printf "]"
    }
  ' "$tmp/facts" "$tmp/plan.localhost" >"$tmp/manifest.json"
  tar_entry manifest.json "$tmp/manifest.json"
  plan localhost range | send_ranges localhost
  zeros 2
}
# Prints a tar entry with mode 644. The checksum of a header is the sum of its bytes, with spaces in
# the field of the checksum itself.
tar_entry() { # NAME FILE
  length=$(($(wc -c <"$2")))
  tar_header "$1" "$length" '        ' >"$2.header"
  tar_header "$1" "$length" "$(od -An -v -tu1 "$2.header" | awk '{ for (i = 1; i <= NF; i++) sum += $i } END { printf "%06o", sum }')\\000 "
  cat "$2"
  dd if=/dev/zero bs=1 count="$(((512 - length % 512) % 512))" 2>/dev/null
}
tar_header() { # NAME SIZE CHECKSUM
  printf '%s' "$1"
  dd if=/dev/zero bs=1 count="$((100 - ${#1}))" 2>/dev/null
  printf '0000644\0000000000\0000000000\000%011o\00000000000000\000' "$2"
  printf '%b' "$3"
  printf 0
  dd if=/dev/zero bs=1 count=100 2>/dev/null
  printf 'ustar\00000'
  dd if=/dev/zero bs=1 count=247 2>/dev/null
}

# shellcheck disable=SC2086
import() { # NODE; uses exec, so that a signal to the subshell ends the import
  case $to in
    docker) exec "$engine" load ;;
    kind*) exec "$engine" exec -i "$1" ctr -n k8s.io images import --no-unpack --platform "$(plan "$1" platform)" - ;;
    *) exec $ctr -n k8s.io images import --no-unpack --platform "$(plan "$1" platform)" - ;;
  esac
}
# With containerd 1.6.22, 1.7.3 or newer, the kubelet does not remove pinned images.
mark() { # NODE LABELS: labels the names on standard input
  # shellcheck disable=SC2016,SC2086
  [ "$to" = docker ] || awk '{ print $1 }' | on "$1" sh -c '
    labels=$1
    shift
    while read -r name; do "$@" -n k8s.io images label "$name" $labels >/dev/null </dev/null || exit 1; done' sh "$2" $ctr
}

load_nodes() { # NODES [again]
  : >"$tmp/imports"
  for node in $1; do
    [ -n "${2-}" ] || plan "$node" lack >"$tmp/lacked.$node"
    say '{1}: sending {2} for {3} image names' "$node" "$(megabytes "$(plan "$node" need)")" "$(plan "$node" lack | wc -l | tr -d ' ')"
    if [ "$to" = docker ]; then docker_archive; else image_layout "$node"; fi | import "$node" >"$tmp/log.$node" 2>&1 &
    pids="$pids $!"
    echo "$! $node" >>"$tmp/imports"
  done
  again=
  while read -r pid node; do
    failed= incomplete=
    wait "$pid" || failed=$(grep -v "^ *$" "$tmp/log.$node" | tail -n 1 | grep . || text 'no message')
    # When content was removed from a node in the meantime, the node is planned and loaded again.
    case $failed in
      '' | *'not found'*) ;;
      *) wrong '{1}: the import failed: {2}' "$node" "$failed"; continue ;;
    esac
    # The node is queried again, because a successful import may be incomplete.
    plan_node "$node" || continue
    incomplete=$(awk '$1 == "lack" || $1 == "without" { print $2 }' "$tmp/plan.$node")
    if [ -n "$incomplete" ] && [ -z "${2-}" ] && [ "$to" != docker ]; then
      again="$again $node"
    elif [ -n "$incomplete" ]; then
      for name in $incomplete; do wrong '{1}: {2} is not complete after loading{3}' "$node" "$name" "${failed:+: $failed}"; done
    else
      mark "$node" "io.cri-containerd.pinned=pinned ${LABEL}brought" <"$tmp/lacked.$node" 2>"$tmp/why" ||
        wrong '{1}: images cannot be pinned: {2}' "$node" "$(tail -n 1 "$tmp/why")"
    fi
  done <"$tmp/imports"
  pids=
  [ -z "$again" ] || load_nodes "$again" again
  exit_if_wrong 2 'some images were not loaded; run the command again, which does not send complete images twice'
}
# Labels the images that other bundles loaded and this one also needs.
share() {
  for node in $nodes; do
    [ -z "$(plan "$node" share)" ] || plan "$node" share | mark "$node" "${LABEL}brought" 2>"$tmp/why" ||
      wrong '{1}: images cannot be labelled: {2}' "$node" "$(tail -n 1 "$tmp/why")"
  done
  exit_if_wrong 2 'all images are loaded, but some could not be labelled'
}

# --- installing ---

kube() { kubectl ${context:+--context "$context"} "$@"; }

prepare_install() {
  find_program helm version || wrong '{1} is required for --install, but is neither on PATH nor in the bundle' helm
  find_program kubectl --help || { wrong '{1} is required for --install, but is neither on PATH nor in the bundle' kubectl; return; }
  # Kind writes contexts of this name into the kubeconfig.
  if [ -z "$context" ] && [ -n "$cluster" ] && kubectl config get-contexts -o name 2>/dev/null | grep -qx "kind-$cluster"; then
    context=kind-$cluster
  fi
  of_context=${context:+$(text ' of context {1}' "$context")}
  kube get --raw /version --request-timeout=15s >"$tmp/version" 2>"$tmp/why" || { wrong 'the cluster{1} is not reachable: {2}' "$of_context" "$(tail -n 1 "$tmp/why")"; return; }
  kube get nodes --request-timeout=15s -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' >"$tmp/kube-nodes" 2>/dev/null
  others=$(grep -vxF "$(printf '%s\n' $nodes)" "$tmp/kube-nodes" | tr '\n' ' ')
  case $to in
    kind*) [ -z "$others" ] || wrong 'the cluster{1} has nodes that are not of Kind cluster {2}: {3}' "$of_context" "$cluster" "$others" ;;
    *) [ "$(wc -l <"$tmp/kube-nodes")" -le 1 ] || say 'note: the cluster has other nodes, and the images must be loaded on each of them: {1}' "$others" ;;
  esac
  facts release | awk '!seen[$3]++ { print $3 }' >"$tmp/namespaces"
  while read -r namespace; do
    [ "$(kube get namespace "$namespace" --request-timeout=15s -o 'jsonpath={.status.phase}' 2>/dev/null </dev/null)" != Terminating ] ||
      wrong 'namespace {1} is being deleted: wait for the deletion (kubectl wait --for=delete namespace/{1}); the status of the namespace shows what blocks it' "$namespace"
  done <"$tmp/namespaces"
}

# Values that were left out with `build --values` must be given: the charts' defaults may differ in
# anything.
require_values() { # USER-VALUES...
  facts withheld >"$tmp/withheld"
  [ -s "$tmp/withheld" ] || return 0
  for argument in "$@"; do
    case $argument in -f | --values) return 0 ;; esac
  done
  facts release | awk 'NR == FNR { left[$1]; next } $1 in left { print $2 }' "$tmp/withheld" - | while read -r name; do
    wrong 'the bundle was built without the values of release {1}: pass them with -f FILE' "$name"
  done
}

# Charts of a base that was not given are reported before anything is loaded.
require_charts() {
  facts based-file | awk '{ print $3 }' >"$tmp/based"
  facts chart | awk 'NR == FNR { based[$1]; next } $2 in based && !seen[$2]++ { print $2 }' "$tmp/based" - | while read -r path; do
    wrong '{1} is not in {2} but in its base {3}: add --base FILE' "$path" "$bundle" "$missing_base"
  done
}

# Extracts charts and values to files with fixed names, because names in a bundle are not trusted.
extract_releases() {
  facts release >"$tmp/releases"
  facts chart >"$tmp/charts"
  facts values >"$tmp/values"
  while read -r number path; do extract "$path" "$tmp/chart.$number.tgz"; done <"$tmp/charts"
  while read -r number index path; do extract "$path" "$tmp/values.$number.$index.yaml"; done <"$tmp/values"
}
with_release() { # template|install NUMBER NAME NAMESPACE USER-VALUES...; later values override earlier ones
  mode=$1 number=$2 release=$3 namespace=$4
  shift 4
  index=$(awk -v number="$number" '$1 == number' "$tmp/values" | wc -l)
  while [ "$index" -gt 0 ]; do
    set -- -f "$tmp/values.$number.$((index))".yaml "$@"
    index=$((index - 1))
  done
  set -- "$release" "$tmp/chart.$number.tgz" --namespace "$namespace" "$@"
  [ -z "$context" ] || set -- "$@" --kube-context "$context"
  if [ "$mode" = install ]; then
    in_background helm upgrade --install "$@" --create-namespace --timeout "$timeout"
  else
    while read -r api; do set -- "$@" --api-versions "$api"; done <"$tmp/apis"
    helm template "$@" --skip-tests --kube-version "$kube_version"
  fi
}

# Before anything is applied, refuses images that are not in the bundle, and pulls from a registry.
# Images that the spec excludes must be on the nodes, because an operator may need them although no
# manifest names them.
check_install() { # USER-VALUES...
  say 'checking the releases'
  kube_version=$(sed -n 's/.*"gitVersion": *"\(v[0-9][0-9A-Za-z.+-]*\)".*/\1/p' "$tmp/version")
  {
    facts api
    kube api-versions 2>/dev/null
    kube api-resources --no-headers 2>/dev/null | awk 'NF > 3 { print $(NF - 2) "/" $NF }'
  } | grep -x '[A-Za-z0-9./-]*' >"$tmp/apis"
  while read -r number release namespace; do
    with_release template "$number" "$release" "$namespace" "$@" >"$tmp/rendered" 2>"$tmp/why" </dev/null || {
      wrong 'release {1} does not render: {2}' "$release" "$(tail -n 1 "$tmp/why")"
      continue
    }
    check_rendered <"$tmp/rendered" >>"$tmp/wrong"
  done <"$tmp/releases"
  for node in $nodes; do
    plan "$node" left-out | awk -v node="$node" '{ print $1, node }'
  done | awk '
    { on[$1] = on[$1] (on[$1] == "" ? "" : " ") $2 }
    END { for (image in on) print "image {1} is not on {2}, and the spec excludes it: load it onto the nodes, or add --allow-missing {1} if no Pod uses it\001" image "\001" on[image] }
  ' >>"$tmp/wrong"
  policy=$(kube run viola-airgap-trial --image=viola.invalid/trial --image-pull-policy=IfNotPresent --restart=Never --dry-run=server \
    -n default -o 'jsonpath={.spec.containers[0].imagePullPolicy}' 2>/dev/null </dev/null)
  case $policy in
    Always) wrong 'the cluster has the AlwaysPullImages admission controller: it pulls every image from a registry, even if the nodes have it; remove it from --enable-admission-plugins of the API server' ;;
    '') say 'note: could not determine whether the cluster always pulls images: it rejected a dry-run Pod' ;;
  esac
  exit_if_wrong 1 'refused before anything was applied'
}

# Finds images and pull policies in rendered manifests line by line. viola-airgap parses YAML
# instead.
check_rendered() {
  awk "$known_as"'
    function plain(value) { gsub(/["'"'"']/, "", value); return value }
    function check_object(   i, object) {
      object = kind " " name
      is_run = hook == "" || hook ~ /(pre|post)-(install|upgrade)/
      if (is_run && kind !~ /^(ConfigMap|Secret|CustomResourceDefinition)$/) {
        if (always) print "{1}: imagePullPolicy is Always, so the node would pull from a registry; set it to IfNotPresent with -f or --set\001" object
        for (i = 1; i <= images; i++) {
          if (!(image[i] in known) && !said[image[i]]++) print "image {1} is not in the bundle (used by {2}): install with the values that the bundle was built for\001" image[i] "\001" object
          else if ((image[i] ~ /:latest$/ || image[i] !~ /[:@][^\/]*$/) && policies < images && !said[object]++) print "{1}: {2} has no pull policy, so the node would pull from a registry; set it to IfNotPresent with -f or --set\001" object "\001" image[i]
        }
      }
      images = policies = always = 0
      kind = name = hook = ""
    }
    FNR == NR {
      if ($1 == "name") known[$3] = 1
      if ($1 == "excluded" || $1 == "allowed") known[$2] = 1
      if ($1 == "spelling") spelled[$2] = $3
      next
    }
    /^---/ { check_object() }
    /^kind: / { kind = plain($2) }
    /^  name: / && name == "" { name = plain($2) }
    /helm\.sh\/hook"?: / { hook = $0 }
    {
      rest = $0
      while (match(rest, /(^|[ {,])"?image"?: +[^ ,}#]+/)) {
        value = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        sub(/^.*image"?: +/, "", value)
        value = plain(value)
        if (value ~ /^[A-Za-z0-9._:\/@-]+$|^\[[0-9A-Fa-f:]+[]A-Za-z0-9._:\/@-]*$/ && value != "null") image[++images] = known_as(value)
      }
      if ($0 ~ /imagePullPolicy"?: /) policies++
      if ($0 ~ /imagePullPolicy"?: +["'"'"']?Always/) always = 1
    }
    END { check_object() }
  ' "$tmp/facts" -
}

install_releases() { # USER-VALUES...
  while read -r number release namespace; do
    say 'installing release {1} into namespace {2}' "$release" "$namespace"
    with_release install "$number" "$release" "$namespace" "$@" >"$tmp/helm" 2>&1 </dev/null || {
      error 'release {1} was not installed: {2}' "$release" "$(grep -v '^ *$' "$tmp/helm" | tail -n 1)"
      if grep -q 'another operation' "$tmp/helm"; then
        say '  what to do: if no other helm is running, an interrupted one left this state. Run helm rollback {1} -n {2} (helm uninstall after a first installation), and run the same command again' "$release" "$namespace"
      else say '  what to do: check kubectl get pods,events -n {1}, and run the same command again' "$namespace"; fi
      exit 1
    }
  done <"$tmp/releases"
  deadline=$(($(date +%s) + $(seconds "$timeout"))) calm=0 last=
  # Operators create Pods after they are ready, so wait until nothing changes for a while.
  while :; do
    while read -r namespace; do pods_of "$namespace"; done <"$tmp/namespaces" | awk '
      $1 == "pod" { pods++; if ($4 == "yes") ready++ }
      $1 == "workload" && $4 < $3 { waiting++ }
      END { printf "%d %d %d\n", ready, pods, waiting }' >"$tmp/state"
    read -r ready pods waiting <"$tmp/state"
    state=$(text '{1} of {2} Pods ready' "$ready" "$pods")
    [ "$waiting" -eq 0 ] || state=$(text '{1}, {2} workloads are incomplete' "$state" "$waiting")
    if [ "$state" = "$last" ]; then calm=$((calm + 1)); else calm=0 last=$state; say '{1}' "$state"; fi
    [ "$ready $waiting" = "$pods 0" ] || calm=0
    [ "$calm" -lt 5 ] || break
    [ "$(date +%s)" -lt "$deadline" ] || { explain_pods; exit 1; }
    in_background sleep 2
  done
  text '{1}: installed; {2}' "$title" "$state"
}
# Prints `pod NAMESPACE NAME yes|no PHASE REASONS` and `workload NAME WANTED READY`.
pods_of() { # NAMESPACE
  kube get pods -n "$1" --request-timeout=15s -o 'jsonpath={range .items[*]}{.metadata.name}|{.metadata.deletionTimestamp}|{.status.phase}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="PodScheduled")].reason} {.status.initContainerStatuses[*].state.waiting.reason} {.status.containerStatuses[*].state.waiting.reason}{"\n"}{end}' 2>/dev/null </dev/null |
    awk -F'|' -v namespace="$1" 'NF > 4 && $2 == "" { print "pod", namespace, $1, ($3 == "Succeeded" || $4 == "True" ? "yes" : "no"), $3, $5 }'
  kube get deployments,statefulsets,daemonsets -n "$1" --request-timeout=15s -o 'jsonpath={range .items[*]}{.kind}/{.metadata.name}|{.spec.replicas}|{.status.desiredNumberScheduled}|{.status.readyReplicas}|{.status.numberReady}{"\n"}{end}' 2>/dev/null </dev/null |
    awk -F'|' 'NF == 5 { print "workload", $1, $2 + $3, $4 + $5 }'
}
explain_pods() {
  error 'some Pods were not ready after {1}:' "$timeout"
  while read -r namespace; do
    pods_of "$namespace" | awk '
      $1 == "pod" && $4 == "no" {
        reasons = ""
        for (i = 6; i <= NF; i++) reasons = reasons (i == 6 ? ": " : ", ") $i
        print "Pod {1} is {2}{3}\001" $2 "/" $3 "\001" $5 "\001" reasons
      }
      $1 == "workload" && $4 < $3 { print "{1} has {2} of {3} Pods ready\001" $2 "\001" $4 "\001" $3 }' | translate | sed 's/^/  - /'
    kube get events -n "$namespace" --field-selector type=Warning --sort-by=.lastTimestamp --no-headers 2>/dev/null </dev/null | tail -n 5 | sed 's/^/    /'
  done <"$tmp/namespaces" >&2
}
seconds() { # 90s, 10m, 1h, 1h30m
  printf '%s\n' "$1" | sed 's/h/ * 3600 + /; s/m/ * 60 + /; s/s$/ + /; s/$/ 0/' | {
    read -r sum
    echo "$(($sum))"
  }
}

# --- main ---

tmp=$(mktemp -d "${TMPDIR:-/tmp}/viola-airgap.XXXXXX") || exit 2
: >"$tmp/wrong"
bundle= bases=0 keys= to= list= check= install= context= allowed= timeout=10m
[ $# -gt 0 ] || { usage >&2; exit 2; }
# The remaining $@ are the user's values for helm.
left=$#
while [ "$left" -gt 0 ]; do
  option=$1
  shift
  left=$((left - 1))
  case $option in
    --*=*)
      set -- "${option%%=*}" "${option#*=}" "$@"
      left=$((left + 2))
      continue
      ;;
    --list) list=yes ;;
    --check) check=yes ;;
    --install) install=yes ;;
    -h | --help) usage; exit 0 ;;
    --base | --to | --context | --kubeconfig | --timeout | --allow-missing | --key | --lang | -f | --values | --set)
      [ "$left" -gt 0 ] || die '{1} needs a value' "$option"
      case $option in
        --base) bases=$((bases + 1)); printf %s "$1" >"$tmp/base.$bases" ;;
        --to) to=$1 ;;
        --context) context=$1 ;;
        --kubeconfig) KUBECONFIG=$1 && export KUBECONFIG ;;
        --timeout) timeout=$1 ;;
        --key)
          keys="${keys:+$keys
}$1"
          ;;
        --lang)
          case $1 in en | ko) lang=$1 ;; *) die '"{1}" is not a language of this script: en or ko' "$1" ;; esac
          ;;
        --allow-missing)
          case $1 in *[!][A-Za-z0-9._:/@-]* | '') die '"{1}" is not an image reference' "$1" ;; esac
          allowed="$allowed $1"
          ;;
        *) set -- "$@" "$option" "$1" ;;
      esac
      shift
      left=$((left - 1))
      ;;
    -*) usage >&2; die 'unknown option {1}' "$option" ;;
    *) [ -z "$bundle" ] || die 'only one bundle is allowed, but got {1} and {2}' "$bundle" "$option"; bundle=$option ;;
  esac
done
[ -n "$bundle" ] || { usage >&2; exit 2; }
case $timeout in *[!0-9hms]* | '' | *[!hms]) die '"{1}" is not a duration: use 90s, 10m or 1h' "$timeout" ;; esac
find_hash

collect_keys
open_bundle
[ -z "$list" ] || { list_images; exit 0; }
verify_files
[ -n "$to" ] || choose_target
if [ "$to" = kind-node-image ]; then
  # From here, the bundle contains only this image.
  sed -e '/^name /d' -e '/^content /d' -e 's/^host-//' "$tmp/facts" >"$tmp/host-facts"
  cat "$tmp/host-facts" >"$tmp/facts"
  grep -q '^name ' "$tmp/facts" || die '{1} has no image of Kind nodes: build it with --with kind-node-image=REFERENCE' "$bundle"
  to=docker VIOLA_SH_ONLY=1 install=
fi
run_viola_airgap "$@"

say '{1} into {2}' "$title" "$to"
find_nodes
[ -z "$install" ] || { prepare_install; require_values "$@"; require_charts; }
plan_nodes
busy=
for node in $nodes; do [ -z "$(plan "$node" need)" ] || busy="$busy $node"; done
[ -z "$busy$check" ] || verify_blobs
[ ! -s "$tmp/wrong" ] || { left=0; while [ "$left" -le "$bases" ]; do blame_parts "$left"; left=$((left + 1)); done; }
if [ -n "$check" ]; then
  for node in $nodes; do
    text '{1} ({2}): {3} of {4} image names missing, {5} to send' "$node" "$(plan "$node" platform)" \
      "$(plan "$node" lack | wc -l | tr -d ' ')" "$(facts name | wc -l | tr -d ' ')" "$(megabytes "$(plan "$node" need)")"
  done
  exit_if_wrong 1 'the bundle cannot be loaded'
  exit 0
fi
exit_if_wrong 2 'nothing was loaded'
if [ -n "$install" ]; then
  extract_releases
  check_install "$@"
fi
[ -z "$busy" ] || load_nodes "$busy"
share
release
count=$(facts name | wc -l | tr -d ' ')
if [ "$to" = docker ] && facts name | grep -q '@.* '; then
  say 'note: {1} does not keep digests of loaded images: {2} names with @sha256 do not resolve there' "$engine" "$(facts name | grep -c '@.* ')"
  count=$(facts name | grep -vc '@.* ')
fi
if [ -n "$busy" ]; then text 'all {1} image names resolve and are complete on {2}' "$count" "$(echo $nodes)"
else text 'all {1} image names resolve and are complete on {2}; nothing was sent' "$count" "$(echo $nodes)"; fi
[ -z "$install" ] || install_releases "$@"
