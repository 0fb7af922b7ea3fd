/**
 * Azure Storage resource logs (diagnostic settings), blob service.
 * https://learn.microsoft.com/azure/storage/blobs/monitor-blob-storage-reference#resource-logs
 * `scid` shows only in the URI; the casing of names and values varies.
 */
import type { AccessLogRecord, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import type { JsonObject } from '../json-fields.ts'
import { numberAt, readJsonObject, statusOf, textAt } from '../json-fields.ts'
import { isoTime } from '../log-time.ts'
import type { FoundRecord } from '../make-record.ts'
import { digestOf, factsOf, makeRecord, skipped, unparsed } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { readQuery } from '../query-markers.ts'
import { splitTarget } from '../request-target.ts'
import { told } from './s3-json.ts'

export const azureResource: LogFormat = {
  name: 'azure-resource',
  title: 'Azure Storage resource log, blob service',
  shape: 'json',
  parse: (text) => parseAzure(text, fields),
}

export interface AzureFields {
  time: string
  operation: string
  status: string
  statusText: string
  address: string
  correlationId: string
  uri: string
  account: string
  objectKey: string
  agent: string
  authentication: string
  signers: readonly string[]
  bytesReceived: string
  bytesSent: string
}

const fields: AzureFields = {
  time: 'time',
  operation: 'operationName',
  status: 'statusCode',
  statusText: 'statusText',
  address: 'callerIpAddress',
  correlationId: 'correlationId',
  uri: 'uri',
  account: 'properties.accountName',
  objectKey: 'properties.objectKey',
  agent: 'properties.userAgentHeader',
  authentication: 'identity.type',
  signers: ['identity.requester.objectId'],
  bytesReceived: 'properties.requestBodySize',
  bytesSent: 'properties.responseBodySize',
}

export function parseAzure(text: string, names: AzureFields): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const [operation, account] = [textAt(entry, names.operation), textAt(entry, names.account)]
  const uri = textAt(entry, names.uri)
  const objectKey = textAt(entry, names.objectKey)
  if (operation === null || (uri === null && objectKey === null)) return unparsed('fields')
  if (textAt(entry, 'category')?.startsWith('Storage') === false) return skipped('other-category')
  // When the request was received.
  const at = isoTime(textAt(entry, names.time))
  if (at === undefined) return unparsed('time')
  const { path, query } = splitTarget(uri ?? '')
  const facts = readQuery(query)
  const { isSure, ...object } = placeOf(uri === null ? null : path, objectKey, account)
  const statusText = textAt(entry, names.statusText) ?? textAt(entry, 'properties.metricResponseType')
  const correlationId = textAt(entry, names.correlationId)
  const authentication = authenticationOf(textAt(entry, names.authentication), facts.isPresigned)
  return makeRecord({
    ...factsOf(facts),
    ...object,
    ...outcomeOf(entry, names, statusText),
    ...authentication.found,
    identity:
      correlationId === null ? digestOf(JSON.stringify(entry)) : `${correlationId} ${operation} ${at}`,
    at,
    atIs: 'start',
    account: account ?? object.account,
    operation,
    action: actionOf(operation),
    address: textAt(entry, names.address),
    agent: textAt(entry, names.agent),
    requestId: correlationId,
    signers: told(...names.signers.map((name) => textAt(entry, name))),
    bytesSent: numberAt(entry, names.bytesSent),
    bytesReceived: numberAt(entry, names.bytesReceived),
    // Shared keys do not sign `scid`: anyone who has the URL can put it there.
    doubts: [
      !isSure && 'key',
      authentication.isContradicted && 'authentication',
      authentication.isSharedKey && facts.markers.user.length > 0 && 'unsigned-marker',
    ],
  })
}

function outcomeOf(entry: JsonObject, names: AzureFields, statusText: string | null): Partial<FoundRecord> {
  const status = statusOf(textAt(entry, names.status))
  const isGood = statusText !== null && /success$/i.test(statusText)
  return {
    status,
    ...(status === null && statusText !== null ? { succeeded: isGood } : {}),
    errorCode: isGood ? null : statusText,
  }
}

/** `/container/blob` in the URI, `/account/container/blob` as the log's own object key. */
function placeOf(path: string | null, objectKey: string | null, account: string | null) {
  const stated = objectKey?.split('/') ?? []
  const [, statedAccount, statedContainer] = stated
  const statedBlob = stated.slice(3).join('/')
  const found = {
    account: account ?? statedAccount ?? null,
    bucket: statedContainer ?? null,
    key: statedBlob || null,
  }
  if (path === null) return { ...found, isSure: true }
  const slash = path.indexOf('/', 1)
  const container = decodePercent(slash === -1 ? path.slice(1) : path.slice(1, slash))
  const blob = slash === -1 ? '' : decodePercent(path.slice(slash + 1))
  if (container === undefined || blob === undefined) return { ...found, isSure: false }
  // A blob of the root container has no container in its path.
  if (statedContainer === '$root') return { ...found, isSure: statedBlob === container }
  const isSure = statedContainer === undefined || statedContainer === container
  // The path is the client's text (`//container/blob`), the other the store's own word: where they differ, that counts.
  if (!isSure) return { ...found, isSure }
  return { account: found.account, bucket: container || null, key: blob || null, isSure }
}

/** `SAS` is signed with the account's key; `DelegationSas` (also `DelegationSAS`) with a user's. */
function authenticationOf(type: string | null, isPresigned: boolean) {
  const folded = type?.toLowerCase().replaceAll(/[^a-z]/g, '') ?? ''
  const isSas = folded.endsWith('sas')
  const authentication: AccessLogRecord['authentication'] =
    folded === '' || isSas ? (isPresigned ? 'query' : 'unknown') : folded === 'anonymous' ? 'none' : 'header'
  return {
    found: { authentication },
    isSharedKey: isSas && !folded.includes('delegation'),
    isContradicted: isSas && !isPresigned,
  }
}
