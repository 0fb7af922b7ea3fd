/** An honest access, the grant it was made by and the bucket it was made to: tests change what they are about. */
import type { AccessLogRecord } from '../access-log-record.ts'
import type { GrantFacts, KnownBucket, MatchInput } from '../verdict.ts'

export const issuedAt = Date.UTC(2026, 10, 23, 12, 0, 0, 412)
export const expiresAt = Date.UTC(2026, 10, 23, 13)

export function grantFacts(over: Partial<GrantFacts> = {}): GrantFacts {
  return {
    grantId: '0193569c-0000-7000-8000-00000000000a',
    issuedAt,
    expiresAt,
    principalId: 'p-alice',
    username: 'alice',
    apiKeyId: 'k-alice',
    team: 'vision',
    connector: 'main',
    bucket: 'data',
    key: 'vision/a.bin',
    action: 'read',
    method: 'GET',
    marker: 'alice',
    signer: 'AKIDBROKER',
    networks: null,
    askedFrom: '192.0.2.1',
    contentLength: null,
    contentLengthMax: null,
    storeUploadId: null,
    partNumber: null,
    ...over,
  }
}

export function accessRecord(over: Partial<AccessLogRecord> = {}): AccessLogRecord {
  const grant = grantFacts()
  return {
    identity: 'r-1',
    at: issuedAt + 5000,
    atIs: 'start',
    startedAt: null,
    bucket: 'data',
    account: null,
    key: grant.key,
    action: 'read',
    operation: 'REST.GET.OBJECT',
    method: 'GET',
    status: 200,
    succeeded: true,
    errorCode: null,
    address: '192.0.2.7',
    agent: 'curl/8.5',
    requestId: 'r-1',
    signers: ['arn:aws:iam::123456789012:user/broker'],
    urlSigner: 'AKIDBROKER',
    authentication: 'query',
    markers: { user: ['alice'], grant: [grant.grantId] },
    oddNames: [],
    signedAt: Math.floor(issuedAt / 1000) * 1000,
    expiresAt,
    bytesSent: 10,
    bytesReceived: null,
    uploadId: null,
    partNumber: null,
    doubts: [],
    ...over,
  }
}

export function knownBucket(over: Partial<KnownBucket> = {}): KnownBucket {
  return {
    connectorId: 'c-1',
    connector: 'main',
    kind: 's3',
    bucket: 'data',
    account: null,
    signers: new Set(['AKIDBROKER']),
    roles: new Set(),
    hasSessions: false,
    isElsewhere: () => false,
    ...over,
  }
}

export function matchInput(over: Partial<MatchInput> = {}): MatchInput {
  return {
    bucket: knownBucket(),
    grant: grantFacts(),
    candidates: [],
    owner: { principalId: 'p-alice', username: 'alice' },
    stopOf: () => undefined,
    isOwnAgent: false,
    ...over,
  }
}
