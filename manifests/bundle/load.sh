#!/bin/sh
# Loads a viola-airgap bundle, and installs what is in it, on a host that has no viola-airgap: POSIX sh, awk, dd, and docker, ctr or k3s.
#   tar -xf BUNDLE load.sh && sh load.sh BUNDLE --help
#
# Nothing is unpacked but charts and values: images go as stretches of the file into `ctr images import`, and only those that are lacking.
# No word of a bundle is ever evaluated: bundle.json is read line by line as `build` writes it (JSON.stringify, one space of indent), every
# value that is used must match a strict set of characters first, and stays quoted data after that.
set -u
LC_ALL=C
export LC_ALL
umask 077

usage() {
  cat <<'U'
usage: sh load.sh BUNDLE [--to TARGET] [--check | --install [OPTIONS]]
  --to TARGET       kind[:CLUSTER], docker, containerd[:SOCKET] or k3s (default: what this host has, in this order but docker last);
                    kind-node-image: only the image of Kind nodes that came along, into docker, for `kind create cluster --image`
  --check           say what is wrong or lacking, and load nothing
  --install         then install the releases with helm, and wait until every Pod is ready
  --context NAME, --kubeconfig FILE    the cluster to install into (default: that of kind:CLUSTER, else the current one)
  -f FILE, --set KEY=VALUE             values that win over the bundle's; may be repeated
  --allow-missing IMAGE                install although the nodes lack this image; may be repeated
  --timeout TIME    how long hooks, and then Pods, may take: 90s, 10m, 1h (default 10m)
Where viola-airgap is on PATH, or comes along in the bundle and finds a Node runtime, it does the work; VIOLA_SH_ONLY=1 forbids that.
Exit codes: 0 done, 1 the answer is no, 2 could not run, 130 interrupted.
U
}

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 2
}
has() { command -v "$1" >/dev/null 2>&1; }

# Everything that is wrong is said at once: `wrong` collects, `stop_if_wrong` ends.
wrong() { printf '%s\n' "$*" >>"$tmp/wrong"; }
stop_if_wrong() { # EXIT-CODE HEADING
  [ -s "$tmp/wrong" ] || return 0
  say "error: $2:"
  sed 's/^/  - /' "$tmp/wrong" >&2
  exit "$1"
}

# --- interruption: what runs in the background is ended, the temporary folder goes ---

tmp=
pids=
clean_up() {
  for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
  for pid in $pids; do wait "$pid" 2>/dev/null; done
  [ -z "$tmp" ] || rm -rf "$tmp"
}
interrupted() {
  trap '' INT TERM HUP
  say interrupted
  exit 130
}
trap clean_up EXIT
trap interrupted INT TERM HUP

# Waits in a way that a signal ends at once, for a shell runs no trap while a command is in the foreground.
in_background() { # COMMAND...
  "$@" &
  pids=$!
  wait "$pids"
  in_background_code=$?
  pids=
  return "$in_background_code"
}

# --- the bundle file, in blocks of 512 bytes ---

# Prints blocks: the first dd goes to the place, as skipping in a file is seeking, and the others go on from there.
blocks() { # FIRST COUNT
  {
    [ "$1" -eq 0 ] || dd bs=512 skip="$(($1 - 1))" count=1 >/dev/null
    [ "$2" -lt 2048 ] || dd bs=1048576 count="$(($2 / 2048))"
    [ "$(($2 % 2048))" -eq 0 ] || dd bs=512 count="$(($2 % 2048))"
  } <"$bundle" 2>/dev/null
}
bytes() { # OFFSET SIZE: offsets are multiples of 512
  blocks "$(($1 / 512))" "$((($2 + 511) / 512))" | head -c "$2"
}

find_hash() {
  if has sha256sum; then
    hash() { sha256sum; }
  elif has shasum; then
    hash() { shasum -a 256; }
  elif has openssl; then
    hash() { openssl dgst -sha256 -r; }
  else die "no sha256sum, shasum or openssl on this host"; fi
}
is_hash() { # HEX, of standard input
  found=$(hash) && [ "${found%% *}" = "$1" ]
}

megabytes() { printf '%s MB' "$((($1 + 999999) / 1000000))"; }

