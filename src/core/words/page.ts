// The texts of the HTML page of an audit.
import type { WordList } from "./phrase.js";

export const HTML_WORDS = {
  // Page
  title: { en: "Audit of {name} {version}", ko: "{name} {version} 감사" },
  audit: { en: "Bundle audit", ko: "번들 감사" },
  skip: { en: "Skip to content", ko: "본문으로 건너뛰기" },
  sections: { en: "Sections", ko: "목차" },
  darkTheme: { en: "Dark theme", ko: "어두운 테마" },
  print: { en: "Print", ko: "인쇄" },
  noScript: {
    en: "Without JavaScript, this page shows all tables, but not the layers and evidence of each image, and tables cannot be sorted or filtered.",
    ko: "JavaScript가 꺼져 있으면 모든 표는 보이지만 이미지별 레이어와 근거는 볼 수 없고, 표를 정렬하거나 필터링할 수 없습니다.",
  },
  footer: {
    en: "Written by viola-airgap. The page loads nothing from a network.",
    ko: "viola-airgap이 작성했습니다. 이 페이지는 네트워크에서 아무것도 불러오지 않습니다.",
  },
  none: { en: "none", ko: "없음" },
  unknown: { en: "unknown", ko: "알 수 없음" },

  // Totals
  summary: { en: "Summary", ko: "요약" },
  bundleSize: { en: "Bundle size", ko: "번들 크기" },
  unpacked: { en: "Unpacked", ko: "압축 해제" },
  images: { en: "Images", ko: "이미지" },
  layers: { en: "Layers", ko: "레이어" },
  savedBySharing: { en: "Saved by sharing layers", ko: "레이어 공유로 절약" },
  platforms: { en: "Platforms", ko: "플랫폼" },
  kubernetes: { en: "Kubernetes", ko: "Kubernetes" },
  ofTotal: { en: "{share} of the bundle", ko: "번들의 {share}" },

  // Treemap
  sizes: { en: "Sizes", ko: "크기" },
  sizesNote: {
    en: "Each area is the compressed size of a component, an image or a layer. Layers that several images share are hatched and counted once, so all areas add up to {size}.",
    ko: "각 영역은 구성 요소, 이미지, 레이어의 압축 크기입니다. 여러 이미지가 공유하는 레이어는 빗금으로 표시하고 한 번만 계산하므로 모든 영역의 합은 {size}입니다.",
  },
  treemap: { en: "Sizes of components and images", ko: "구성 요소와 이미지의 크기" },
  treemapHelp: {
    en: "Arrow keys move between areas, Enter opens one, and Escape goes back.",
    ko: "화살표 키로 영역을 이동하고, Enter로 열고, Escape로 돌아갑니다.",
  },
  allComponents: { en: "All components", ko: "모든 구성 요소" },
  sharedBy: {
    en: { one: "shared by {count} image", other: "shared by {count} images" },
    ko: "이미지 {count}개가 공유",
  },
  configs: { en: "image configs", ko: "이미지 설정" },
  areaLabel: { en: "{name}: {size}, {share}", ko: "{name}: {size}, {share}" },
  noSizes: { en: "The sizes are not known.", ko: "크기를 알 수 없습니다." },

  // Components
  components: { en: "Components", ko: "구성 요소" },
  component: { en: "Component", ko: "구성 요소" },
  purpose: { en: "Purpose", ko: "용도" },
  chart: { en: "Chart", ko: "차트" },
  appVersion: { en: "app {version}", ko: "앱 {version}" },
  release: { en: "Release", ko: "릴리스" },
  object: { en: "Kubernetes object", ko: "Kubernetes 오브젝트" },
  size: { en: "Size", ko: "크기" },

  // Images
  image: { en: "Image", ko: "이미지" },
  version: { en: "Version", ko: "버전" },
  created: { en: "Created", ko: "생성일" },
  ownSize: { en: "Saved if dropped", ko: "제외 시 절약" },
  filter: { en: "Filter images", ko: "이미지 필터" },
  filterHint: { en: "Name, component, object …", ko: "이름, 구성 요소, 오브젝트…" },
  onlyWithFindings: { en: "Only with findings", ko: "발견 사항이 있는 것만" },
  shownImages: { en: "{shown} of {all} images, {size}", ko: "이미지 {all}개 중 {shown}개, {size}" },
  sortBy: { en: "Sort by {column}", ko: "{column} 기준 정렬" },
  findingCount: { en: { one: "{count} finding", other: "{count} findings" }, ko: "발견 사항 {count}건" },
  optional: { en: "optional", ko: "선택" },

  // Findings
  findings: { en: "Findings", ko: "발견 사항" },
  noFindings: { en: "There are no findings.", ko: "발견 사항이 없습니다." },
  errors: { en: { one: "{count} error", other: "{count} errors" }, ko: "오류 {count}건" },
  warnings: { en: { one: "{count} warning", other: "{count} warnings" }, ko: "경고 {count}건" },
  notes: { en: { one: "{count} note", other: "{count} notes" }, ko: "참고 {count}건" },
  error: { en: "Error", ko: "오류" },
  warning: { en: "Warning", ko: "경고" },
  note: { en: "Note", ko: "참고" },
  why: { en: "Why it matters", ko: "중요한 이유" },
  action: { en: "What to do", ko: "조치 방법" },
  suppressed: { en: "Suppressed findings", ko: "예외 처리된 발견 사항" },
  suppressedBecause: { en: "Suppressed: {reason}", ko: "예외 처리됨: {reason}" },
  suppressedUntil: { en: "Suppressed until {date}: {reason}", ko: "{date}까지 예외 처리됨: {reason}" },
  listWarnings: { en: "Warnings about the list of images", ko: "이미지 목록에 대한 경고" },

  // Releases
  releases: { en: "Releases", ko: "릴리스" },
  namespace: { en: "Namespace", ko: "네임스페이스" },

  // Details of an image
  close: { en: "Close", ko: "닫기" },
  reference: { en: "Reference", ko: "참조" },
  writtenAs: { en: "Written as", ko: "표기" },
  digest: { en: "Digest", ko: "다이제스트" },
  rebuilt: {
    en: "exported from a Docker engine, so the digest is not that of a registry",
    ko: "Docker 엔진에서 내보냈으므로 레지스트리의 다이제스트와 다름",
  },
  required: { en: "Required", ko: "필수 여부" },
  yes: { en: "yes", ko: "예" },
  no: { en: "no", ko: "아니요" },
  confidence: { en: "Confidence", ko: "신뢰도" },
  user: { en: "User", ko: "사용자" },
  noUser: { en: "not set (root)", ko: "지정되지 않음 (root)" },
  base: { en: "Base image", ko: "베이스 이미지" },
  sharedSize: { en: "Shared with other images", ko: "다른 이미지와 공유" },
  evidence: { en: "Evidence", ko: "근거" },
  field: { en: "Field", ko: "필드" },
  template: { en: "Template", ko: "템플릿" },
  value: { en: "Value", ko: "값" },
  reason: { en: "Reason", ko: "이유" },
  rule: { en: "Rule", ko: "규칙" },
  layersOf: { en: "Layers of {platform}", ko: "{platform}의 레이어" },
  sharedLayers: { en: "Shared layers", ko: "공유 레이어" },
  usedByImages: { en: "Shared by", ko: "공유하는 이미지" },
  andMore: { en: "and {count} more", ko: "외 {count}개" },
} as const satisfies WordList;
