// The texts of newer versions in the audit.
import type { WordList } from "./phrase.js";

export const OUTDATED_WORDS = {
  newerImages: { en: "Newer images", ko: "새 버전의 이미지" },
  newerCharts: { en: "Newer charts", ko: "새 버전의 차트" },
  notChecked: { en: "Not checked", ko: "확인하지 않은 항목" },
  image: { en: "image", ko: "이미지" },
  chart: { en: "chart", ko: "차트" },
  release: { en: "release", ko: "릴리스" },
  current: { en: "current", ko: "현재" },
  patch: { en: "patch", ko: "패치" },
  minor: { en: "minor", ko: "마이너" },
  major: { en: "major", ko: "메이저" },
  subject: { en: "subject", ko: "대상" },
  reason: { en: "reason", ko: "이유" },
  noVersion: { en: "it is not a version", ko: "버전이 아닙니다" },
  noTag: { en: "it is pinned by its digest alone", ko: "태그 없이 다이제스트로만 고정되어 있습니다" },
  notListed: { en: "the repository does not list the chart", ko: "리포지토리의 목록에 차트가 없습니다" },
  noSource: { en: "it is not known where the chart comes from", ko: "차트의 출처를 알 수 없습니다" },
  compared: {
    en: "Compared with registries: {images}, {charts}.",
    ko: "레지스트리와 비교한 항목: {images}, {charts}.",
  },
  images: { en: { one: "{count} image", other: "{count} images" }, ko: "이미지 {count}개" },
  charts: { en: { one: "{count} chart", other: "{count} charts" }, ko: "차트 {count}개" },
} as const satisfies WordList;
