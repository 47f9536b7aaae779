// `README.txt` of a bundle: what to do on the isolated host, also without this program.
import type { SmallFile } from "./layout-files.js";
import { README_PATH } from "./paths.js";

/** Returns the file for a bundle of this name; the same for every build of it. */
export function bundleReadme(name: string, version: string): SmallFile {
  const text = `${name} ${version}
A bundle for Kubernetes without internet: Helm charts with all dependencies, their values, and every image they can start.

With viola-airgap (Node 20.18.1 or newer):
  viola-airgap verify BUNDLE
  viola-airgap load BUNDLE --to kind:CLUSTER --install
or in two steps, where others load and install:
  viola-airgap load BUNDLE --to kind:CLUSTER
  viola-airgap install BUNDLE --to kind:CLUSTER

Without it, and without Node, by a POSIX shell with docker, ctr or k3s (and helm and kubectl to install):
  tar -xf BUNDLE load.sh
  sh load.sh BUNDLE --to kind:CLUSTER [--check | --install]
What the bundle carries of viola-airgap, Node, helm and kubectl lies in bin/, and load.sh makes use of it.

By hand, for each node of a Kind cluster:
  tar -xOf BUNDLE images.tar | docker exec -i NODE ctr -n k8s.io images import --no-unpack --platform linux/amd64 -
then
  tar -xf BUNDLE charts values
  helm upgrade --install RELEASE charts/CHART.tgz --namespace NAMESPACE --create-namespace -f values/RELEASE.yaml

Releases, namespaces and every image with its digest are listed in bundle.json. images.tar alone is an OCI image layout and a
docker archive: docker load, podman load, ctr images import and skopeo take it as it is.
`;
  return { path: README_PATH, bytes: Buffer.from(text) };
}