# For awk: a reference as nodes know it.
spelled_out='
  function spelled_out(reference,   at, digest, slash, first, registry, tag) {
    at = index(reference, "@")
    digest = at ? substr(reference, at) : ""
    if (at) reference = substr(reference, 1, at - 1)
    slash = index(reference, "/")
    first = slash ? substr(reference, 1, slash - 1) : ""
    if (first ~ /[.:]/ || first == "localhost") { registry = first; reference = substr(reference, slash + 1) }
    else registry = "docker.io"
    tag = match(reference, /:[^:]*$/) ? substr(reference, RSTART) : ""
    if (tag != "") reference = substr(reference, 1, RSTART - 1)
    if (registry == "docker.io" && reference !~ /\//) reference = "library/" reference
    return registry "/" reference (digest != "" ? digest : tag != "" ? tag : ":latest")
  }
'
INDEX_HEAD='{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":['
export INDEX_HEAD

# Reads bundle.json from standard input. Prints facts, one a line, fields separated by spaces; writes the index.json that images.tar must have
# to $INDEX_FILE. Lines of the JSON are told by their path, such as images//names/ for a name of an image; a list adds an empty part.
read_inventory() {
  awk "$spelled_out"'
    function fail(why) {
      if (!failed) print "bundle.json, line " NR ": " why > "/dev/stderr"
      failed = 1
      exit 1
    }
    function text(pattern, least, most) {
      if (value !~ /^".*"$/) fail("a text was expected")
      value = substr(value, 2, length(value) - 2)
      if (value !~ pattern || length(value) < least || length(value) > most) fail("unusable value")
      return value
    }
    function number() { if (value !~ /^[0-9]+$/ || length(value) > 15) fail("a number was expected"); return value + 0 }
    function digest() { return text("^sha256:[0-9a-f]+$", 71, 71) }
    function name() { return text("^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", 1, 600) }
    function path() {
      text("^[A-Za-z0-9][A-Za-z0-9._+/-]*$", 1, 250)
      if (value ~ /(^|\/)\.*(\/|$)/) fail("unusable path")
      return value
    }
    function label() { return text("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", 1, 253) }
    function platform() { return text("^[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?$", 3, 60) }
    function shown() { gsub(/[^A-Za-z0-9._+ -]/, "?", value); return value }
    function padded(size) { return size + (512 - size % 512) % 512 }
    function fact(kind, rest) { print (is_host ? "host-" : "") kind, rest }
    # Large numbers are printed by format only: mawk rounds them else.
    function whole(size) { return sprintf("%.0f", size) }
    {
      sub(/ +$/, "")
      match($0, /^ */)
      depth = RLENGTH
      value = substr($0, depth + 1)
      sub(/,$/, "", value)
      key = ""
      if (match(value, /^"[A-Za-z0-9]+": /)) {
        key = substr(value, 2, RLENGTH - 4)
        value = substr(value, RLENGTH + 1)
      }
      if (value != "}" && value != "]") part[depth] = key
      at = depth == 0 ? "" : part[1]
      for (i = 2; i <= depth; i++) at = at "/" part[i]
      # Images for the engine of this host read like all others, and get facts of their own.
      is_host = sub(/^hostImages/, "images", at)
    }
    at == "formatVersion" { version = number(); if (version != 1) fail("bundle format " version "; this script reads 1") }
    at == "name" || at == "version" { gsub(/"/, "", value); title[at] = value; fact("bundle-" at, shown()) }
    at == "kubeVersion" { fact("kube", text("^v?[0-9][0-9A-Za-z.+-]*$", 1, 60)) }
    at == "platforms/" { fact("platform", platform()) }
    at == "apiVersions/" { fact("api", text("^[A-Za-z0-9][A-Za-z0-9./-]*$", 1, 253)) }

    at == "releases/" && value == "{" { releases++; values = 0 }
    at == "releases//name" { release = label() }
    at == "releases//namespace" { fact("release", releases " " release " " label()) }
    at == "releases//file" { fact("chart", releases " " path()) }
    at == "releases//values/" { fact("values", releases " " ++values " " path()) }

    at == "images/" && value == "{" { images++; names = 0; split("", root_size) }
    at == "images//names/" { names++; image_name[names] = name() }
    at == "images//digest" { image_digest = digest(); for (i = 1; i <= names; i++) fact("name", images " " image_name[i] " " image_digest) }
    at == "images//mediaType" { image_type = text("^[A-Za-z0-9.+/-]+$", 1, 120) }
    at == "images//manifests//digest" { manifest = digest(); fact("content", images " * manifest " manifest) }
    at == "images//manifests//size" { root_size[manifest] = number() }
    at == "images//platforms//platform" { image_platform = platform() }
    at == "images//platforms//digest" { fact("content", images " " image_platform " root " digest()) }
    at == "images//platforms//config/digest" { fact("content", images " " image_platform " config " digest()) }
    at == "images//platforms//layers//digest" { fact("content", images " " image_platform " layer " digest()) }
    at == "images/" && value == "}" && !is_host {
      for (i = 1; i <= names; i++) {
        entry = "{\"mediaType\":\"" image_type "\",\"digest\":\"" image_digest "\",\"size\":" \
          whole(image_digest in root_size ? root_size[image_digest] : 0) ",\"annotations\":{\"io.containerd.image.name\":\"" image_name[i] \
          "\",\"org.opencontainers.image.ref.name\":\"" image_name[i] "\"}}"
        index_json = index_json (index_json == "" ? "" : ",") entry
        fact("index", image_name[i] " " entry)
      }
    }
    at == "excluded//reference" { fact("excluded", spelled_out(name())) }

    at == "files//path" { file_path = path() }
    at == "files//sha256" { file_hash = text("^[0-9a-f]+$", 64, 64) }
    at == "files//size" { files++; file[files] = file_hash " " file_path; file_size[files] = number() }
    at == "blobs//digest" { blob_digest = digest() }
    at == "blobs//size" { blobs++; blob[blobs] = blob_digest; blob_size[blobs] = number() }
    at == "blobs//offset" { blob_offset[blobs] = number() }

    END {
      if (failed) exit 1
      if (version != 1) fail("no formatVersion")
      note = title["name"] "_" title["version"]
      gsub(/[^A-Za-z0-9._+-]+/, "_", note)
      fact("note", "io.viola-airgap.bundle/" note "=")
      place = 512 + padded(ENVIRON["INVENTORY_SIZE"])
      for (i = 1; i <= files; i++) {
        fact("file", file[i] " " whole(file_size[i]) " " whole(place + 512))
        place += 512 + padded(file_size[i])
      }
      # Before the blobs: the headers of images.tar and oci-layout with its 30 bytes, then index.json, then manifest.json, which only docker reads.
      index_at = place + 2048
      fact("layout", whole(place + 512) " " whole(index_at))
      for (i = 1; i <= blobs; i++) {
        if (blob_offset[i] % 512 || blob_offset[i] < index_at || (i > 1 && blob_offset[i] != end + 512)) fail("blobs are not where they should be")
        fact("blob", blob[i] " " whole(blob_size[i]) " " whole(blob_offset[i]))
        end = blob_offset[i] + padded(blob_size[i])
      }
      if (blobs) fact("size", whole(end + 2048))
      printf "%s%s]}", ENVIRON["INDEX_HEAD"], index_json > ENVIRON["INDEX_FILE"]
    }
  '
}

facts() { # KIND: prints the fields after it
  awk -v kind="$1" '$1 == kind { sub(/^[^ ]* /, ""); print }' "$tmp/facts"
}

open_bundle() {
  [ -f "$bundle" ] && [ -r "$bundle" ] || die "$bundle: no such file, or not to be read"
  [ "$(dd bs=1 count=11 <"$bundle" 2>/dev/null)" = bundle.json ] || die "$bundle: this is no bundle"
  INVENTORY_SIZE=$(dd bs=1 skip=124 count=11 <"$bundle" 2>/dev/null)
  case $INVENTORY_SIZE in *[!0-7]* | '') die "$bundle: this is no bundle" ;; esac
  INVENTORY_SIZE=$((0$INVENTORY_SIZE)) INDEX_FILE=$tmp/index.json
  export INVENTORY_SIZE INDEX_FILE
  bytes 512 "$INVENTORY_SIZE" >"$tmp/bundle.json"
  read_inventory <"$tmp/bundle.json" >"$tmp/facts" 2>"$tmp/why" || die "$bundle is damaged: $(head -n 1 "$tmp/why")"
  # shellcheck disable=SC2086
  [ -z "$allowed" ] || printf '%s\n' $allowed | awk "$spelled_out"'{ print "allowed", spelled_out($1) }' >>"$tmp/facts"
  title="$(facts bundle-name) $(facts bundle-version)"
  read -r layout_at index_at <<F
$(facts layout)
F
  index_size=$(($(wc -c <"$tmp/index.json")))
  size=$(facts size)
  [ -z "$size" ] || [ "$(($(wc -c <"$bundle")))" -eq "$size" ] ||
    die "$bundle: the file has $(($(wc -c <"$bundle"))) bytes and should have $size; copy it again"
}

verify_files() { # but what bin/ holds: that is large, and checked when it is taken out
  facts file >"$tmp/files"
  while read -r sum path length offset; do
    case $path in bin/*) [ -n "$check" ] || continue ;; esac
    bytes "$offset" "$length" | is_hash "$sum" || wrong "$path is damaged: its sha256 is not $sum"
  done <"$tmp/files"
  bytes "$index_at" "$index_size" | cmp -s - "$tmp/index.json" || wrong "index.json of images.tar is not what bundle.json says"
}

verify_blobs() { # every layer, config and manifest
  facts blob >"$tmp/blobs"
  total=$(awk '{ sum += $2 } END { printf "%.0f", sum }' "$tmp/blobs")
  say "verifying $(megabytes "$total") of images"
  done_bytes=0 tenth=1
  while read -r digest length offset; do
    bytes "$offset" "$length" | is_hash "${digest#sha256:}" ||
      wrong "$digest is damaged; it is part of $(awk -v digest="$digest" '
        $1 == "name" { name[$2] = name[$2] == "" ? $3 : name[$2] }
        $1 == "content" && $5 == digest && !seen[$2]++ { list = list (list == "" ? "" : ", ") name[$2] }
        END { print list }' "$tmp/facts")"
    done_bytes=$((done_bytes + length))
    report "verified" "$done_bytes" "$total"
  done <"$tmp/blobs"
}

# Says every tenth once.
report() { # WHAT DONE TOTAL; keeps count in $tenth
  [ "$3" -gt 20000000 ] || return 0
  [ "$(($2 * 10 / $3))" -lt "$tenth" ] || {
    tenth=$(($2 * 10 / $3 + 1))
    say "$1 $(($2 * 100 / $3)) % of $(megabytes "$3")"
  }
}

# Puts a file of the bundle where it is asked for, if its checksum is right.
extract() { # PATH FILE
  awk -v path="$1" '$2 == path' "$tmp/files" >"$tmp/entry"
  read -r sum _ length offset <"$tmp/entry" || die "$bundle holds no $1"
  bytes "$offset" "$length" >"$2"
  is_hash "$sum" <"$2" || die "$1 is damaged: its sha256 is not $sum"
}
is_carried() { awk -v path="$1" '$2 == path { found = 1 } END { exit !found }' "$tmp/files"; }

# Finds a program on PATH or in the bundle; puts what the bundle brings on PATH.
find_program() { # NAME ARGUMENT-THAT-MAKES-IT-ANSWER
  has "$1" && return 0
  is_carried "bin/$1" || return 1
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

# --- viola-airgap itself, where it can run ---

is_node_new_enough() {
  has node && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 18) ? 0 : 1)' 2>/dev/null
}
hand_over() { # USER-VALUES...
  [ -z "${VIOLA_SH_ONLY:-}$check" ] || return 0
  if has viola-airgap && viola-airgap --version >/dev/null 2>&1; then
    cli=viola-airgap
  elif is_carried bin/viola-airgap; then
    awk -v node="$(is_node_new_enough || echo bin/node)" '$2 ~ /^bin\/(viola-airgap$|lib\/)/ || $2 == node { print $2 }' "$tmp/files" >"$tmp/carried"
    while read -r path; do
      mkdir -p "$tmp/${path%/*}"
      extract "$path" "$tmp/$path"
      case $path in bin/lib/*) ;; *) chmod +x "$tmp/$path" ;; esac
    done <"$tmp/carried"
    cli=$tmp/bin/viola-airgap
    "$cli" --version >/dev/null 2>&1 || {
      say "note: viola-airgap is in the bundle, but no Node 20.18 or newer that runs here; going on without"
      return 0
    }
  else return 0; fi
  # A target that it does not know or does not reach, such as Kind in podman, is left to this script, which says what is wrong with it.
  in_background "$cli" doctor --to "$to" --kubeconfig /dev/null >/dev/null 2>&1 || {
    say "note: viola-airgap does not reach $to; going on without"
    return 0
  }
  if [ -n "$install" ]; then
    find_program helm version || :
    find_program kubectl --help || :
  fi
  say "viola-airgap does the work"
  for image in ${install:+$allowed}; do set -- --allow-missing "$image" "$@"; done
  in_background "$cli" load "$bundle" --to "$to" ${install:+--install --timeout "$timeout"} ${context:+--context "$context"} "$@"
  exit $?
}

# --- nodes: Kind's through docker exec, or this host itself ---

engine=
find_engine() {
  [ -z "$engine" ] || return 0
  for engine in docker nerdctl podman; do
    has "$engine" || continue
    "$engine" ps >/dev/null 2>&1 && return 0
    say "note: $engine does not answer"
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
  else die "found neither docker (nerdctl, podman) that answers, nor ctr with a running containerd, nor k3s: nothing to load into"; fi
}

# Sets $nodes, and $ctr for how ctr is called there.
find_nodes() {
  ctr=ctr nodes=localhost cluster=
  case $to in
    kind | kind:?*)
      nodes=
      find_engine || { wrong "no docker (nor nerdctl or podman) answers: is it running, and may you use it?"; return; }
      list_kind >"$tmp/kind"
      clusters=$(awk '!seen[$3]++ { printf "%s%s", n++ ? " " : "", $3 }' "$tmp/kind")
      cluster=${to#kind}
      cluster=${cluster#:}
      [ -n "$cluster" ] || case $clusters in *' '*) cluster=kind ;; *) cluster=$clusters ;; esac
      awk -v cluster="$cluster" '$3 == cluster' "$tmp/kind" >"$tmp/nodes"
      [ -s "$tmp/nodes" ] || wrong "no Kind cluster \"${cluster:-kind}\" in $engine; there are: ${clusters:-none}; name it with --to kind:CLUSTER"
      while read -r node state _; do
        case $state in
          running) nodes="$nodes $node" ;;
          paused) wrong "node $node is paused: $engine unpause $node" ;;
          *) wrong "node $node does not run ($state): $engine start $node" ;;
        esac
      done <"$tmp/nodes"
      ;;
    containerd | containerd:?*)
      has ctr || { wrong "no ctr on PATH"; nodes=; }
      [ "$to" = containerd ] || { CONTAINERD_ADDRESS=${to#containerd:} && export CONTAINERD_ADDRESS; }
      ;;
    k3s) ctr="k3s ctr"; has k3s || { wrong "no k3s on PATH"; nodes=; } ;;
    docker) find_engine || { wrong "no docker (nor nerdctl or podman) answers: is it running, and may you use it?"; nodes=; } ;;
    *) usage >&2; die "\"$to\" is no target that this script knows" ;;
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
# Prints what a node says of itself: its machine, its disk, and the images and content that it has.
ask_node() { # NODE
  case $to in
    docker)
      arch=$("$engine" version --format '{{.Server.Arch}}' 2>/dev/null) || arch=$(uname -m)
      echo "machine $arch"
      root=$("$engine" info --format '{{.DockerRootDir}}') && [ -d "$root" ] && df -Pk "$root" | awk 'END { print "disk", $1, $4 }'
      awk '$1 == "name" { print $3 } $1 == "excluded" { print $2 }' "$tmp/facts" | grep -v @ | while read -r name; do
        printf 'docker %s %s\n' "$name" "$("$engine" image inspect --format '{{.Id}}' "$name" </dev/null 2>/dev/null)"
      done
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

# Compares answers of a node (standard input) with the facts. Prints: platform P; without NAME (no content for this platform); lack NAME IMAGE;
# share NAME (there, and brought by another bundle alone); left-out NAME (excluded from the bundle, and not there); config and layer IMAGE DIGEST;
# range FIRST COUNT of blocks in pieces of 64 MiB; need BYTES.
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
      if ($1 == "blob") { blob[++blobs] = $2; size[$2] = $3; offset[$2] = $4 }
      if ($1 == "excluded") excluded[++exclusions] = $2
      if ($1 == "allowed") allowed[$2] = 1
      if ($1 == "note") note = $2
      next
    }
    $1 == "machine" { candidates = accepted($2) }
    $1 == "disk" { print }
    $1 == "content" { present[$2] = 1 }
    $1 == "docker" { loaded[$2] = $3 ~ /:/ ? $3 : "sha256:" $3 }
    $1 == "listed" { if (index($0, "io.viola-airgap.bundle/") && !index($0, note)) is_others[$2] = 1; next }
    $4 == "complete" { split(substr($5, 2), counts, "[/)]"); if (counts[1] == counts[2]) complete[$1] = $3 }
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
        for (j = 1; j <= contents[i]; j++) {
          split(content[i, j], part, " ")
          if ((part[1] == platform ? part[2] != "root" : part[2] == "manifest" && !is_engine) && !(part[3] in present)) send[part[3]] = 1
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
        for (; from < to; from += 131072) printf "range %.0f %.0f\n", from, (to - from > 131072 ? 131072 : to - from)
      }
      printf "need %.0f\n", need
    }
  ' "$tmp/facts" -
}
plan() { # NODE KIND: the fields after it
  awk -v kind="$2" '$1 == kind { sub(/^[^ ]* /, ""); print }' "$tmp/plan.$1"
}

survey() {
  TO=${to%%:*}
  export TO
  for node in $nodes; do
    if ! ask_node "$node" >"$tmp/answer" 2>"$tmp/why"; then
      wrong "$node does not answer: $(tail -n 1 "$tmp/why")"
      : >"$tmp/plan.$node"
      continue
    fi
    compare <"$tmp/answer" >"$tmp/plan.$node"
    lacking=$(plan "$node" without | wc -l)
    [ "$lacking" -eq 0 ] || wrong "$node runs $(plan "$node" platform), and the bundle (built for $(facts platform | tr '\n' ' ')) has no content for it of $(plan "$node" without | head -n 3 | tr '\n' ' ')$([ "$lacking" -le 3 ] || echo "and $((lacking - 3)) more")"
  done
  # Nodes of one machine share its disk: what they need is added up by device. Docker unpacks at once.
  for node in $nodes; do
    echo "$node $(plan "$node" disk) $(plan "$node" need)"
  done | awk -v factor="$([ "$to" = docker ] && echo 3 || echo 1)" '
    NF == 4 { need[$2] += $4 * factor; free[$2] = $3 * 1024; nodes[$2] = nodes[$2] " " $1 }
    END { for (disk in need) if (need[disk] > free[disk]) printf "too little room for%s: %.0f MB are needed and %.0f MB are free\n", nodes[disk], need[disk] / 1e6, free[disk] / 1e6 }
  ' >>"$tmp/wrong"
}

# --- loading ---

zeros() { dd if=/dev/zero bs=512 count="$1" 2>/dev/null; }

# Prints an OCI image layout with what the node lacks. Its index names nothing else: containerd 2 takes all labels off a name that it imports,
# and with them the notes of other bundles. oci-layout, a header and 30 bytes, is as it stands in the bundle.
feed() { # NODE
  blocks "$((layout_at / 512))" 2
  awk '
    FNR == NR { if ($1 == "lack") lacks[$2]; next }
    $1 == "index" && $2 in lacks { entries = entries (entries == "" ? "" : ",") $3 }
    END { printf "%s%s]}", ENVIRON["INDEX_HEAD"], entries }
  ' "$tmp/plan.$1" "$tmp/facts" >"$tmp/index.$1"
  tar_entry index.json "$tmp/index.$1"
  plan "$1" range | feed_ranges "$1"
  zeros 2
}
feed_ranges() { # NODE
  total=$(plan "$1" need) done_bytes=0 tenth=1
  while read -r first count; do
    blocks "$first" "$count"
    done_bytes=$((done_bytes + count * 512))
    [ "$done_bytes" -le "$total" ] || done_bytes=$total
    report "$1: sent" "$done_bytes" "$total"
  done
}
# Prints a docker archive with the images that the engine lacks, of its platform; manifest.json of the bundle is for another set of them.
feed_docker() {
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
  plan localhost range | feed_ranges localhost
  zeros 2
}
# Prints a tar entry, mode 644. The checksum is the sum of all bytes of the header, its own field counted as spaces; od adds them up.
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
import() { # NODE; takes the place of the shell that it runs in, so that whoever ends this shell ends the import
  case $to in
    docker) exec "$engine" load ;;
    kind*) exec "$engine" exec -i "$1" ctr -n k8s.io images import --no-unpack --platform "$(plan "$1" platform)" - ;;
    *) exec $ctr -n k8s.io images import --no-unpack --platform "$(plan "$1" platform)" - ;;
  esac
}
# Pinned names are kept from garbage collection by the kubelet since containerd 1.6.22 and 1.7.3; notes tell `unload` what a bundle brought.
mark() { # NODE KIND LABELS: labels the names of a kind in the plan of the node
  # shellcheck disable=SC2016,SC2086
  [ "$to" = docker ] || plan "$1" "$2" | awk '{ print $1 }' | on "$1" sh -c '
    labels=$1
    shift
    while read -r name; do "$@" -n k8s.io images label "$name" $labels >/dev/null </dev/null || exit 1; done' sh "$3" $ctr
}

load_nodes() { # NODES
  : >"$tmp/imports"
  for node in $1; do
    say "$node: sending $(megabytes "$(plan "$node" need)") for $(plan "$node" lack | wc -l | tr -d ' ') image names"
    if [ "$to" = docker ]; then feed_docker; else feed "$node"; fi | import "$node" >"$tmp/log.$node" 2>&1 &
    pids="$pids $!"
    echo "$! $node" >>"$tmp/imports"
  done
  while read -r pid node; do
    wait "$pid" || { wrong "$node: the import failed: $(grep -v '^ *$' "$tmp/log.$node" | tail -n 1)"; continue; }
    # The node itself is asked again: an import that ended well proves nothing.
    ask_node "$node" </dev/null 2>/dev/null | compare >"$tmp/plan.after"
    awk -v node="$node" '$1 == "lack" || $1 == "without" { print node ": " $2 " is not complete after loading" }' "$tmp/plan.after" >>"$tmp/wrong"
    grep -q '^lack' "$tmp/plan.after" || mark "$node" lack "io.cri-containerd.pinned=pinned $(facts note)brought" 2>"$tmp/why" ||
      wrong "$node: images cannot be pinned: $(tail -n 1 "$tmp/why")"
  done <"$tmp/imports"
  pids=
  stop_if_wrong 2 "not all was loaded; load again, what has arrived is not sent twice"
}
# Notes on what other bundles brought that this one needs it, too.
share() {
  for node in $nodes; do
    [ -z "$(plan "$node" share)" ] || mark "$node" share "$(facts note)brought" 2>"$tmp/why" || wrong "$node: images cannot be labelled: $(tail -n 1 "$tmp/why")"
  done
  stop_if_wrong 2 "all is loaded, but not noted"
}

# --- installing ---

kube() { kubectl ${context:+--context "$context"} "$@"; }

prepare_install() {
  find_program helm version || wrong "helm is neither on PATH nor in the bundle, and --install needs it"
  find_program kubectl --help || { wrong "kubectl is neither on PATH nor in the bundle, and --install needs it"; return; }
  # Kind writes contexts of this name into the kubeconfig.
  if [ -z "$context" ] && [ -n "$cluster" ] && kubectl config get-contexts -o name 2>/dev/null | grep -qx "kind-$cluster"; then
    context=kind-$cluster
  fi
  kube get --raw /version --request-timeout=15s >"$tmp/version" 2>"$tmp/why" || { wrong "the cluster${context:+ of context $context} is not reachable: $(tail -n 1 "$tmp/why")"; return; }
  kube get nodes --request-timeout=15s -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' >"$tmp/kube-nodes" 2>/dev/null
  others=$(grep -vxF "$(printf '%s\n' $nodes)" "$tmp/kube-nodes" | tr '\n' ' ')
  case $to in
    kind*) [ -z "$others" ] || wrong "the cluster${context:+ of context $context} has nodes that are not of Kind cluster $cluster: $others" ;;
    *) [ "$(wc -l <"$tmp/kube-nodes")" -le 1 ] || say "note: the cluster has other nodes; this script must have loaded each: $others" ;;
  esac
  facts release | awk '!seen[$3]++ { print $3 }' >"$tmp/namespaces"
  while read -r namespace; do
    [ "$(kube get namespace "$namespace" --request-timeout=15s -o 'jsonpath={.status.phase}' 2>/dev/null </dev/null)" != Terminating ] ||
      wrong "namespace $namespace is being deleted: wait until it is gone (kubectl wait --for=delete namespace/$namespace); what holds it up stands in its status"
  done <"$tmp/namespaces"
}

# Lays out charts and values as files with names of our own; no name of the bundle is a file name.
lay_out() {
  facts release >"$tmp/releases"
  facts chart >"$tmp/charts"
  facts values >"$tmp/values"
  while read -r number path; do extract "$path" "$tmp/chart.$number.tgz"; done <"$tmp/charts"
  while read -r number index path; do extract "$path" "$tmp/values.$number.$index.yaml"; done <"$tmp/values"
}
with_release() { # template|install NUMBER NAME NAMESPACE USER-VALUES...: later values win, so the user's come last
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

# Refuses before anything is applied: images that the bundle does not have, and pulls from a registry. What the spec left out was found to be
# needed, perhaps by an operator that no manifest shows, so the nodes must have it from elsewhere.
guard() { # USER-VALUES...
  say "checking what would be installed"
  kube_version=$(sed -n 's/.*"gitVersion": *"\(v[0-9][0-9A-Za-z.+-]*\)".*/\1/p' "$tmp/version")
  {
    facts api
    kube api-versions 2>/dev/null
    kube api-resources --no-headers 2>/dev/null | awk 'NF > 3 { print $(NF - 2) "/" $NF }'
  } | grep -x '[A-Za-z0-9./-]*' >"$tmp/apis"
  while read -r number release namespace; do
    with_release template "$number" "$release" "$namespace" "$@" >"$tmp/rendered" 2>"$tmp/why" </dev/null || {
      wrong "release $release does not render: $(tail -n 1 "$tmp/why")"
      continue
    }
    judge_rendered <"$tmp/rendered" >>"$tmp/wrong"
  done <"$tmp/releases"
  for node in $nodes; do
    plan "$node" left-out | awk -v node="$node" '{ print $1, node }'
  done | awk '
    { on[$1] = on[$1] " " $2 }
    END { for (image in on) print "image " image " is not on" on[image] ", and the bundle leaves it out: get it onto the nodes, or, if no Pod will start it, add --allow-missing " image }
  ' >>"$tmp/wrong"
  policy=$(kube run viola-airgap-trial --image=viola.invalid/trial --image-pull-policy=IfNotPresent --restart=Never --dry-run=server \
    -n default -o 'jsonpath={.spec.containers[0].imagePullPolicy}' 2>/dev/null </dev/null)
  case $policy in
    Always) wrong "the cluster has the AlwaysPullImages admission controller: it asks a registry for every image, whatever is on the nodes; take it out of --enable-admission-plugins of the API server" ;;
    '') say "note: whether the cluster pulls every image anew could not be found out: it refused a trial Pod" ;;
  esac
  stop_if_wrong 1 "refused before anything was applied"
}

