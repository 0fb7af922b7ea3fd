/**
 * Would two teams on one bucket see each other's objects? Prefixes are empty or end with `/`, so one lies inside the
 * other exactly where it begins with it.
 */
export function prefixesOverlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one)
}
