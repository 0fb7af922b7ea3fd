/** Two texts line by line: lines that both have once, the others marked with whose they are. */
export function besideLines(ours: string, theirs: string): string[] {
  const a = ours.split('\n')
  const b = theirs.split('\n')
  const common = commonLengths(a, b)
  const lines: string[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`           ${a[i]}`)
      i += 1
      j += 1
    } else if (i < a.length && (j >= b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(`  the URL  ${a[i]}`)
      i += 1
    } else {
      lines.push(`  store    ${b[j]}`)
      j += 1
    }
  }
  return lines
}

/** Longest common subsequence of what is left from each place; texts of a few dozen lines. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0))
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i]![j] =
        a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  return lengths
}
