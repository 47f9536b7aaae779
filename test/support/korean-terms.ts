// The Korean terms of texts and documents: one for one thing.

/** Korean terms that are not used, and the term that is. */
const TERMS: readonly (readonly [RegExp, string])[] = [
  [/파드|포드/, "Pod"],
  [/(?<!키-값 )저장소|레포지토리|리파지토리/, "리포지토리"],
  [/네임 스페이스|이름 공간/, "네임스페이스"],
  [/릴리즈/, "릴리스"],
  [/메니페스트/, "매니페스트"],
  [/계층/, "레이어"],
  [/쿠버네티스/, "Kubernetes"],
  [/명세(?!서)/, "스펙"],
  [/의존 관계|종속성/, "의존성"],
  [/객체|개체/, "오브젝트"],
  [/운영자/, "오퍼레이터"],
  [/점검 결과|지적 사항/, "발견 사항"],
  [/기반 이미지/, "베이스 이미지"],
  [/숨긴 |숨김/, "예외 처리"],
  [/하위 차트/, "서브차트"],
  [/(?<![\w{-])blobs?(?![\w}-])/, "블롭"],
];

/** Returns the terms that a text should use instead of those in it, and words with a wrong 을 or 를. */
export function otherTerms(text: string): readonly string[] {
  return [
    ...TERMS.filter(([other]) => other.test(text)).map(([, term]) => term),
    ...[...text.matchAll(/(\S*(\p{Script=Hangul}))([을를])(?=[\s.,:]|$)/gu)]
      .filter(([, , last = "", particle]) => hasFinalConsonant(last) !== (particle === "을"))
      .map(([word]) => word),
  ];
}

/** https://www.unicode.org/versions/latest/core-spec/chapter-3/#G24646: 28 syllables for each vowel. */
function hasFinalConsonant(syllable: string): boolean {
  return ((syllable.codePointAt(0) ?? 0) - 0xac00) % 28 !== 0;
}
