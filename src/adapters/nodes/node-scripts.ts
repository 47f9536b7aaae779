// The scripts that run inside a node, in POSIX sh for dash and busybox. The content of a bundle is
// never part of a script: names are passed as arguments or as lines on standard input.

import { BUNDLE_LABEL_PREFIX, BUNDLE_LABEL_VALUE } from "../../core/bundle/names.js";
import type { NodeImage } from "../../core/load/node.js";

const CTR = "ctr -n k8s.io";

/**
 * The label that keeps the kubelet from removing an image. Supported since containerd 1.6.22 and
 * 1.7.3; older versions ignore it.
 */
const PIN = "io.cri-containerd.pinned=pinned";

/**
 * Prints the device and the free kB of the disk with the content store. Prints nothing when the
 * content store is not found. No arguments.
 */
export const FREE_SPACE = `
root=$(ctr plugins ls -d id==content | sed -n 's/^ *root  *//p' | head -n 1)
[ -d "$root" ] || exit 0
printf '%s %s\\n' "$(stat -c %d "$root")" "$(df -Pk "$root" | awk 'END { print $(NF - 2) }')"`;

/**
 * A mirror of all registries is a folder in /run that is mounted over containerd's folder for
 * registry host configuration. So neither survives a restart of the node, and the files of the node
 * are never changed. What a killed script has left is removed by the next script that starts with
 * `put_back_abandoned`. Its number may be that of another process by then, so its text counts.
 */
const MIRROR_STATE = `
state=/run/viola-airgap.mirror
owned() { tr '\\0' ' ' < "/proc/$(cat "$state/owner" 2>/dev/null)/cmdline" 2>/dev/null | grep -q 'mirror=viola[-]airgap'; }
put_back() {
  folder=$(cat "$state/folder" 2>/dev/null)
  while [ -n "$folder" ] && [ -e "$folder/.viola-airgap" ]; do umount -l "$folder" || break; done
  [ ! -e "$state/made" ] || rmdir "$folder"
  rm -rf "$state"
}
put_back_abandoned() { [ ! -e "$state" ] || owned || put_back; }`;

/**
 * Prints the machine's architecture, after removing an abandoned mirror. Fails when containerd does
 * not respond. No arguments.
 */
export const DESCRIBE = `${MIRROR_STATE}
put_back_abandoned >/dev/null 2>&1
ctr version >/dev/null && uname -m`;

/**
 * Writes a hosts.toml that sends all requests to the endpoint. The endpoint is also the `server`,
 * because containerd falls back to the server when a host responds with an error. containerd 1.6
 * rejects a file without a `[host]` table.
 * https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
const HOSTS = `
hosts() { # ENDPOINT FOLDER
  mkdir -p "$2/_default"
  printf '# by viola-airgap\\nserver = "%s/v2"\\n[host."%s/v2"]\\noverride_path = true\\n' "$1" "$1" > "$2/_default/hosts.toml"
}`;

/**
 * Returns a script that starts one job for every line on standard input. Each job writes one line,
 * `done SUBJECT` or `failed SUBJECT WHY`. The writer of the lines limits how many jobs run at a
 * time. At the end of standard input, also when the writer has been killed, the script ends the
 * remaining jobs and removes its folder. /run is in memory on a Kind node. Proxy variables are
 * unset because the endpoint is the machine that runs this program.
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

/** Argument: an image name. Lines: `ENDPOINT`. A job succeeds when the endpoint has the image. */
export const PROBE = jobScript(
  `name=$1`,
  `
  folder=$(mktemp -d "$dir/XXXXXX")
  hosts "$1" "$folder"
  if message=$(${CTR} content fetch-object --hosts-dir "$folder" -- "$name" 2>&1 >/dev/null); then
    printf 'done %s\\n' "$1"
  else
    failed "$1" "$message"
  fi`,
);

/**
 * Arguments: the endpoint, a label. Lines: `PLATFORM NAME`. A job succeeds when the node knows the
 * name and has all content of the platform. Without `--skip-metadata`, ctr 2 fetches the configs of
 * all platforms, but a bundle does not contain all of them. ctr 1 does not have the flag.
 */
export const FETCH = jobScript(
  `hosts "$1" "$dir"
label=$2
case $(ctr content fetch --help) in *--skip-metadata*) skip=--skip-metadata ;; *) skip= ;; esac`,
  `
  if message=$(${CTR} content fetch --hosts-dir "$dir" --label ${PIN} --label="$label" $skip --platform="$1" -- "$2" 2>&1 >/dev/null); then
    printf 'done %s\\n' "$2"
  else
    failed "$2" "$message"
  fi`,
);

/** Argument: the platform. Standard input is an OCI archive. */
export const IMPORT = `${CTR} images import --no-unpack --platform="$1" - >/dev/null`;

/**
 * Argument: the endpoint. Writes `done mirror` or `failed mirror WHY`. At the end of standard
 * input, the script restores the previous state, and removes images that were pulled meanwhile once
 * no process uses them.
 */
