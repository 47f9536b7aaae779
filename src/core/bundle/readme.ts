// `README.txt` of a bundle: how to load it on the isolated host, with and without this program.
import type { SmallFile } from "./layout-files.js";
import { README_PATH } from "./paths.js";

/** Returns the file for a bundle of this name and version. Every build has the same text. */
export function bundleReadme(name: string, version: string): SmallFile {
  const text = `${name} ${version}
A bundle for Kubernetes without internet: Helm charts with all dependencies, their values, and
every image that they can start.

With viola-airgap (Node 20.18.1 or newer):
  viola-airgap verify BUNDLE
  viola-airgap load BUNDLE --to kind:CLUSTER --install
or in two steps:
  viola-airgap load BUNDLE --to kind:CLUSTER
  viola-airgap install BUNDLE --to kind:CLUSTER

Without viola-airgap and Node: a POSIX shell with docker, ctr or k3s (helm and kubectl to install):
  tar -xf BUNDLE load.sh
  sh load.sh BUNDLE --to kind:CLUSTER [--check | --install]
If the bundle includes viola-airgap, Node, helm or kubectl, they are in bin/, and load.sh uses them.

Manually, for each node of a Kind cluster:
  tar -xOf BUNDLE images.tar | docker exec -i NODE ctr -n k8s.io images import --no-unpack --platform linux/amd64 -
then
  tar -xf BUNDLE charts values
  helm upgrade --install RELEASE charts/CHART.tgz --namespace NAMESPACE --create-namespace -f values/RELEASE.yaml
A bundle may have been built without values. Then pass yours with -f, here and to install.

bundle.json lists the releases, their namespaces, and every image with its digest. images.tar is both
an OCI image layout and a docker archive: docker load, podman load, ctr images import and skopeo
read it.
`;
  return { path: README_PATH, bytes: Buffer.from(text) };
}
