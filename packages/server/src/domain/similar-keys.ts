/** Of keys that are known, those that somebody may have meant who wrote another. */

const similarMax = 3
/** What is longer differs by more than a slip of the pen, and costs to compare. */
const comparedCharacters = 300

export function similarKeys(key: string, known: Iterable<string>): string[] {
  const wanted = plain(key)
  const most = Math.min(3, Math.max(1, Math.floor(wanted.length / 6)))
  const near: { key: string; distance: number }[] = []
  for (const one of new Set(known)) {
    if (one === key) continue
    const distance = distanceOf(wanted, plain(one), most)
    if (distance <= most) near.push({ key: one, distance })
  }
  return near
    .toSorted((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1))
    .slice(0, similarMax)
    .map((one) => one.key)
}

/** What people mix up is the same: letters' case, how a letter is composed, slashes at the beginning. */
function plain(key: string): string {
  return key.normalize('NFC').toLowerCase().replace(/^\/+/, '').slice(0, comparedCharacters)
}

/** Letters to add, drop or change, up to a bound: what is beyond it is more than that. */
function distanceOf(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1))
    }
    if (Math.min(...next) > most) return most + 1
    row = next
  }
  return row[b.length]!
}