export const MIRROR = `
${HOSTS}
${MIRROR_STATE}
: mirror=viola-airgap
say() { printf '%s mirror %s\\n' "$1" "$2"; }
must() { # COMMAND...
  why=$("$@" 2>&1) && return
  say failed "$(printf %s "$why" | tail -n 1)"
  put_back
  exit 1
}
path=$({ containerd config dump 2>/dev/null || cat /etc/containerd/config.toml; } |
  sed -n "s/^ *config_path *= *[\\"']\\([^\\"':][^\\"':]*\\).*/\\1/p" | head -n 1)
[ -n "$path" ] || { say failed no-config-path; exit 1; }
put_back_abandoned
mkdir "$state" 2>/dev/null || { say failed in-use; exit 1; }
echo $$ > "$state/owner"
hosts "$1" "$state/hosts"
: > "$state/hosts/.viola-airgap"
[ -d "$path" ] || { must mkdir -p "$path"; : > "$state/made"; }
printf %s "$path" > "$state/folder"
before=$(${CTR} images ls -q)
must mount --bind "$state/hosts" "$path"
say done
while read -r _; do :; done
put_back
new() { # prints the names pulled meanwhile; busy while a process runs from their content
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
new | sed -n 's/^free //p' | while read -r name; do ${CTR} images rm -- "$name" >/dev/null 2>&1; done`;

/** The label with the time (seconds since 1970) at which an anchor was created. load.sh has the same. */
const ANCHOR = "io.viola-airgap.anchor";

/**
 * Arguments: a text, its digest, the digests of blobs to protect against garbage collection. Writes
 * `done hold` or `failed hold WHY`. At the end of standard input, the blobs are released.
 *
 * Until then, a small blob with that text, the anchor, refers to the blobs: ctr cannot add content to
 * a lease. An anchor that was left because the node stopped is removed a day later, as containerd's
 * own leases are.
 * https://github.com/containerd/containerd/blob/main/docs/garbage-collection.md
 */
export const HOLD = `
content="${CTR} content" text=$1 anchor=$2 now=$(date +%s)
shift 2
$content ls 'labels."${ANCHOR}"' </dev/null |
  sed -n 's/^\\(sha256:[0-9a-f]*\\).*io\\.viola-airgap\\.anchor=\\([0-9]*\\).*/\\1 \\2/p' |
  while read -r old time; do [ "$((now - time))" -lt 86400 ] || $content rm "$old" </dev/null >/dev/null; done
count=$#
for digest in "$@"; do set -- "$@" "containerd.io/gc.ref.content.$#=$digest"; done
shift "$count"
# The anchor itself may be collected before it has its label.
for _ in 1 2 3 4 5; do
  why=$({ printf %s "$text" | $content ingest "viola-airgap-$anchor" &&
    $content label "$anchor" containerd.io/gc.root=viola-airgap "${ANCHOR}=$now" "$@" </dev/null; } 2>&1) && break
done || { printf 'failed hold %s\\n' "$(printf %s "$why" | tail -n 1)"; exit 1; }
printf 'done hold\\n'
while read -r _; do :; done
$content rm "$anchor" </dev/null >/dev/null 2>&1`;

const FOR_EACH_NAME = 'label=$1; shift; for name in "$@"; do';

/** Arguments: a label, the names to pin and label. */
export const PIN_NAMES = `${FOR_EACH_NAME} ${CTR} images label -- "$name" ${PIN} "$label" >/dev/null || exit 1; done`;

/** Arguments: a label (a label without a value is removed), the names. */
export const LABEL_NAMES = `${FOR_EACH_NAME} ${CTR} images label -- "$name" "$label" >/dev/null || exit 1; done`;

/** Arguments: the digests of images. */
export const UNPACK = `for digest in "$@"; do ${CTR} snapshots unpack -- "$digest" >/dev/null || exit 1; done`;

/** Arguments: the names. Waits for the garbage collection. */
export const REMOVE = `${CTR} images rm --sync -- "$@" >/dev/null`;

/** Returns the label that marks a name as loaded from the bundle. */
export function bundleLabel(bundle: string): string {
  return `${BUNDLE_LABEL_PREFIX}${bundle}=${BUNDLE_LABEL_VALUE}`;
}

/** Returns the same label without a value, which makes ctr remove it. */
export function noBundleLabel(bundle: string): string {
  return `${BUNDLE_LABEL_PREFIX}${bundle}=`;
}

/** Arguments of `ctr` that print REF TYPE DIGEST SIZE PLATFORMS LABELS. */
export const LIST_IMAGES: readonly string[] = ["ctr", "-n", "k8s.io", "images", "ls"];

/** Arguments of `ctr` that print CONTAINER IMAGE RUNTIME. Includes the sandboxes of Pods. */
export const LIST_CONTAINERS: readonly string[] = ["ctr", "-n", "k8s.io", "containers", "ls"];

/** Parses the output of LIST_IMAGES. */
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
  return ["ctr", "-n", "k8s.io", "images", "check", "--", ...names.map((name) => `name==${name}`)];
}

/** Arguments of `ctr` that list the digests in the content store. */
export const LIST_BLOBS: readonly string[] = ["ctr", "-n", "k8s.io", "content", "ls", "-q"];

// A line is REF TYPE DIGEST STATUS SIZE UNPACKED. The column widths vary. STATUS is `complete
// (5/5)`, `incomplete (3/5)` or `unavailable (0/?)`.
const COMPLETE_LINE = /^(\S+)\s+\S+\s+(sha256:[0-9a-f]{64})\s+complete \((\d+)\/\3\)/;

/** Returns the digests of the complete images by name. */
export function parseCompleteImages(output: string): ReadonlyMap<string, string> {
  const complete = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [, name, digest] = COMPLETE_LINE.exec(line) ?? [];
    if (name !== undefined && digest !== undefined) complete.set(name, digest);
  }
  return complete;
}
