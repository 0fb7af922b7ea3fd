/** Objects that were put away: their keys still say where they were, and so who may reach them. */

/** Below the team's own prefix. Behind it: what put it away, and the key that it had, if there is room for it. */
export const quarantineFolder = '.signpost-quarantine/'

/** What was put away so often may have been anywhere. A key has room for more, and each rule would look at all of them. */
const timesMax = 4

/** Is it below `prefix`, or was it before it was put away? One whose key is not known may have been anywhere. */
export function liesIn(prefix: string, key: string): boolean {
  let at = 0
  for (let times = 0; times <= timesMax; times++) {
    if (key.startsWith(prefix, at)) return true
    const id = at + quarantineFolder.length
    if (!key.startsWith(quarantineFolder, at) || key.length === id) return false
    const end = key.indexOf('/', id)
    if (end === -1) return true
    at = end + 1
  }
  return true
}
