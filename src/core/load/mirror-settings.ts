// Settings that make nodes pull from a mirror: containerd, k3s and RKE2, podman and CRI-O, docker.
import { stringify } from "yaml";
import type { SmallFile } from "../bundle/layout-files.js";
import { registryFolder } from "./registry-layout.js";

/** A registry that has the images of other registries under `[PREFIX/]REGISTRY/REPOSITORY`. */
export interface MirrorPlace {
  /** `http(s)://HOST[:PORT]` */
  readonly origin: string;
  /** Without leading or trailing slash; may be empty. */
  readonly prefix: string;
  /** PEM of the CA of its certificate, if nodes may not trust it already. */
  readonly ca?: string;
  /** True to skip verification of its certificate. */
  readonly skipVerify: boolean;
  /** True if it serves Docker Hub images without a prefix, as dockerd requires of its mirrors. */
  readonly answersDockerd: boolean;
}

/** The host that serves docker.io. */
const DOCKER_HUB_SERVER = "https://registry-1.docker.io";
const CA_FILE = "ca.crt";

/**
 * Returns the settings files. README.txt says where to install each of them on a node. `registries`
 * are the registries in the names of the images.
 */
export function mirrorSettings(registries: readonly string[], place: MirrorPlace): readonly SmallFile[] {
  const ca = place.ca;
  const texts: readonly (readonly [string, string])[] = [
    ["README.txt", readme(place)],
    ...registries.flatMap((registry) => [
      [`containerd/${containerdFolder(registry)}/hosts.toml`, hostsToml(registry, place)] as const,
      ...(ca === undefined ? [] : [[`containerd/${containerdFolder(registry)}/${CA_FILE}`, ca] as const]),
    ]),
    ["k3s/registries.yaml", k3sRegistries(registries, place)],
    ["containers/viola-airgap.conf", registriesConf(registries, place)],
    ["docker/daemon.json", `${JSON.stringify(dockerDaemon(place), null, 2)}\n`],
    ...(ca === undefined ? [] : [[CA_FILE, ca] as const]),
  ];
  return texts.map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
}

/**
 * Returns `/etc/containerd/certs.d/REGISTRY/hosts.toml`. The registry itself stays the fallback. If
 * it is unreachable, containerd reports this after the response of the mirror.
 * https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
export function hostsToml(registry: string, place: MirrorPlace): string {
  const server = registry === "docker.io" ? DOCKER_HUB_SERVER : `https://${registry}`;
  const lines = [
    `server = "${server}"`,
    "",
    `[host."${[`${place.origin}/v2`, ...folderOf(registry, place)].join("/")}"]`,
    '  capabilities = ["pull", "resolve"]',
    "  override_path = true",
    ...(place.ca === undefined ? [] : [`  ca = "${CA_FILE}"`]),
    ...(place.skipVerify ? ["  skip_verify = true"] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** Folder names of containerd have no colon (hostDirectory in core/remotes/docker/config). */
function containerdFolder(registry: string): string {
  return registry.replace(/:(\d+)$/, "_$1_");
}

/** https://docs.k3s.io/installation/private-registry; RKE2 reads the same. */
function k3sRegistries(registries: readonly string[], place: MirrorPlace): string {
  const { host, protocol } = new URL(place.origin);
  const tls = {
    ...(place.ca !== undefined && { ca_file: `/etc/rancher/k3s/${CA_FILE}` }),
    ...(place.skipVerify && { insecure_skip_verify: true }),
  };
  return stringify({
    mirrors: Object.fromEntries(
      registries.map((registry) => [
        registry,
        {
          endpoint: [place.origin],
          rewrite: { "^(.*)$": [...folderOf(registry, place), "$1"].join("/") },
        },
      ]),
    ),
    ...(protocol === "https:" && Object.keys(tls).length > 0 && { configs: { [host]: { tls } } }),
  });
}

