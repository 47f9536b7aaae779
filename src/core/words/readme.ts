// The texts of README.txt and README.ko.txt in a bundle.
import type { WordList } from "./phrase.js";

export const README_WORDS = {
  introduction: {
    en: "Helm charts with all of their dependencies, their values, and every image that they start, in one\nfile for a Kubernetes cluster without internet access.",
    ko: "인터넷에 연결되지 않은 Kubernetes 클러스터에 설치하기 위한 파일입니다. Helm 차트와 모든 의존성, values,\n차트가 시작하는 모든 이미지가 이 파일 하나에 들어 있습니다.",
  },
  placeholders: {
    en: "In the commands below, BUNDLE is this file, and CLUSTER is the name of a Kind cluster, which\n`kind get clusters` lists. Other targets are k3s, containerd and docker.",
    ko: "아래 명령에서 BUNDLE은 이 번들 파일이고, CLUSTER는 Kind 클러스터의 이름입니다. 클러스터 이름은\n`kind get clusters` 명령으로 확인합니다. Kind 외에 k3s, containerd, docker에도 로드할 수 있습니다.",
  },

  content: { en: "CONTENT", ko: "내용" },
  platforms: { en: "platforms", ko: "플랫폼" },
  kubernetes: { en: "Kubernetes", ko: "Kubernetes 버전" },
  renderedFor: {
    en: "{version} (the charts were rendered for it)",
    ko: "{version} (이 버전을 기준으로 차트를 렌더링함)",
  },
  notSpecified: { en: "not specified", ko: "지정되지 않음" },
  images: { en: "images", ko: "이미지" },
  imagesOfSize: {
    en: { one: "{count} image, {size}", other: "{count} images, {size}" },
    ko: "{count}개, {size}",
  },
  tool: { en: "built with", ko: "빌드 도구" },
  specDigest: { en: "spec", ko: "스펙" },
  rehearsal: { en: "rehearsal", ko: "리허설" },
  rehearsedOn: {
    en: "on {date} with Kubernetes {version}, see rehearsal.json",
    ko: "{date}, Kubernetes {version}에서 실행함 (rehearsal.json 참고)",
  },

  releases: { en: "RELEASES, in the order of installation", ko: "릴리스 (설치 순서)" },
  inNamespace: { en: "{release} in namespace {namespace}", ko: "{release} (네임스페이스 {namespace})" },
  chart: { en: "chart", ko: "차트" },
  values: { en: "values", ko: "values" },
  noValues: { en: "none", ko: "없음" },
  withheld: {
    en: "not in the bundle: pass them with -f FILE when you install",
    ko: "번들에 없음: 설치할 때 -f FILE로 전달해야 함",
  },

  imageList: { en: "IMAGES, with the size that is loaded", ko: "이미지 (로드되는 크기)" },
  hostImages: {
    en: "For the container engine of the host, not for the nodes:",
    ko: "노드가 아닌 호스트의 컨테이너 엔진용 이미지:",
  },

  disk: { en: "DISK SPACE ON EACH NODE", ko: "노드별 필요 디스크 공간" },
  diskFor: { en: "{platform} nodes", ko: "{platform} 노드" },
  diskNote: {
    en: "This is the compressed size of all images. A node also unpacks the images that its Pods run, which\ntakes about two to three times as much. `viola-airgap audit BUNDLE` shows the unpacked sizes.",
    ko: "전체 이미지의 압축 크기입니다. 노드는 Pod가 실행하는 이미지의 압축을 해제하므로 이 크기의 약 2~3배가\n더 필요합니다. 압축 해제 크기는 `viola-airgap audit BUNDLE` 명령으로 확인합니다.",
  },

  verification: { en: "VERIFY THE FILE", ko: "파일 검증" },
  digestNote: {
    en: "The digest of the bundle is the sha256 of its bundle.json, which has the checksums of everything\nelse, this file included. `build` printed it on the connected side. Compare it with the output of",
    ko: "번들의 다이제스트는 bundle.json의 sha256입니다. bundle.json에는 이 파일을 포함한 나머지 모든 내용의\n체크섬이 들어 있습니다. 빌드할 때 `build` 명령이 출력한 다이제스트와 다음 명령의 출력을 비교하세요.",
  },
  or: { en: "or", ko: "또는" },
  checksNote: {
    en: "`viola-airgap verify` and `load.sh --check` compare the whole file with these checksums.",
    ko: "`viola-airgap verify`와 `load.sh --check`는 파일 전체를 이 체크섬과 대조합니다.",
  },

  signatureNote: {
    en: "The bundle is signed. KEY is the public key of those who built it. Get it on another way than this\nfile:",
    ko: "이 번들은 서명되어 있습니다. KEY는 번들을 빌드한 쪽의 공개 키이며, 이 파일과 다른 경로로 받아야 합니다.",
  },
  signedDigestNote: {
    en: "The second command needs OpenSSL 3.0 or newer and covers only bundle.json. `viola-airgap verify` and\n`load.sh --check`, both with --key KEY, also compare everything else with the checksums in it.",
    ko: "두 번째 명령은 OpenSSL 3.0 이상이 필요하며 bundle.json만 검증합니다. --key KEY 옵션과 함께 실행하는\n`viola-airgap verify`와 `load.sh --check`는 나머지 모든 내용도 bundle.json의 체크섬과 대조합니다.",
  },

  kindCluster: { en: "CREATE A KIND CLUSTER", ko: "Kind 클러스터 생성" },
  kindNote: {
    en: "The bundle has the image of Kind nodes. Load it into docker, and create the cluster from it:",
    ko: "번들에 Kind 노드 이미지가 들어 있습니다. docker에 로드한 다음 이 이미지로 클러스터를 생성합니다.",
  },

  withNode: {
    en: "INSTALL WITH VIOLA-AIRGAP (Node.js 20.18.1 or newer)",
    ko: "viola-airgap으로 설치 (Node.js 20.18.1 이상)",
  },
  twoSteps: { en: "or in two steps:", ko: "또는 두 단계로 나누어 실행합니다." },
  afterwards: {
    en: "Afterwards, compare the images that the cluster runs with the bundle:",
    ko: "설치한 후 클러스터에서 실행 중인 이미지를 번들과 비교합니다.",
  },

  withoutNode: { en: "INSTALL WITHOUT NODE.JS", ko: "Node.js 없이 설치" },
  scriptNote: {
    en: "load.sh needs a POSIX shell, awk, dd, and docker, nerdctl, podman, ctr or k3s, and for --install\nalso helm and kubectl:",
    ko: "load.sh에는 POSIX 셸, awk, dd와 함께 docker, nerdctl, podman, ctr, k3s 중 하나가 필요합니다. --install\n옵션을 사용하려면 helm과 kubectl도 필요합니다.",
  },
  programs: {
    en: "The bundle has these programs in bin/, which load.sh uses if the host does not have them: {programs}",
    ko: "번들의 bin/ 폴더에 다음 프로그램이 있으며, 호스트에 없으면 load.sh가 이 프로그램을 사용합니다: {programs}",
  },

  manually: { en: "INSTALL WITH TAR, DOCKER AND HELM ONLY", ko: "tar, docker, helm만으로 설치" },
  forEachNode: {
    en: "For each node of the Kind cluster (`kind get nodes --name CLUSTER` lists them):",
    ko: "Kind 클러스터의 노드마다 실행합니다. 노드 목록은 `kind get nodes --name CLUSTER` 명령으로 확인합니다.",
  },
  platformOfNode: {
    en: "PLATFORM is that of the node: {platforms}",
    ko: "PLATFORM은 노드의 플랫폼입니다: {platforms}",
  },
  then: { en: "Then:", ko: "그런 다음 실행합니다." },

  upgrade: { en: "UPGRADE", ko: "업그레이드" },
  upgradeNote: {
    en: "Load and install the newer bundle in the same way. Nodes receive only the layers that they lack, and\nHelm upgrades the releases.",
    ko: "새 번들을 같은 방법으로 로드하고 설치합니다. 노드에 없는 레이어만 전송되고, Helm이 릴리스를\n업그레이드합니다.",
  },
  rollBack: { en: "ROLL BACK", ko: "롤백" },
  rollBackNote: {
    en: "Images of an older bundle stay on the nodes until it is unloaded. Install the older bundle again, or\nuse Helm:",
    ko: "이전 번들의 이미지는 언로드할 때까지 노드에 남아 있습니다. 이전 번들을 다시 설치하거나 Helm을\n사용합니다.",
  },
  removal: { en: "REMOVE", ko: "제거" },
  removalNote: {
    en: "Custom resource definitions, persistent volumes and namespaces stay; `uninstall` lists them. Images\nthat containers or other bundles use stay on the nodes.",
    ko: "커스텀 리소스 데피니션(CRD), 퍼시스턴트 볼륨, 네임스페이스는 남으며, `uninstall` 명령이 그 목록을\n출력합니다. 컨테이너나 다른 번들이 사용하는 이미지는 노드에 남습니다.",
  },
  removalByHand: {
    en: "Without viola-airgap, use these commands, the last one for each node. It removes the names of all images\nthat load.sh or viola-airgap loaded from this bundle, also those that another bundle uses; the kubelet\ndeletes their content when it needs disk space:",
    ko: "viola-airgap이 없으면 다음 명령을 사용하고, 마지막 명령은 노드마다 실행합니다. 마지막 명령은 load.sh나\nviola-airgap이 이 번들에서 로드한 모든 이미지의 이름을 다른 번들의 사용 여부와 관계없이 제거합니다.\n이미지의 콘텐츠는 디스크 공간이 필요할 때 kubelet이 삭제합니다.",
  },

  otherTools: { en: "OTHER TOOLS", ko: "다른 도구" },
  otherToolsNote: {
    en: "bundle.json lists the releases and every image with its digest. images.tar is both an OCI image\nlayout and a docker archive: docker load, podman load, ctr images import and skopeo read it.",
    ko: "bundle.json에는 릴리스와 모든 이미지의 목록이 다이제스트와 함께 들어 있습니다. images.tar는 OCI 이미지\n레이아웃이면서 docker 아카이브이므로 docker load, podman load, ctr images import, skopeo로 읽을 수 있습니다.",
  },
} as const satisfies WordList;
