// Files that scripts/page-text.js imports as text.
declare module "*?text" {
  const text: string;
  export { text as default };
}