# Looks for images and pull policies in rendered manifests, line by line: the simple form of what viola-airgap does.
judge_rendered() {
  awk "$spelled_out"'
    function plain(value) { gsub(/["'"'"']/, "", value); return value }
    function judge(   i, object) {
      object = kind " " name
      is_run = hook == "" || hook ~ /(pre|post)-(install|upgrade)/
      if (is_run && kind !~ /^(ConfigMap|Secret|CustomResourceDefinition)$/) {
        if (always) print object ": imagePullPolicy is Always, so a registry would be asked; set it to IfNotPresent with -f or --set"
        for (i = 1; i <= images; i++) {
          if (!(image[i] in known) && !said[image[i]]++) print "image " image[i] " is not in the bundle (wanted by " object "): install with the values that the bundle was built for"
          else if (image[i] ~ /:latest$/ && policies < images && !said[object]++) print object ": " image[i] " has no pull policy, so a registry would be asked; set it to IfNotPresent with -f or --set"
        }
      }
      images = policies = always = 0
      kind = name = hook = ""
    }
    FNR == NR { if ($1 == "name") known[$3] = 1; if ($1 == "excluded" || $1 == "allowed") known[$2] = 1; next }
    /^---/ { judge() }
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
        if (value ~ /^[A-Za-z0-9][A-Za-z0-9._:\/@-]*$/ && value != "null") image[++images] = spelled_out(value)
      }
      if ($0 ~ /imagePullPolicy"?: /) policies++
      if ($0 ~ /imagePullPolicy"?: +["'"'"']?Always/) always = 1
    }
    END { judge() }
  ' "$tmp/facts" -
}

