// What runs inside a node: POSIX sh for dash and busybox. Nothing of a bundle is ever part of a script; names come as arguments or as
// lines on standard input.

import type { NodeImage } from "../../core/load/node.js";

const CTR = "ctr -n k8s.io";

/** Kept from garbage collection by the kubelet since containerd 1.6.22 and 1.7.3; older ones take no notice. */
const PIN = "io.cri-containerd.pinned=pinned";

/** Prints device and free kB of the disk with the content store, wherever that is; nothing where it cannot be found. No arguments. */
export const FREE_SPACE = `
root=$(ctr plugins ls -d id==content | sed -n 's/^ *root  *//p' | head -n 1)
[ -d "$root" ] || exit 0
printf '%s %s\\n' "$(stat -c %d "$root")" "$(df -Pk "$root" | awk 'END { print $(NF - 2) }')"`;

/** Prints the machine's architecture; fails when containerd does not answer. No arguments. */
export const DESCRIBE = `ctr version >/dev/null && uname -m`;

/**
 * Proxies are forgotten: what is asked for is on this very machine. The endpoint is `server` as well as a host, or containerd would go on
 * to the registry itself where the endpoint says no; without a `[host]` table containerd 1.6 refuses the file.
 * https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
const HOSTS = `
hosts() { # ENDPOINT FOLDER
  mkdir -p "$2/_default"
  printf '# by viola-airgap\\nserver = "%s/v2"\\n[host."%s/v2"]\\noverride_path = true\\n' "$1" "$1" > "$2/_default/hosts.toml"
}`;

/**
 * A script that starts a job at once for every line on standard input; each job answers with a line `done SUBJECT` or
 * `failed SUBJECT WHY`. How many run at a time is decided by who writes the lines. The end of standard input, wished or because the
 * writer is gone, ends what still runs and takes the folder away. /run is memory in a Kind node.
 */
function jobScript(prepare: string, job: string): string {
  return `
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY
dir=$(mktemp -d /run/viola-airgap.XXXXXX) || exit 1
${HOSTS}
failed() { # SUBJECT MESSAGE
  printf 'failed %s %s\\n' "$1" "$(printf '%s' "$2" | tail -n 1 | cut -c 1-400)"
}
${prepare}
job() {${job}
}
while read -r a b; do job "$a" "$b" & done
trap : TERM
kill -TERM 0
wait
rm -rf "$dir"`;
}

/** Argument: name of an image. Lines: `ENDPOINT`. A job is done when the image is found at the endpoint. */
export const PROBE = jobScript(
  `name=$1`,
  `
  folder=$(mktemp -d "$dir/XXXXXX")
  hosts "$1" "$folder"
  if message=$(${CTR} content fetch-object --hosts-dir "$folder" "$name" 2>&1 >/dev/null); then
    printf 'done %s\\n' "$1"
  else
    failed "$1" "$message"
  fi`,
);

/**
 * Arguments: the endpoint, a label. Lines: `PLATFORM NAME`. A job is done when the name is known with all content of the platform.
 * ctr 2 fetches configs of all platforms, which no bundle has, unless told to skip them; ctr 1 does not know the flag.
 */
export const FETCH = jobScript(
  `hosts "$1" "$dir"
label=$2
case $(ctr content fetch --help) in *--skip-metadata*) skip=--skip-metadata ;; *) skip= ;; esac`,
  `
  if message=$(${CTR} content fetch --hosts-dir "$dir" --label ${PIN} --label "$label" $skip --platform "$1" "$2" 2>&1 >/dev/null); then
    printf 'done %s\\n' "$2"
  else
    failed "$2" "$message"
  fi`,
);

/** Arguments: platform. Standard input is an OCI archive. */
export const IMPORT = `${CTR} images import --no-unpack --platform "$1" - >/dev/null`;

/**
 * Argument: the endpoint. Answers `done mirror`, or `failed mirror WHY`; at the end of standard input everything is put back. What was in
 * containerd's folder of registry settings waits in a folder beside it, which a rehearsal that was cut off with its node has left, too.
 * Images that came meanwhile go, as soon as nothing runs from them.
 */
