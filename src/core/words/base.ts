// The texts of BASE.txt and BASE.ko.txt in a differential bundle.
import type { WordList } from "./phrase.js";

export const BASE_WORDS = {
  introduction: {
    en: "This is a differential bundle: it has only the blobs, and of large files only those, that its base\ndoes not have.",
    ko: "이 파일은 차등 번들입니다. 기준 번들에 있는 블롭과 큰 파일은 들어 있지 않습니다.",
  },
  base: { en: "BASE", ko: "기준 번들" },
  digestNote: {
    en: "The digest is the sha256 of the bundle.json of the base. `viola-airgap show FILE` prints it.",
    ko: "다이제스트는 기준 번들에 있는 bundle.json의 sha256입니다. `viola-airgap show FILE` 명령으로 확인합니다.",
  },
  together: { en: "LOAD BOTH FILES", ko: "두 파일을 함께 로드" },
  alone: {
    en: "LOAD THIS FILE ALONE, into nodes that have the rest; they are asked before anything is sent",
    ko: "이 파일만 로드 (노드에 나머지가 있어야 하며, 전송하기 전에 노드를 확인함)",
  },
  merge: { en: "MAKE A WHOLE BUNDLE", ko: "전체 번들 만들기" },
  imagesNote: {
    en: "images.tar of this file lists all images but lacks the blobs of the base: `docker load` and other\ntools refuse it alone. Where README.txt names BUNDLE for them, use the whole bundle.",
    ko: "이 파일의 images.tar에는 모든 이미지가 나열되어 있지만 기준 번들의 블롭이 없습니다. 따라서 `docker load`와\n같은 도구는 이 파일만으로 로드할 수 없습니다. README.ko.txt에서 그런 도구에 BUNDLE을 쓰는 곳에는 전체\n번들을 사용합니다.",
  },
} as const satisfies WordList;
