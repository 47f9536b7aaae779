// The texts of `show` and of lists of images.
import type { WordList } from "./phrase.js";

export const SHOW_WORDS = {
  digest: { en: "digest", ko: "다이제스트" },
  size: { en: "size", ko: "크기" },
  base: { en: "base", ko: "기준 번들" },
  whole: { en: "with its base", ko: "기준 번들과 합친 번들" },
  platforms: { en: "platforms", ko: "플랫폼" },
  kubernetes: { en: "kubernetes", ko: "Kubernetes 버전" },
  notSpecified: { en: "not specified", ko: "지정되지 않음" },
  tool: { en: "built with", ko: "빌드 도구" },
  signature: { en: "signature", ko: "서명" },
  rehearsal: { en: "rehearsal", ko: "리허설" },
  none: { en: "none", ko: "없음" },
  rehearsed: {
    en: "{outcome} on {date}, Kubernetes {version}: {asked} requested, {missing} missing",
    ko: "{date} {outcome}, Kubernetes {version}: 요청 {asked}, 누락 {missing}개",
  },
  complete: { en: "complete", ko: "완료" },
  missing: { en: "missing", ko: "이미지 누락" },
  "not-ready": { en: "not-ready", ko: "준비되지 않음" },
  noReleases: { en: "no releases", ko: "릴리스 없음" },
  release: { en: "RELEASE", ko: "릴리스" },
  namespace: { en: "NAMESPACE", ko: "네임스페이스" },
  chart: { en: "CHART", ko: "차트" },
  appVersion: { en: "APP VERSION", ko: "앱 버전" },
  image: { en: "IMAGE", ko: "이미지" },
  imagePlatforms: { en: "PLATFORMS", ko: "플랫폼" },
  compressed: { en: "COMPRESSED", ko: "압축 크기" },
  unpacked: { en: "UNPACKED", ko: "압축 해제 크기" },
  unknown: { en: "unknown", ko: "알 수 없음" },
  images: { en: { one: "{count} image", other: "{count} images" }, ko: "이미지 {count}개" },
  hostImage: { en: "for the container engine of the host: {image}", ko: "호스트의 컨테이너 엔진용: {image}" },
  excluded: { en: "excluded: {image} ({reason})", ko: "제외됨: {image} ({reason})" },
  warnings: {
    en: {
      one: "{count} warning, see `viola-airgap images` of this bundle",
      other: "{count} warnings, see `viola-airgap images` of this bundle",
    },
    ko: "경고 {count}건 (이 번들에 `viola-airgap images`를 실행하여 확인)",
  },
} as const satisfies WordList;
