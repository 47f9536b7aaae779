// The texts of findings in Korean, as data. Every kind has one; see `FINDING_TEXTS` for the English.
import { LEFT_OUT_HINT } from "../../charts/chart.js";
import {
  SETTLE_BY_REHEARSAL,
  SETTLE_CHOICE,
  SETTLE_LATER,
  SETTLE_PROGRAM,
} from "../../images/warning-advice.js";
import type { FindingKind, FindingText } from "./texts.js";

const NEXT_BUILD =
  "이 번들에는 빌드할 때의 이미지가 그대로 있지만, 다시 빌드하면 다른 이미지가 들어갈 수 있습니다.";
const LIST = "이미지 목록이 불완전할 수 있습니다. 필요한 이미지가 없는 Pod는 시작되지 않습니다.";
const ROOT =
  "root로 실행되는 컨테이너를 탈출한 프로세스는 노드에서도 root이며, Pod 보안 표준이 restricted인 네임스페이스에서는 거부됩니다.";

/** The texts by kind. They have the placeholders of the English texts. */
export const FINDING_TEXTS_KO: Readonly<Record<FindingKind, FindingText>> = {
  "mutable-tag": {
    message: "{tag} 태그가 가리키는 이미지는 계속 바뀝니다",
    why: NEXT_BUILD,
    action: "릴리스 태그나 다이제스트를 사용하세요.",
  },
  "mutable-tag-missing": {
    message: "참조에 태그가 없으므로 latest를 뜻합니다",
    why: NEXT_BUILD,
    action: "릴리스 태그나 다이제스트를 사용하세요.",
  },
  "mutable-tag-part": {
    message: "{tag} 태그는 버전의 일부일 뿐이며, 새 릴리스가 나올 때마다 다른 이미지를 가리킵니다",
    why: NEXT_BUILD,
    action: "특정 릴리스의 태그나 다이제스트를 사용하세요.",
  },
  "no-digest": {
    message: "참조에 다이제스트가 없습니다",
    why: "레지스트리를 관리하는 사람은 태그가 가리키는 이미지를 바꿀 수 있습니다. 번들에는 빌드할 때의 이미지가 그대로 있습니다.",
    action: "차트가 허용하면 다이제스트로 고정하세요: {pinned}",
  },
  "unqualified-name": {
    message: "차트에 레지스트리 없이 {written} 이름으로 적혀 있습니다",
    why: "모든 컨테이너 런타임이 짧은 이름에 docker.io를 붙이지는 않습니다. CRI-O와 Podman에는 이에 대한 설정이 있습니다.",
    action: "차트의 values에 레지스트리를 포함하여 적으세요: {qualified}",
  },
  "duplicate-versions": {
    message: "{count}개 버전을 사용합니다: {images}",
    why: "버전마다 번들과 노드의 공간을 차지하고, 업데이트와 취약점 스캔도 따로 해야 합니다.",
    action: "차트가 허용하면 차트의 values에서 한 버전으로 통일하세요.",
  },
  "low-confidence": {
    message: "{rule} 규칙으로 찾았으며 신뢰도는 {confidence}입니다",
    why: "이 이미지가 시작된다는 확실한 근거가 없습니다.",
    action: "rehearse를 실행하여 실제로 요청되는지 확인하거나, 스펙의 images.exclude로 제외하세요.",
  },
  rebuilt: {
    message: "컨테이너 엔진에서 내보낸 이미지이므로 다이제스트가 레지스트리의 다이제스트와 다릅니다",
    why: "다이제스트로 지정한 참조로는 이 이미지를 찾을 수 없고, 레지스트리의 서명도 적용되지 않습니다.",
    action: "다이제스트가 중요하면 --source registry 옵션으로 빌드하세요.",
  },
  "root-user": {
    message: "이미지 설정에 사용자가 없으므로, Pod에서 지정하지 않으면 root로 실행됩니다",
    why: ROOT,
    action: "차트의 values에서 runAsUser와 runAsNonRoot를 설정하거나, 사용자가 지정된 이미지를 사용하세요.",
  },
  "root-user-set": {
    message: "이미지 설정의 사용자가 {user}이며, 이는 root입니다",
    why: ROOT,
    action:
      "차트의 values에서 runAsUser와 runAsNonRoot를 설정하거나, 다른 사용자가 지정된 이미지를 사용하세요.",
  },
  "old-image": {
    message: "{created}에 생성되어 {days}일이 지났습니다. 제한은 {limit}일입니다",
    why: "오래된 이미지에는 베이스 이미지와 패키지의 보안 수정이 빠져 있습니다.",
    action: "이미지나 차트의 새 버전을 사용하세요.",
  },
  "large-image": {
    message: "크기가 {size}로 제한({limit})을 초과합니다",
    why: "이 감사에 설정된 제한입니다.",
    action: "더 작은 이미지를 사용하거나 제한을 높이세요.",
  },
  "large-layer": {
    message: "크기가 {size}로 제한({limit})을 초과합니다. 사용하는 이미지: {images}",
    why: "레이어는 요청 하나로 전송되는데, 레지스트리와 프록시는 요청 하나의 크기를 제한합니다.",
    action: "이미지를 빌드할 때 레이어를 나누거나 제한을 높이세요.",
  },
  "platform-missing": {
    message: "노드의 플랫폼 {platform}용 콘텐츠가 없습니다",
    why: "그 플랫폼의 노드에 스케줄된 Pod는 시작되지 않습니다.",
    action: "해당 플랫폼을 지원하는 태그를 사용하거나, Pod가 그 노드에 스케줄되지 않게 하세요.",
  },
  "platform-missing-everywhere": {
    message: "노드의 플랫폼이지만, 이 플랫폼용 콘텐츠가 있는 이미지가 없습니다",
    why: "그 플랫폼의 노드에서는 어떤 Pod도 시작되지 않습니다.",
    action: "--platform {platforms} 옵션으로 빌드하세요.",
  },
  "pull-policy": {
    message: "다음 오브젝트의 이미지 풀(pull) 정책이 Always입니다: {objects}",
    why: "노드에 이미지가 있어도 컨테이너를 시작할 때마다 kubelet이 레지스트리에 요청하므로, 네트워크가 없으면 Pod가 시작되지 않습니다. install 명령은 이 정책을 바꾸지만 helm install은 바꾸지 않습니다.",
    action: "차트의 values에서 풀(pull) 정책을 IfNotPresent로 설정하세요.",
  },
  "pull-policy-implied": {
    message: "태그가 latest이고 풀(pull) 정책이 없으므로 Always로 동작합니다. 해당 오브젝트: {objects}",
    why: "노드에 이미지가 있어도 컨테이너를 시작할 때마다 kubelet이 레지스트리에 요청하므로, 네트워크가 없으면 Pod가 시작되지 않습니다. install 명령은 정책을 설정하지만 helm install은 설정하지 않습니다.",
    action: "차트의 values에서 풀(pull) 정책을 IfNotPresent로 설정하거나 다른 태그를 사용하세요.",
  },
  "test-only": {
    message: "helm test만 시작하는 이미지이며 번들에 없습니다: {objects}",
    why: "폐쇄망 호스트에서 helm test가 실패합니다.",
    action: "그곳에서 helm test를 실행하려면 스펙의 images.tests를 true로 설정하세요.",
  },
  "test-only-included": {
    message: "helm test만 시작하는 이미지입니다: {objects}",
    why: "번들과 모든 노드의 공간을 차지합니다.",
    action: "그곳에서 helm test를 실행하지 않는다면 스펙의 images.tests를 false로 설정하세요.",
  },
  "removed-api": {
    message:
      "오브젝트 {count}개가 {api} API를 사용하지만, Kubernetes {removed}부터는 제공되지 않습니다. 클러스터는 {target}입니다. 첫 번째 오브젝트: {first}",
    why: "API 서버가 이 종류의 오브젝트를 알지 못하므로 설치에 실패합니다.",
    action: "클러스터의 버전을 지원하는 차트 버전을 사용하세요. 대체 API: {replacement}",
  },
  "deprecated-api": {
    message:
      "오브젝트 {count}개가 {api} API를 사용하지만, Kubernetes {removed}부터는 제공되지 않습니다. 첫 번째 오브젝트: {first}",
    why: "그 버전의 클러스터에는 설치할 수 없고, 그 버전으로 업그레이드할 수도 없습니다.",
    action: "차트의 새 버전을 사용하세요. 대체 API: {replacement}",
  },
  "large-definition": {
    message: "JSON으로 약 {size}이며, 어노테이션의 최대 크기인 {limit}를 초과합니다",
    why: "kubectl apply는 오브젝트 전체를 어노테이션에 저장하므로 실패합니다. Helm은 crds 폴더의 정의를 업그레이드하지 않으므로 보통 직접 적용합니다.",
    action: "kubectl apply --server-side 명령을 사용하세요.",
  },
  "unpinned-chart": {
    message: "스펙에 차트 버전이 {range} 범위로 지정되어 있습니다",
    why: "다시 빌드하면 이미지가 다른 차트 버전이 들어갈 수 있습니다.",
    action: "스펙에 정확한 버전을 적으세요: {version}",
  },
  "unpinned-dependency": {
    message: "Chart.yaml에 의존성 버전이 범위로 지정되어 있습니다: {ranges}",
    why: "차트의 의존성을 업데이트하면 이미지가 다른 버전이 설치될 수 있습니다. 번들에는 빌드할 때의 차트가 그대로 있습니다.",
    action: "Chart.yaml이나 스펙에 있는 차트의 dependencies에 정확한 버전을 적으세요.",
  },
  excluded: {
    message: "스펙에서 제외되었습니다: {reason}",
    why: "이 이미지를 사용하는 Pod는 번들만으로 시작되지 않습니다.",
    action: "노드에 이미지가 있는지, 또는 이 이미지를 시작하는 것이 없는지 확인하세요.",
  },
  "unknown-operator": { message: "{message}", why: LIST, action: "{hint}" },
  warning: { message: "{message}", why: LIST, action: "{hint}" },
  remark: {
    message: "{message}",
    why: "이미지를 찾을 때 알게 된 것이며, 그래도 이미지 목록은 완전합니다.",
    action: "{hint}",
  },
  silenced: {
    message: "{code}: {message}. 무시한 이유: {reason}",
    why: "스펙에서 해결된 경고로 처리되어 있습니다.",
    action: "무시한 이유가 아직 유효한지 가끔 확인하세요.",
  },
  "suppression-expired": {
    message: "{rule} 예외의 기한이 {until}에 끝났습니다: {reason}",
    why: "해당 발견 사항이 다시 적용됩니다.",
    action: "발견 사항을 해결하거나 스펙의 audit.suppress에 새 날짜를 설정하세요.",
  },
  "suppression-unused": {
    message: "{rule} 예외에 해당하는 발견 사항이 없습니다: {reason}",
    why: "오타가 있거나, 예외로 처리한 대상이 없어졌을 수 있습니다.",
    action: "스펙의 audit.suppress에서 제거하거나 rule과 subject를 수정하세요.",
  },
};

