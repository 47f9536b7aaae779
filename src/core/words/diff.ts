// The texts of `diff`.
import type { WordList } from "./phrase.js";

export const DIFF_WORDS = {
  title: { en: "Differences between {old} and {new}", ko: "번들 차이: {old} → {new}" },
  noDifference: { en: "No difference.", ko: "차이가 없습니다." },
  differential: {
    en: {
      one: "A differential bundle would have {size} of {whole}:\n{count} blob of {bytes}, and everything besides blobs.",
      other:
        "A differential bundle would have {size} of {whole}:\n{count} blobs of {bytes}, and everything besides blobs.",
    },
    ko: "차등 번들의 크기는 {whole} 중 {size}입니다.\n블롭 {count}개({bytes})와 블롭 이외의 모든 내용이 들어갑니다.",
  },

  compared: { en: "Compared", ko: "비교 대상" },
  from: { en: "FROM", ko: "종류" },
  bundle: { en: "bundle", ko: "번들" },
  spec: { en: "spec", ko: "스펙" },
  oldSide: { en: "old", ko: "이전" },
  newSide: { en: "new", ko: "이후" },
  imageCount: { en: "IMAGES", ko: "이미지" },
  layerCount: { en: "LAYERS", ko: "레이어" },
  blobBytes: { en: "BLOBS", ko: "블롭" },
  fileSize: { en: "FILE SIZE", ko: "파일 크기" },

  settings: { en: "Settings", ko: "설정" },
  setting: { en: "SETTING", ko: "설정" },
  old: { en: "OLD", ko: "이전" },
  new: { en: "NEW", ko: "이후" },
  "setting.name": { en: "name", ko: "이름" },
  "setting.version": { en: "version", ko: "버전" },
  "setting.platforms": { en: "platforms", ko: "플랫폼" },
  "setting.kubeVersion": { en: "kubeVersion", ko: "Kubernetes 버전" },
  "setting.apiVersions": { en: "apiVersions", ko: "API 버전" },
  "setting.excluded": { en: "excluded", ko: "제외한 이미지" },

  change: { en: "CHANGE", ko: "변경" },
  "change.added": { en: "added", ko: "추가" },
  "change.removed": { en: "removed", ko: "삭제" },
  "change.changed": { en: "changed", ko: "변경" },
  "change.version": { en: "version", ko: "버전 변경" },
  "change.content": { en: "content", ko: "내용 변경" },
  "change.tag": { en: "tag", ko: "태그 변경" },
  "change.digest": { en: "digest", ko: "다이제스트 변경" },
  "change.platforms": { en: "platforms", ko: "플랫폼 변경" },
  "change.unknown": { en: "unknown", ko: "알 수 없음" },

  charts: { en: "Charts", ko: "차트" },
  release: { en: "RELEASE", ko: "릴리스" },
  chart: { en: "CHART", ko: "차트" },
  subcharts: { en: "subcharts of {chart}", ko: "{chart}의 서브차트" },

  values: { en: "Values", ko: "values 값" },
  keyOrFile: { en: "KEY OR FILE", ko: "키 또는 파일" },
  noValues: {
    en: "the values of a bundle are missing or unreadable",
    ko: "번들의 values가 없거나 읽을 수 없음",
  },
  sameValues: { en: "{path} (no value differs)", ko: "{path} (값은 같음)" },

  images: { en: "Images", ko: "이미지" },
  image: { en: "IMAGE", ko: "이미지" },
  newBytes: { en: "NEW BYTES", ko: "추가되는 크기" },
  forHost: { en: "{image} (for the host)", ko: "{image} (호스트용)" },

  files: { en: "Other files", ko: "기타 파일" },
  file: { en: "FILE", ko: "파일" },

  content: { en: "Content", ko: "콘텐츠" },
  added: { en: "ADDED", ko: "추가" },
  removed: { en: "REMOVED", ko: "삭제" },
  kept: { en: "KEPT", ko: "유지" },
  layers: { en: "layers", ko: "레이어" },
  blobs: { en: "blobs", ko: "블롭" },
} as const satisfies WordList;