install_releases() { # USER-VALUES...
  while read -r number release namespace; do
    say "installing release $release into namespace $namespace"
    with_release install "$number" "$release" "$namespace" "$@" >"$tmp/helm" 2>&1 </dev/null || {
      say "error: release $release was not installed: $(grep -v '^ *$' "$tmp/helm" | tail -n 1)"
      if grep -q 'another operation' "$tmp/helm"; then
        say "  what to do: when no other helm is at work, an interrupted one left this: helm rollback $release -n $namespace, or helm uninstall for a first installation; then again"
      else say "  what to do: see kubectl get pods,events -n $namespace; the same command tries again"; fi
      exit 1
    }
  done <"$tmp/releases"
  deadline=$(($(date +%s) + $(seconds "$timeout"))) calm=0 last=
  # Operators make more Pods after the first are ready: the end is when nothing changes for a while.
  while :; do
    state=$(while read -r namespace; do pods_of "$namespace"; done <"$tmp/namespaces" | awk '
      $1 == "pod" { pods++; if ($4 == "yes") ready++ }
      $1 == "workload" && $4 < $3 { waiting++ }
      END { printf "%d of %d Pods ready%s", ready, pods, waiting ? ", " waiting " workloads have too few" : "" }')
    if [ "$state" = "$last" ]; then calm=$((calm + 1)); else calm=0 last=$state; say "$state"; fi
    case $state in *workloads*) calm=0 ;; "${state%% *} of ${state%% *} "*) ;; *) calm=0 ;; esac
    [ "$calm" -lt 5 ] || break
    [ "$(date +%s)" -lt "$deadline" ] || { explain_pods; exit 1; }
    in_background sleep 2
  done
  printf '%s: installed; %s\n' "$title" "$state"
}
# Prints `pod NAMESPACE NAME yes|no PHASE REASONS` and `workload NAME WANTED READY`.
pods_of() { # NAMESPACE
  kube get pods -n "$1" --request-timeout=15s -o 'jsonpath={range .items[*]}{.metadata.name}|{.metadata.deletionTimestamp}|{.status.phase}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="PodScheduled")].reason} {.status.initContainerStatuses[*].state.waiting.reason} {.status.containerStatuses[*].state.waiting.reason}{"\n"}{end}' 2>/dev/null </dev/null |
    awk -F'|' -v namespace="$1" 'NF > 4 && $2 == "" { print "pod", namespace, $1, ($3 == "Succeeded" || $4 == "True" ? "yes" : "no"), $3, $5 }'
  kube get deployments,statefulsets,daemonsets -n "$1" --request-timeout=15s -o 'jsonpath={range .items[*]}{.kind}/{.metadata.name}|{.spec.replicas}|{.status.desiredNumberScheduled}|{.status.readyReplicas}|{.status.numberReady}{"\n"}{end}' 2>/dev/null </dev/null |
    awk -F'|' 'NF == 5 { print "workload", $1, $2 + $3, $4 + $5 }'
}
explain_pods() {
  say "error: not every Pod was ready after $timeout:"
  while read -r namespace; do
    pods_of "$namespace" | awk '
      $1 == "pod" && $4 == "no" { printf "  - Pod %s/%s is %s", $2, $3, $5; for (i = 6; i <= NF; i++) printf "%s%s", (i == 6 ? ": " : ", "), $i; print "" }
      $1 == "workload" && $4 < $3 { print "  - " $2 " has " $4 " of " $3 " Pods ready" }'
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

bundle= to= check= install= context= allowed= timeout=10m
[ $# -gt 0 ] || { usage >&2; exit 2; }
# What is left in $@ at the end are the user's values, for helm.
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
    --check) check=yes ;;
    --install) install=yes ;;
    -h | --help) usage; exit 0 ;;
    --to | --context | --kubeconfig | --timeout | --allow-missing | -f | --values | --set)
      [ "$left" -gt 0 ] || die "$option needs a value"
      case $option in
        --to) to=$1 ;;
        --context) context=$1 ;;
        --kubeconfig) KUBECONFIG=$1 && export KUBECONFIG ;;
        --timeout) timeout=$1 ;;
        --allow-missing)
          case $1 in *[!A-Za-z0-9._:/@-]* | '') die "\"$1\" is no image" ;; esac
          allowed="$allowed $1"
          ;;
        *) set -- "$@" "$option" "$1" ;;
      esac
      shift
      left=$((left - 1))
      ;;
    -*) usage >&2; die "unknown option $option" ;;
    *) [ -z "$bundle" ] || die "one bundle at a time: $bundle, $option"; bundle=$option ;;
  esac
