/** Addresses of the redirect gateway: `/o/{team}/{key}`, each segment percent-encoded. */

export function objectPath(team: string, key: string): string {
  return `/o/${encodeURIComponent(team)}/${key.split('/').map(encodeSegment).join('/')}`
}

export function shareLinkUrl(publicUrl: string, team: string, path: string, token: string): string {
  return `${publicUrl.replace(/\/+$/, '')}${objectPath(team, path)}?share=${token}`
}

/** As RFC 3986 has it: also what a chat or a shell takes for the end of an address. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
