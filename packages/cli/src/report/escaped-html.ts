import { printableLine } from '../text.ts'

const names: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** For text and quoted attributes alike. What steers terminals or turns the reading direction is shown, not done. */
export function escapedHtml(text: string): string {
  return printableLine(text.toWellFormed()).replaceAll(/[&<>"'`]/g, (char) => names[char] ?? '')
}
