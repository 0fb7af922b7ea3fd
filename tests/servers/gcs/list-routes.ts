import { numberFrom, xmlReply } from './call.ts'
import type { Call, Reply } from './call.ts'
import { GcsRefusal, invalidArgument } from './refusal.ts'
import { bucketOf } from './store.ts'
import type { StoredObject } from './store.ts'
import { s3Namespace, xmlDocument } from './xml.ts'
import type { XmlElement } from './xml.ts'

/** "List Objects" with list-type=2. Keys come in the order of their UTF-8 bytes. */
export function listObjects(call: Call): Reply {
  const { store, bucket, query } = call
  const { objects } = bucketOf(store, bucket)
  if (query.get('list-type') !== '2')
    throw new GcsRefusal(501, 'NotImplemented', 'This test server lists with list-type=2 only.')
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? '']
  const maxKeys = numberFrom(query, 'max-keys', 1000, 1000)
  const after = readToken(query.get('continuation-token')) ?? query.get('start-after') ?? ''
  const entries = group([...objects.values()], prefix, delimiter).filter(
    ({ name }) => inOrder(after, name) < 0,
  )
  const page = entries.slice(0, maxKeys)
  const isTruncated = entries.length > page.length
  const last = page.at(-1)?.name
  const encode =
    query.get('encoding-type') === 'url'
      ? (text: string) => encodeURIComponent(text).replaceAll('%2F', '/')
      : (text: string) => text
  const elements: XmlElement[] = [
    ['Name', bucket],
    ['Prefix', encode(prefix)],
    ...(delimiter === '' ? [] : ([['Delimiter', encode(delimiter)]] as const)),
    ['KeyCount', page.length],
    ['MaxKeys', maxKeys],
    ['IsTruncated', isTruncated],
    ...(isTruncated && last !== undefined ? ([['NextContinuationToken', token(last)]] as const) : []),
    ...page.map(({ name, object }): XmlElement =>
      object ? contents(object, encode) : ['CommonPrefixes', [['Prefix', encode(name)]]],
    ),
  ]
  return xmlReply(200, xmlDocument('ListBucketResult', elements, s3Namespace))
}

interface Entry {
  /** An object's key, or a common prefix. */
  name: string
  object?: StoredObject
}

function group(objects: StoredObject[], prefix: string, delimiter: string): Entry[] {
  const entries = new Map<string, Entry>()
  for (const object of objects.filter(({ key }) => key.startsWith(prefix))) {
    const end = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length)
    const name = end < 0 ? object.key : object.key.slice(0, end + delimiter.length)
    entries.set(name, end < 0 ? { name, object } : { name })
  }
  return [...entries.values()].toSorted((a, b) => inOrder(a.name, b.name))
}

function contents(object: StoredObject, encode: (text: string) => string): XmlElement {
  return [
    'Contents',
    [
      ['Key', encode(object.key)],
      ['Generation', object.generation],
      ['MetaGeneration', 1],
      ['LastModified', object.updatedAt.toISOString()],
      ['ETag', `"${object.etag}"`],
      ['Size', object.body.length],
      ['StorageClass', 'STANDARD'],
    ],
  ]
}

function inOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Opaque to the client: where the last page ended. */
function token(name: string): string {
  return Buffer.from(`v1:${name}`).toString('base64')
}

function readToken(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const read = Buffer.from(text, 'base64').toString()
  if (!read.startsWith('v1:')) throw invalidArgument('continuation-token is not one of ours.')
  return read.slice(3)
}