/** containers-registries.conf.d(5) */
function registriesConf(registries: readonly string[], place: MirrorPlace): string {
  const { host, protocol } = new URL(place.origin);
  const isInsecure = place.skipVerify || protocol === "http:";
  return registries
    .map((registry) =>
      [
        "[[registry]]",
        `location = "${registry}"`,
        "[[registry.mirror]]",
        `location = "${[host, ...folderOf(registry, place)].join("/")}"`,
        ...(isInsecure ? ["insecure = true"] : []),
        "",
      ].join("\n"),
    )
    .join("\n");
}

/** https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file */
function dockerDaemon(place: MirrorPlace): object {
  const { host, protocol } = new URL(place.origin);
  const isInsecure = place.skipVerify || protocol === "http:";
  return {
    ...(isInsecure && { "insecure-registries": [host] }),
    ...(place.answersDockerd && { "registry-mirrors": [place.origin] }),
  };
}

function folderOf(registry: string, { prefix }: MirrorPlace): readonly string[] {
  return [prefix, registryFolder(registry)].filter((part) => part !== "");
}

const README_START = "Settings that make nodes pull from ";

/** True if a README.txt that starts like this is of such settings. */
export function isSettingsReadme(head: string): boolean {
  return head.startsWith(README_START);
}

function readme(place: MirrorPlace): string {
  const { host } = new URL(place.origin);
  const path = [host, ...folderOf("docker.io", place)].join("/");
  const lines = [
    `${README_START}${[place.origin, place.prefix].filter((part) => part !== "").join("/")}`,
    "",
    "containerd (Kind, kubeadm, most others), on every node; no restart:",
    "  cp -r containerd/. /etc/containerd/certs.d/",
    "  /etc/containerd/config.toml must set this folder. Restart containerd after changing that file:",
    '    containerd 1: [plugins."io.containerd.grpc.v1.cri".registry] config_path = "/etc/containerd/certs.d"',
    `    containerd 2: [plugins."io.containerd.cri.v1.images".registry] config_path = "/etc/containerd/certs.d"`,
    "",
    "To test it (without --skip-metadata, ctr 2 requests configs of other platforms, which are not in the bundle; the kubelet does not):",
    "  ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d [--skip-metadata] NAME",
    "",
    "k3s and RKE2, on every node, then restart it (merge with an existing file; RKE2: /etc/rancher/rke2/):",
    "  cp k3s/registries.yaml /etc/rancher/k3s/registries.yaml",
    ...(place.ca === undefined ? [] : [`  cp ${CA_FILE} /etc/rancher/k3s/${CA_FILE}`]),
    "",
    "podman and CRI-O, on every node:",
    "  cp containers/viola-airgap.conf /etc/containers/registries.conf.d/",
    ...(place.ca === undefined
      ? []
      : [`  mkdir -p /etc/containers/certs.d/${host} && cp ${CA_FILE} /etc/containers/certs.d/${host}/`]),
    "",
    "docker (merge docker/daemon.json into /etc/docker/daemon.json and reload dockerd):",
    ...(place.answersDockerd
      ? [
          "  dockerd uses mirrors only for images of Docker Hub. Pull images of other registries by their name in this registry:",
        ]
      : [
          "  dockerd supports mirrors only for Docker Hub and without a path. It cannot use this registry as mirror unless load was run with --docker-mirror.",
          "  Pull images by their name in this registry:",
        ]),
    `  docker pull ${path}/library/busybox:1.36`,
    ...(place.ca === undefined
      ? []
      : [`  mkdir -p /etc/docker/certs.d/${host} && cp ${CA_FILE} /etc/docker/certs.d/${host}/`]),
    "",
    "These files contain no credentials. If pulling requires a login, use imagePullSecrets, or for k3s set",
    `configs: {"${host}": {auth: {username: …, password: …}}} in registries.yaml.`,
    "",
  ];
  return lines.join("\n");
}
