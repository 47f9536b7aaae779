// What runs inside a node: POSIX sh for dash and busybox. Nothing of a bundle is ever part of a script; names come as arguments or as
// lines on standard input.

const CTR = "ctr -n k8s.io";

/** Kept from garbage collection by the kubelet since containerd 1.6.22 and 1.7.3; older ones take no notice. */
const PIN = "io.cri-containerd.pinned=pinned";

/**
 * Makes a folder `$dir` with a throw-away hosts configuration, and forgets proxies: what is asked for is on this very machine.
 * The endpoint is `server` besides, or containerd would go on to the registry itself where the endpoint says no; without a `[host]` table
 * containerd 1.6 refuses the file. /run is memory in a Kind node. https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
const HOSTS = `
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY
dir=$(mktemp -d /run/viola-airgap.XXXXXX) || exit 1
mkdir "$dir/_default"
hosts() { # ENDPOINT
  printf 'server = "%s/v2"\\n[host."%s/v2"]\\noverride_path = true\\n' "$1" "$1" > "$dir/_default/hosts.toml"
}`;

/** Prints the machine's architecture; fails when containerd does not answer. No arguments. */
export const DESCRIBE = `ctr version >/dev/null && uname -m`;

/** Arguments: name of an image, endpoints. Prints the first endpoint that answers for that image; prints nothing when none does. */
export const PROBE = `${HOSTS}
trap 'rm -rf "$dir"' EXIT
name=$1; shift
for endpoint in "$@"; do
  hosts "$endpoint"
  if timeout 3 ${CTR} content fetch-object --hosts-dir "$dir" "$name" >/dev/null 2>&1; then
    printf '%s\\n' "$endpoint"; exit 0
  fi
done`;

/**
 * Arguments: the endpoint. Every line `PLATFORM NAME` on standard input starts a fetch at once and is answered by `done NAME` or
 * `failed NAME WHY` when that has ended; how many run at a time is decided by who writes the lines. The end of standard input, wished or
 * because the writer is gone, ends what still runs and takes the folder away.
 * ctr 2 fetches configs of all platforms, which no bundle has, unless told to skip them; ctr 1 does not know the flag.
 */
export const FETCH = `${HOSTS}
hosts "$1"
case $(ctr content fetch --help) in *--skip-metadata*) skip=--skip-metadata ;; *) skip= ;; esac
fetch() { # PLATFORM NAME
  if message=$(${CTR} content fetch --hosts-dir "$dir" --label ${PIN} $skip --platform "$1" "$2" 2>&1 >/dev/null); then
    printf 'done %s\\n' "$2"
  else
    printf 'failed %s %s\\n' "$2" "$(printf '%s' "$message" | tail -n 1 | cut -c 1-400)"
  fi
}
while read -r platform name; do fetch "$platform" "$name" & done
trap : TERM
kill -TERM 0
wait
rm -rf "$dir"`;

/** Arguments: platform. Standard input is an OCI archive. */
export const IMPORT = `${CTR} images import --no-unpack --platform "$1" - >/dev/null`;

/** Arguments: names to pin. */
export const PIN_NAMES = `for name in "$@"; do ${CTR} images label "$name" ${PIN} >/dev/null || exit 1; done`;

/** Arguments of `ctr` that list the state of exactly these names. */
export function checkArguments(names: readonly string[]): readonly string[] {
  return ["ctr", "-n", "k8s.io", "images", "check", ...names.map((name) => `name==${name}`)];
}

/** Arguments of `ctr` that list the digests in the content store. */
export const LIST_BLOBS: readonly string[] = ["ctr", "-n", "k8s.io", "content", "ls", "-q"];