done
[ -n "$bundle" ] || { usage >&2; exit 2; }
case $timeout in *[!0-9hms]* | '' | *[!hms]) die "\"$timeout\" is not a time: write 90s, 10m or 1h" ;; esac
find_hash
tmp=$(mktemp -d "${TMPDIR:-/tmp}/viola-airgap.XXXXXX") || exit 2
: >"$tmp/wrong"

open_bundle
verify_files
[ -n "$to" ] || choose_target
if [ "$to" = kind-node-image ]; then
  # From here on this image is the whole bundle.
  sed -e '/^name /d' -e '/^content /d' -e 's/^host-//' "$tmp/facts" >"$tmp/host-facts"
  mv "$tmp/host-facts" "$tmp/facts"
  grep -q '^name ' "$tmp/facts" || die "$bundle holds no image of Kind nodes: build it with --with kind-node-image=REFERENCE"
  to=docker VIOLA_SH_ONLY=1 install=
fi
hand_over "$@"

say "$title into $to"
find_nodes
[ -z "$install" ] || prepare_install
survey
busy=
for node in $nodes; do [ -z "$(plan "$node" need)" ] || busy="$busy $node"; done
[ -z "$busy$check" ] || verify_blobs
if [ -n "$check" ]; then
  for node in $nodes; do
    echo "$node ($(plan "$node" platform)): $(plan "$node" lack | wc -l | tr -d ' ') of $(facts name | wc -l | tr -d ' ') image names lacking, $(megabytes "$(plan "$node" need)") to send"
  done
  stop_if_wrong 1 "the bundle could not be loaded like this"
  exit 0
fi
stop_if_wrong 2 "nothing was loaded"
if [ -n "$install" ]; then
  lay_out
  guard "$@"
fi
[ -z "$busy" ] || load_nodes "$busy"
share
count=$(facts name | wc -l | tr -d ' ')
if [ "$to" = docker ] && facts name | grep -q '@.* '; then
  say "note: $engine forgets digests of what it loads: $(facts name | grep -c '@.* ') names with @sha256 do not resolve there"
  count=$(facts name | grep -vc '@.* ')
fi
echo "all $count image names resolve and are complete on $(echo $nodes)$([ -n "$busy" ] || echo '; nothing was to be sent')"
[ -z "$install" ] || install_releases "$@"
