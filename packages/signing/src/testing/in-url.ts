/** What a URL says, read by the platform's own parser, so that a signer's encoding is judged by somebody else. */

export function queryOf(url: string): Map<string, string> {
  const pairs = new URL(url).search.slice(1).split('&')
  return new Map(pairs.map((pair) => pair.split('=').map(decodeURIComponent) as [string, string]))
}
