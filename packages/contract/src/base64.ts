/** Standard base64 (RFC 4648, section 4), wherever the contract runs. */
export function base64OfBytes(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/** Undefined: it is none, or not as an encoder writes it (bits that say nothing are zero). */
export function bytesFromBase64(text: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
    return base64OfBytes(bytes) === text ? bytes : undefined
  } catch {
    return undefined
  }
}

export function bytesFromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