/** What the warnings about the list of images say, by code. The English message has the details. */
export const WARNING_TEXTS_KO: Readonly<Record<string, string>> = {
  "chart-entry-left-out": "차트의 일부 파일이 번들에서 빠졌습니다",
  "exclusion-unused": "스펙에서 제외한 이미지를 사용하는 차트가 없습니다",
  "image-alternatives": "여러 이미지 중 무엇을 사용할지 알 수 없습니다",
  "image-unresolved": "이미지를 확인할 수 없어 크기를 알 수 없습니다",
  "kube-version": "차트가 이 Kubernetes 버전을 지원하지 않습니다",
  "object-unreadable": "오브젝트가 너무 크거나 깊어 이미지를 찾을 수 없습니다",
  "operator-images-later": "나중에 만드는 커스텀 리소스에 따라 오퍼레이터가 다른 이미지를 시작합니다",
  "operator-images-unknown": "오퍼레이터가 시작하는 일부 이미지를 알 수 없습니다",
  "operator-kind-unknown": "오퍼레이터가 이 종류의 커스텀 리소스로 시작하는 이미지를 알 수 없습니다",
  "operator-not-inspected": "오퍼레이터의 이미지를 검사하지 못했습니다",
  "operator-suspects": "오퍼레이터의 프로그램에 다른 이미지 이름이 있습니다",
  "operator-tag-unverified": "이 버전의 오퍼레이터가 시작하는 이미지는 확인되지 않았습니다",
  "operator-version-unknown": "오퍼레이터가 시작하는 이미지의 버전을 알 수 없습니다",
  "platform-absent": "이미지의 인덱스에 있는 일부 플랫폼이 어떤 레지스트리에도 없습니다",
  "pod-webhook": "웹훅이 Pod에 이미지를 추가할 수 있습니다",
  "rehearsal-differs": "리허설 이후 내용이 바뀌었습니다",
  "rehearsal-missing": "리허설에서 요청된 이미지가 포함되지 않았습니다",
  "render-with-definitions-failed":
    "커스텀 리소스 데피니션(CRD)이 설치된 상태로 차트를 렌더링하지 못했습니다",
  "silence-unused": "스펙에서 무시하도록 한 경고가 없습니다",
  "suspects-cut": "오퍼레이터가 시작할 수 있는 이미지의 이름이 더 있습니다",
  "template-unreadable": "템플릿을 해석할 수 없습니다",
  "unknown-operator": "차트에 없는 이미지를 시작할 수 있는 프로그램입니다",
};

