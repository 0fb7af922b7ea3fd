/**
 * Metadata for a store to take: names and values that fit into headers. What another store kept otherwise (encoded words of
 * other alphabets) is left behind.
 */
export function keptMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
  rename: (name: string) => string = (name) => name,
): Record<string, string> {
  const kept = Object.entries(metadata ?? {}).filter(
    ([name, value]) =>
      /^[a-z0-9][a-z0-9._-]*$/i.test(name) && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value),
  )
  return Object.fromEntries(kept.map(([name, value]) => [rename(name), value]))
}

/** Azure's names are C# identifiers: the grant's name has an underscore there too. */
export function azureName(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_]/g, '_')
  return /^\d/.test(plain) ? `_${plain}` : plain
}