export const MIRROR = `
${HOSTS}
say() { printf '%s mirror %s\\n' "$1" "$2"; }
folder=$({ containerd config dump 2>/dev/null || cat /etc/containerd/config.toml; } |
  sed -n "s/^ *config_path *= *[\\"']\\([^\\"':][^\\"':]*\\).*/\\1/p" | head -n 1)
[ -n "$folder" ] || { say failed no-config-path; exit 1; }
saved=$folder.viola-airgap
put_back() {
  [ -d "$saved" ] || return 0
  ! grep -qs '^# by viola-airgap' "$folder/_default/hosts.toml" || rm -rf "$folder/_default"
  for entry in "$saved"/*; do [ ! -e "$entry" ] || mv "$entry" "$folder/"; done
  [ ! -e "$saved/.made" ] || rmdir "$folder"
  rm -rf "$saved"
}
owner=$(cat "$saved/.owner" 2>/dev/null) && kill -0 "$owner" 2>/dev/null && { say failed in-use; exit 1; }
put_back
mkdir -p "\${folder%/*}" && mkdir "$saved" && echo $$ > "$saved/.owner" || { say failed "$saved cannot be made"; exit 1; }
[ -d "$folder" ] || { : > "$saved/.made"; mkdir -p "$folder"; }
before=$(${CTR} images ls -q)
for entry in "$folder"/*; do [ ! -e "$entry" ] || mv "$entry" "$saved/"; done
hosts "$1" "$folder"
say done
while read -r _; do :; done
put_back
new() { # names that came meanwhile: busy while a process runs from their content
  { printf '%s\\n' "$before" | sed 's/^/before /'
    ${CTR} tasks ls | sed '1d; s/^/task /'
    ${CTR} containers ls | sed '1d; s/^/container /'
    ${CTR} images ls | sed '1d; s/^/image /'
  } | awk '$1 == "before" { old[$2] } $1 == "task" && $4 == "RUNNING" { runs[$2] }
      $1 == "container" && ($2 in runs) { used[$3] } $1 == "image" { of[$2] = $4 }
      END { for (n in of) if (n in used) busy[of[n]]
            for (n in of) if (!(n in old)) print (of[n] in busy ? "busy" : "free"), n }'
}
for _ in 1 2 3 4 5 6 7 8 9 10; do
  new | grep -q ^busy || break
  sleep 1
done
new | sed -n 's/^free //p' | while read -r name; do ${CTR} images rm "$name" >/dev/null 2>&1; done`;

const FOR_EACH_NAME = 'label=$1; shift; for name in "$@"; do';

/** Arguments: a label, names to pin and to give it to. */
export const PIN_NAMES = `${FOR_EACH_NAME} ${CTR} images label "$name" ${PIN} "$label" >/dev/null || exit 1; done`;

/** Arguments: a label (without a value it is taken away), names. */
export const LABEL_NAMES = `${FOR_EACH_NAME} ${CTR} images label "$name" "$label" >/dev/null || exit 1; done`;

/** Arguments: digests of images. */
export const UNPACK = `for digest in "$@"; do ${CTR} snapshots unpack "$digest" >/dev/null || exit 1; done`;

/** Arguments: names. Returns when the garbage collection that follows has ended. */
export const REMOVE = `${CTR} images rm --sync "$@" >/dev/null`;

const LABEL_PREFIX = "io.viola-airgap.bundle/";

/** Returns the label that says that a bundle brought a name. */
export function bundleLabel(bundle: string): string {
  return `${LABEL_PREFIX}${bundle}=brought`;
}

/** Returns the same label without a value, which takes it away. */
export function noBundleLabel(bundle: string): string {
  return `${LABEL_PREFIX}${bundle}=`;
}

/** `ctr images ls`: REF TYPE DIGEST SIZE PLATFORMS LABELS. */
export const LIST_IMAGES: readonly string[] = ["ctr", "-n", "k8s.io", "images", "ls"];

/** `ctr containers ls`: CONTAINER IMAGE RUNTIME. The sandboxes of Pods are among them. */
export const LIST_CONTAINERS: readonly string[] = ["ctr", "-n", "k8s.io", "containers", "ls"];

/** Reads what LIST_IMAGES prints. */
export function parseImages(output: string): readonly NodeImage[] {
  return output.split("\n").flatMap((line) => {
    const [, name, digest] = /^(\S+)\s+\S+\s+(sha256:[0-9a-f]{64})\s/.exec(line) ?? [];
    if (name === undefined || digest === undefined) return [];
    const bundles = [...line.matchAll(/io\.viola-airgap\.bundle\/([^=,\s]+)=/g)].flatMap(
      ([, one]) => one ?? [],
    );
    return [{ name, digest, bundles }];
  });
}

/** Arguments of `ctr` that list the state of exactly these names. */
export function checkArguments(names: readonly string[]): readonly string[] {
  return ["ctr", "-n", "k8s.io", "images", "check", ...names.map((name) => `name==${name}`)];
}

/** Arguments of `ctr` that list the digests in the content store. */
export const LIST_BLOBS: readonly string[] = ["ctr", "-n", "k8s.io", "content", "ls", "-q"];

// REF TYPE DIGEST STATUS SIZE UNPACKED, in columns of changing width; STATUS is `complete (5/5)`, `incomplete (3/5)` or `unavailable (0/?)`.
const COMPLETE_LINE = /^(\S+)\s+\S+\s+(sha256:[0-9a-f]{64})\s+complete \((\d+)\/\3\)/;

/** Returns the digests of those images that are complete, by name. */
export function parseCompleteImages(output: string): ReadonlyMap<string, string> {
  const complete = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [, name, digest] = COMPLETE_LINE.exec(line) ?? [];
    if (name !== undefined && digest !== undefined) complete.set(name, digest);
  }
  return complete;
}
