/** Of ASCII's letters alone: so does `lower` of both databases on what sorts by bytes. */
export function foldCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
