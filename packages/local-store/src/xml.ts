/** S3's XML: written by hand (a few flat documents), read by fast-xml-parser. */
import { XMLParser } from 'fast-xml-parser'
import { S3Error } from './s3-error.ts'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** A value becomes one element, a list several of one name, undefined none. */
export type XmlValue = string | number | boolean | undefined | XmlNode | readonly XmlValue[]
export interface XmlNode {
  readonly [name: string]: XmlValue
}

export function xmlDocument(root: string, node: XmlNode, namespace: string | null = NAMESPACE): string {
  const attribute = namespace === null ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${xmlChildren(node)}</${root}>`
}

function xmlChildren(node: XmlNode): string {
  return Object.entries(node)
    .map(([name, value]) => xmlElement(name, value))
    .join('')
}

function xmlElement(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((one: XmlValue) => xmlElement(name, one)).join('')
  if (typeof value === 'object') return `<${name}>${xmlChildren(value as XmlNode)}</${name}>`
  return `<${name}>${xmlText(String(value))}</${name}>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function xmlText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g, (character) => {
    return ENTITIES[character] ?? `&#x${character.charCodeAt(0).toString(16)};`
  })
}

/** The root's children as nested plain data; elements in `lists` are always lists. Throws S3Error MalformedXML. */
export function parseXml(text: string, root: string, lists: readonly string[]): Record<string, unknown> {
  // Only a document type can define entities; without one there is nothing to expand.
  if (/<!DOCTYPE/i.test(text)) throw new S3Error('MalformedXML')
  const parser = new XMLParser({
    ignoreAttributes: true,
    ignoreDeclaration: true,
    removeNSPrefix: true,
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
    isArray: (name) => lists.includes(name),
  })
  let document: unknown
  try {
    document = parser.parse(text, true)
  } catch {
    throw new S3Error('MalformedXML')
  }
  const node = isRecord(document) ? document[root] : undefined
  if (node === '') return {}
  if (!isRecord(node)) throw new S3Error('MalformedXML')
  return node
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A list of elements that have children; anything else is MalformedXML. */
export function recordsIn(value: unknown): Record<string, unknown>[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every(isRecord)) throw new S3Error('MalformedXML')
  return value
}

export function textIn(node: Record<string, unknown>, name: string): string | undefined {
  const value = node[name]
  if (value === undefined || typeof value === 'string') return value
  throw new S3Error('MalformedXML')
}

/** A list of plain elements. */
export function textsIn(node: Record<string, unknown>, name: string): string[] {
  const value = node[name]
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw new S3Error('MalformedXML')
  return value
}
