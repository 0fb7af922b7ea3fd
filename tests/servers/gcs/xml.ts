export type XmlContent = string | number | boolean | readonly XmlElement[]
export type XmlElement = readonly [name: string, content: XmlContent]

export function xmlDocument(root: string, content: readonly XmlElement[], namespace?: string): string {
  const attribute = namespace === undefined ? '' : ` xmlns='${namespace}'`
  return `<?xml version='1.0' encoding='UTF-8'?><${root}${attribute}>${content.map(element).join('')}</${root}>`
}

export const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

function element([name, content]: XmlElement): string {
  const inner = Array.isArray(content)
    ? content.map(element).join('')
    : escapeXml(String(content as string | number | boolean))
  return `<${name}>${inner}</${name}>`
}

function escapeXml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (char) => names[char]!)
}

/** The texts of all elements of that name, in order; enough for the one document that a client sends. */
export function elementTexts(xml: string, name: string): string[] {
  const texts = [...xml.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, 'g'))].map((match) => match[1]!)
  return texts.map((text) =>
    text.replace(/&(quot|amp|lt|gt|apos|#34|#x22);/g, (_, entity: string) => entities[entity] ?? ''),
  )
}

const entities: Record<string, string> = {
  quot: '"',
  '#34': '"',
  '#x22': '"',
  amp: '&',
  lt: '<',
  gt: '>',
  apos: "'",
}
