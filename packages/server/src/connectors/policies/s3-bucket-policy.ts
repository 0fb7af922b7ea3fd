/** The rest of a bucket policy: how old a URL may be, and TLS. The stores hold it against whoever signs. */
import { abilities } from './s3-stores.ts'
import { arnsOf, networkDenies, s3NetworkStatements, type S3PolicyInput } from './s3-network.ts'
import type { Principal, Statement } from './statement.ts'

export function s3BucketStatements(input: S3PolicyInput): Statement[] {
  if (!abilities[input.store.kind].bucketPolicy) return []
  return [...s3NetworkStatements(input).statements, ...limitStatements(input)]
}

/** For the user that signs, where bucket policies do not hold for it. */
export function s3UserStatements(input: S3PolicyInput): Statement[] {
  if (!abilities[input.store.kind].userPolicy) return []
  return [...networkDenies(input), ...limitStatements(input).map(withoutPrincipal)]
}

function withoutPrincipal(statement: Statement): Statement {
  const own = { ...statement }
  delete own.Principal
  return own
}

function limitStatements(input: S3PolicyInput): Statement[] {
  const can = abilities[input.store.kind]
  return [...(can.signatureAge ? ageStatements(input) : []), ...(can.secureTransport ? [tlsOnly(input)] : [])]
}

const readActions = ['s3:GetObject', 's3:GetObjectVersion']
const writeActions = ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload']

/** `s3:signatureAge` is in milliseconds; the stricter of policy and URL wins. */
function ageStatements(input: S3PolicyInput): Statement[] {
  const { readSecondsMax, writeSecondsMax } = input.expiry
  const limit = (Sid: string, Action: string[], seconds: number): Statement => ({
    Sid,
    Effect: 'Deny',
    Principal: everybody(input),
    Action,
    Resource: arnsOf(input).objects(''),
    Condition: {
      StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] },
      NumericGreaterThan: { 's3:signatureAge': String(seconds * 1000) },
    },
  })
  return [
    limit('SignpostReadUrlAge', readActions, readSecondsMax),
    limit('SignpostWriteUrlAge', writeActions, writeSecondsMax),
  ]
}

function everybody({ store }: S3PolicyInput): Principal {
  return store.kind === 'coreweave' ? { CW: ['*'] } : '*'
}

function tlsOnly(input: S3PolicyInput): Statement {
  const arns = arnsOf(input)
  return {
    Sid: 'SignpostTlsOnly',
    Effect: 'Deny',
    Principal: everybody(input),
    Action: 's3:*',
    Resource: [arns.bucket, `${arns.bucket}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
}
