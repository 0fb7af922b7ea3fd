/** The contents of a file: the same bytes for the same events, so that writing it again changes nothing. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { shapedText } from './shapes.ts'
import type { SettingsOf, SinkEvent } from './types.ts'

type FileSettings = Pick<SettingsOf<'files'>, 'prefix' | 'format' | 'shape'>

/** `prefix/format/yyyy/mm/dd/<chain>-<first>-<last>.<ending>`; by the day of the first event. */
export function fileName(settings: FileSettings, batch: { id: string; firstAt: number }): string {
  const { prefix, format, shape } = settings
  const day = new Date(batch.firstAt).toISOString().slice(0, 10).replaceAll('-', '/')
  const folder = format === 'ndjson' && shape !== 'plain' ? `ndjson-${shape}` : format
  return `${prefix}${folder}/${day}/${batch.id}.${format === 'parquet' ? 'parquet' : 'ndjson.gz'}`
}

export async function encodeFile(settings: FileSettings, events: readonly SinkEvent[]): Promise<Uint8Array> {
  if (settings.format === 'parquet') return parquetOf(events)
  const text = events.map((event) => `${shapedText(event, settings.shape)}\n`).join('')
  // No time and no name go into the header (RFC 1952 §2.3.1).
  return promisify(gzip)(text)
}

/** The same events: the bytes may differ where another version of the server packed them. */
export async function isSameFile(
  { format }: Pick<FileSettings, 'format'>,
  one: Uint8Array,
  other: Uint8Array,
): Promise<boolean> {
  if (Buffer.compare(one, other) === 0) return true
  if (format === 'parquet') return false
  try {
    const [a, b] = await Promise.all([one, other].map((bytes) => promisify(gunzip)(bytes)))
    return Buffer.compare(a!, b!) === 0
  } catch {
    return false
  }
}

const texts = [
  'id',
  'type',
  'decision',
  'reason',
  'principalId',
  'principalKind',
  'username',
  'apiKeyId',
  'keyKind',
  'address',
  'agent',
  'requestId',
  'team',
  'connector',
  'bucket',
  'key',
  'action',
  'method',
  'grantId',
  'limitedBy',
  'marker',
  'signer',
  'signatureDigest',
  'uploadId',
] as const

/** A column for each field, and the event's text verbatim, by which hashes are checked. */
function parquetOf(events: readonly SinkEvent[]): Uint8Array {
  const text = (name: string, of: (one: SinkEvent) => string | undefined, nullable = true) => ({
    name,
    data: events.map((one) => of(one) ?? null),
    type: 'STRING' as const,
    nullable,
  })
  const time = (name: string, of: (one: SinkEvent) => string | undefined) => ({
    name,
    data: events.map((one) => {
      const at = of(one)
      return at === undefined ? null : new Date(at)
    }),
    type: 'TIMESTAMP' as const,
    nullable: true,
  })
  const columnData = [
    text('chain', ({ chain }) => chain, false),
    { name: 'seq', data: events.map(({ seq }) => BigInt(seq)), type: 'INT64' as const, nullable: false },
    text('hash', ({ hash }) => hash, false),
    time('at', ({ event }) => event.at),
    ...texts.map((name) => text(name, ({ event }) => event[name])),
    time('expiresAt', ({ event }) => event.expiresAt),
    {
      name: 'partNumber',
      data: events.map(({ event }) => event.partNumber ?? null),
      type: 'INT32' as const,
      nullable: true,
    },
    text('details', ({ event }) => (event.details === undefined ? undefined : JSON.stringify(event.details))),
    text('event', (one) => one.text, false),
  ]
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'signpost' }))
}
