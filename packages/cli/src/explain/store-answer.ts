/** What a store says of a signature that it does not take. */
export interface StoreAnswer {
  code: string | null
  message: string | null
  canonicalRequest: string | null
  stringToSign: string | null
}

/** Reads the error document of S3 and its likes, Google Cloud Storage or Azure; anything before and after is ignored. */
export function storeAnswer(text: string): StoreAnswer {
  const detail = element(text, 'AuthenticationErrorDetail')
  const azure = /string to sign used was ([\s\S]+)$/i.exec(detail ?? '')
  return {
    code: element(text, 'Code'),
    message: element(text, 'Message')?.split('\n')[0] ?? null,
    canonicalRequest: element(text, 'CanonicalRequest'),
    stringToSign: element(text, 'StringToSign') ?? azure?.[1] ?? null,
  }
}

function element(text: string, name: string): string | null {
  const match = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`).exec(text)
  return match ? decoded(match[1] ?? '').replaceAll('\r\n', '\n') : null
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decoded(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()] ?? String(whole)
    const code = hex === undefined ? Number(decimal) : Number.parseInt(String(hex), 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : String(whole)
  })
}
