/**
 * Azure Event Grid, events of blobs, in its own schema or as CloudEvents: what was made, replaced or deleted, never what was
 * read, nor by which URL. https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
 */
import type { LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import type { JsonObject } from '../json-fields.ts'
import { numberAt, readJsonObject, textAt } from '../json-fields.ts'
import { isoTime } from '../log-time.ts'
import { makeRecord, skipped, unparsed } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { told } from './s3-json.ts'

export const azureEventGrid: LogFormat = {
  name: 'azure-event-grid',
  title: 'Azure Event Grid, events of blobs (writes and deletions only)',
  shape: 'json',
  parse: parseEvent,
}

/** The blob's name is not encoded there. */
const subjectOfBlob = /^\/blobServices\/[^/]+\/containers\/([^/]+)\/blobs\/([^]+)$/

function parseEvent(text: string): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const [id, type] = [textAt(entry, 'id'), textAt(entry, 'eventType') ?? textAt(entry, 'type')]
  if (id === null || type === null) return unparsed('fields')
  // Of directories, inventories, policies and other services.
  if (!/^Microsoft\.Storage\.Blob(?:Created|Deleted|Renamed|TierChanged)$/.test(type))
    return skipped('other-category')
  const [, bucket, key] = subjectOfBlob.exec(textAt(entry, 'subject') ?? '') ?? []
  const operation = textAt(entry, 'data.api')
  if (bucket === undefined || key === undefined || operation === null) return unparsed('fields')
  const at = isoTime(textAt(entry, 'eventTime') ?? textAt(entry, 'time'))
  if (at === undefined) return unparsed('time')
  const url = textAt(entry, 'data.url')
  return makeRecord({
    // The same when it is delivered again, which is normal.
    identity: `${id} ${operation}`,
    at,
    atIs: 'end',
    bucket,
    key,
    account: accountOf(entry, url),
    operation,
    action: actionOf(operation),
    // Of what failed there is no event.
    succeeded: true,
    requestId: textAt(entry, 'data.requestId'),
    // Of SFTP, the local user; of others nobody is named.
    signers: told(textAt(entry, 'data.identity')),
    authentication: 'untold',
    // Of a list of blocks it is the blob's size, and not what came with the request.
    bytesReceived: operation === 'PutBlob' ? numberAt(entry, 'data.contentLength') : null,
    doubts: [url !== null && !isOf(url, `/${bucket}/${key}`) && 'key'],
  })
}

function accountOf(entry: JsonObject, url: string | null): string | null {
  const topic = textAt(entry, 'topic') ?? textAt(entry, 'source') ?? ''
  const named = /\/storageAccounts\/([a-z0-9]+)$/i.exec(topic)?.[1]
  return named ?? /^https:\/\/([a-z0-9]+)\./.exec(url ?? '')?.[1] ?? null
}

/** Whether the address is encoded is not documented. */
function isOf(url: string, path: string): boolean {
  const found = url.replace(/^https?:\/\/[^/]*/, '')
  return found === path || decodePercent(found) === path
}
