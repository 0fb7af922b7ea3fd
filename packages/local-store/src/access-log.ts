/**
 * The access log, in the format of S3's server access logs: 26 columns, separated by blanks.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 * Unlike S3's, it is written before an answer ends, and text of clients cannot break out of its column.
 */
import { closeSync, existsSync, fstatSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { encodeUriPath } from './uri-encoding.ts'

export interface AccessLogRecord {
  bucket: string | null
  /** Milliseconds since the epoch. */
  time: number
  remoteIp: string
  /** ARN, or null when nobody has been authenticated. */
  requester: string | null
  requestId: string
  operation: string
  key: string | null
  method: string
  /** As it came. */
  url: string
  httpVersion: string
  status: number
  errorCode: string | null
  bytesSent: number
  objectSizeBytes: number | null
  totalMilliseconds: number
  turnAroundMilliseconds: number | null
  referer: string | null
  userAgent: string | null
  hostId: string
  authenticationType: 'QueryString' | 'AuthHeader' | null
  hostHeader: string | null
}

export interface AccessLogWriter {
  write(record: AccessLogRecord, batch?: { operation: string; keys: readonly string[] }): void
  close(): void
}

const BUCKET_OWNER = '000000000000'
const URL_CHARACTERS_MAX = 8192
const TEXT_CHARACTERS_MAX = 1024

/** Synchronous on purpose: the line is in the file (though not synced) when `write` returns, and so before the answer is. */
export function openAccessLog(
  file: string,
  limits: { maxBytes: number; filesKept: number },
): AccessLogWriter {
  let descriptor = openSync(file, 'a', 0o600)
  let sizeBytes = fstatSync(descriptor).size
  const turnOver = () => {
    closeSync(descriptor)
    const oldest = `${file}.${limits.filesKept}`
    if (existsSync(oldest)) unlinkSync(oldest)
    for (let number = limits.filesKept - 1; number >= 1; number -= 1) {
      if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`)
    }
    if (limits.filesKept > 0) renameSync(file, `${file}.1`)
    else unlinkSync(file)
    descriptor = openSync(file, 'a', 0o600)
    sizeBytes = 0
  }
  return {
    write: (record, batch) => {
      const lines = [
        formatRecord(record),
        ...(batch?.keys ?? []).map((key) => formatBatch(record, batch!.operation, key)),
      ]
      const data = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
      if (sizeBytes > 0 && sizeBytes + data.length > limits.maxBytes) turnOver()
      sizeBytes += writeSync(descriptor, data)
    },
    close: () => closeSync(descriptor),
  }
}

export function requesterArn(accessKeyId: string): string {
  return `arn:aws:iam::${BUCKET_OWNER}:user/${accessKeyId}`
}

export function formatRecord(record: AccessLogRecord): string {
  const url = escapeUrl(maskSecrets(record.url)).slice(0, URL_CHARACTERS_MAX)
  return [
    ...firstColumns(record, record.operation),
    // S3 encodes the key twice here (and once in batch records); the Request-URI has it as it was sent.
    record.key === null ? '-' : encodeUriPath(encodeUriPath(record.key)),
    `"${record.method} ${url} HTTP/${record.httpVersion}"`,
    record.status,
    record.errorCode ?? '-',
    record.bytesSent || '-',
    record.objectSizeBytes ?? '-',
    record.totalMilliseconds,
    record.turnAroundMilliseconds ?? '-',
    quoted(record.referer === null ? null : maskSecrets(record.referer)),
    quoted(record.userAgent),
    '-',
    ...lastColumns(record),
  ].join(' ')
}

/** One object of a multi-object delete: no request of its own, hence the bare dashes. */
function formatBatch(record: AccessLogRecord, operation: string, key: string): string {
  const middle = ['-', 204, '-', '-', '-', '-', '-', '-', '-', '-']
  return [...firstColumns(record, operation), encodeUriPath(key), ...middle, ...lastColumns(record)].join(' ')
}

function firstColumns(record: AccessLogRecord, operation: string): string[] {
  return [
    BUCKET_OWNER,
    record.bucket ?? '-',
    formatTime(record.time),
    word(record.remoteIp),
    record.requester === null ? '-' : word(record.requester),
    record.requestId,
    operation,
  ]
}

function lastColumns(record: AccessLogRecord): string[] {
  return [
    record.hostId,
    record.authenticationType === null ? '-' : 'SigV4',
    '-',
    record.authenticationType ?? '-',
    record.hostHeader ? word(record.hostHeader) : '-',
    '-',
    '-',
    '-',
  ]
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `[dd/Mon/yyyy:HH:MM:SS +0000]` */
function formatTime(time: number): string {
  const iso = new Date(time).toISOString()
  return `[${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000]`
}

/** A log is read by more people than a URL, so what would let them use the URL is taken out; however its name is spelt. */
export function maskSecrets(url: string): string {
  return url.replace(/([?&;])([^=&;]*)=([^&;\s]*)/g, (whole, separator: string, name: string) => {
    const decoded = name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    return /signature|security-token|^\s*sig\s*$/i.test(decoded)
      ? `${separator}${name}=${'X'.repeat(32)}`
      : whole
  })
}

/** Between quotes: nothing that could end the column or the line. */
function escapeUrl(text: string): string {
  return text.replace(/[^\x21\x23-\x7e]/g, (character) => encodeUriPath(character))
}

function quoted(text: string | null): string {
  if (text === null || text === '') return '"-"'
  const safe = text.slice(0, TEXT_CHARACTERS_MAX).replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, (character) => {
    return `\\x${(character.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, '0')}`
  })
  return `"${safe}"`
}

/** Without quotes: no blanks either. */
function word(text: string): string {
  return text
    .slice(0, TEXT_CHARACTERS_MAX)
    .replace(/[^A-Za-z0-9.:/_@+=,[\]-]/g, (character) => encodeUriPath(character))
}
