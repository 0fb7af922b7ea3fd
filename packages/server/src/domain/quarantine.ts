/** Objects that were put away: their keys still say where they were, and so who may reach them. */

/** Below the team's own prefix. Behind it: what put it away, and the key that it had, if there is room for it. */
export const quarantineFolder = '.signpost-quarantine/'

/** Is it below `prefix`, or was it before it was put away? One whose key is not known may have been anywhere. */
export function liesIn(prefix: string, key: string): boolean {
  if (key.startsWith(prefix)) return true
  if (!key.startsWith(quarantineFolder) || key.length === quarantineFolder.length) return false
  const end = key.indexOf('/', quarantineFolder.length)
  return end === -1 || liesIn(prefix, key.slice(end + 1))
}