/** The advice of warnings, by its English text. */
export const HINTS_KO: Readonly<Record<string, string>> = {
  [SETTLE_PROGRAM]:
    "`images --inspect-operators`로 프로그램에 있는 이미지 이름을 찾거나 `rehearse`로 어떤 이미지를 시작하는지 확인한 다음, 필요한 이미지를 스펙의 images.include에 추가하세요.",
  [SETTLE_LATER]:
    "커스텀 리소스를 번들에 추가하거나, 커스텀 리소스에 필요한 이미지를 스펙의 images.include에 추가하세요. 어떤 이미지가 시작되는지는 `rehearse`로 확인할 수 있습니다.",
  [SETTLE_CHOICE]:
    "사용할 이미지를 스펙의 images.include에 추가하세요. 어떤 이미지인지는 `rehearse`로 확인할 수 있습니다.",
  [SETTLE_BY_REHEARSAL]:
    "`rehearse`로 어떤 이미지가 시작되는지 확인한 다음, 필요한 이미지를 스펙의 images.include에 추가하세요.",
  [LEFT_OUT_HINT]:
    "차트에 필요하면 차트 안으로 복사하고, 필요하지 않으면 .helmignore에 추가하세요. 옆에 있는 차트는 file:// 의존성으로 지정할 수 있습니다.",
  "Remove the entry from warnings.silence of the spec, or correct its code and subject.":
    "스펙의 warnings.silence에서 항목을 제거하거나 code와 subject를 수정하세요.",
  "Add the images that you need to images.include of the spec.":
    "필요한 이미지를 스펙의 images.include에 추가하세요.",
  "Check the list of images.": "이미지 목록을 확인하세요.",
};

/** Values of placeholders that are English words. */
export const VALUES_KO: Readonly<Record<string, string>> = { low: "낮음", medium: "보통" };
