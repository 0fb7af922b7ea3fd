/** POST Object: an upload by a form whose policy is signed. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html */
import type { Authentication, AuthenticateDeps } from './authenticate.ts'
import { checkCredential } from './authenticate.ts'
import { mayTouchBucket, requireBucket } from './bucket-operations.ts'
import type { Call, Reply, StoreDeps } from './call.ts'
import type { Digest } from './checksum.ts'
import { createDigest } from './checksum.ts'
import type { FormFields, FormFile } from './form-reader.ts'
import { readForm } from './form-reader.ts'
import { keptHeadersOf, refuseSettings } from './object-headers.ts'
import { putObjectRow } from './object-index.ts'
import { keepOrDiscard, PUT_BYTES_MAX } from './object-operations.ts'
import { checkPolicy, parsePolicy } from './post-policy.ts'
import type { Checksums } from './request-body.ts'
import { checkClaims, readClaims } from './request-body.ts'
import { checkKey } from './request-target.ts'
import { S3Error } from './s3-error.ts'
import { formClaim } from './signature-claim.ts'
import { ALGORITHM, sameSignature, signatureOf, signingKeyOf } from './sigv4.ts'
import { xmlDocument } from './xml.ts'

/** A request before anybody is known. */
export type FormCall = Omit<Call, 'auth'> & { bucket: string }

/** What the access log says of it, as soon as it is known. */
export interface FormProgress {
  authenticated(auth: Authentication): void
  named(key: string): void
}

export async function postObject(
  deps: StoreDeps & AuthenticateDeps,
  call: FormCall,
  progress: FormProgress,
): Promise<Reply> {
  refuseUnsigned(call)
  call.invite()
  const contentType = call.headers.get('content-type') ?? ''
  let staged: string[] = []
  const received = await readForm(call.request, contentType, async (form) => {
    const done = await receive(deps, call, form, progress)
    staged = [done.file]
    return done
  }).catch(async (error: unknown) => {
    await deps.bodies.discard(staged)
    throw error
  })
  const { key, file, sizeBytes, etag, headers, checksums, fields } = received
  const object = { bucket: call.bucket, key, sizeBytes, etag, modifiedAt: deps.clock(), headers, checksums }
  const freed = await keepOrDiscard(deps, [file], () => {
    requireBucket(deps, call.bucket)
    return putObjectRow(deps.index, object, [{ file, sizeBytes }])
  })
  await deps.bodies.discard(freed)
  return { ...answerOf(call, fields, key, etag), objectSizeBytes: sizeBytes }
}

/** A form signs its fields; what stands in headers or in the URL would be obeyed unsigned. */
function refuseUnsigned({ headers }: FormCall): void {
  const unsigned = [...headers.keys()].filter((name) => name.startsWith('x-amz-'))
  if (unsigned.length > 0)
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    })
}

interface Received {
  key: string
  file: string
  sizeBytes: number
  etag: string
  headers: Record<string, string>
  checksums: Checksums
  fields: FormFields
}

async function receive(
  deps: StoreDeps & AuthenticateDeps,
  call: FormCall,
  form: FormFile,
  progress: FormProgress,
): Promise<Received> {
  const { key, fields, range, auth } = authorise(deps, call, form, progress)
  const settings: Call = {
    ...call,
    auth,
    headers: settingsOf(fields),
    target: { ...call.target, query: new Map() },
  }
  refuseSettings(settings)
  const headers = keptHeadersOf(settings)
  const claims = readClaims(settings)
  const md5 = createDigest('md5')
  const digests = new Map([...claims.algorithms].map((name) => [name, createDigest(name)] as const))
  const sizeMax = Math.min(range.max, PUT_BYTES_MAX, deps.maxObjectBytes)
  const writer = await deps.bodies.create()
  try {
    const sizeBytes = await drain(form.stream, sizeMax, [md5, ...digests.values()], (chunk) =>
      writer.write(chunk),
    )
    if (sizeBytes < range.min)
      throw new S3Error('EntityTooSmall', undefined, sizes(sizeBytes, 'Min', range.min))
    const digest = md5.digest()
    if (claims.md5 !== null && !claims.md5.equals(digest)) throw new S3Error('BadDigest')
    const checksums = checkClaims(claims, digests, new Map())
    return {
      key,
      file: await writer.finish(),
      sizeBytes,
      etag: digest.toString('hex'),
      headers,
      checksums,
      fields,
    }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

async function drain(
  stream: AsyncIterable<Buffer>,
  sizeMax: number,
  digests: readonly Digest[],
  write: (chunk: Buffer) => Promise<void>,
): Promise<number> {
  let sizeBytes = 0
  for await (const chunk of stream) {
    sizeBytes += chunk.length
    if (sizeBytes > sizeMax) throw new S3Error('EntityTooLarge', undefined, sizes(sizeBytes, 'Max', sizeMax))
    for (const digest of digests) digest.update(chunk)
    await write(chunk)
  }
  return sizeBytes
}

function sizes(proposed: number, which: 'Min' | 'Max', limit: number): Record<string, string> {
  return { ProposedSize: String(proposed), [`${which}SizeAllowed`]: String(limit) }
}

/** Form, key, signature, time, and then each field: in S3's order as far as it can be seen. */
function authorise(
  deps: AuthenticateDeps & StoreDeps,
  call: FormCall,
  { fields: given, fileName }: FormFile,
  progress: FormProgress,
): { key: string; fields: FormFields; range: { min: number; max: number }; auth: Authentication } {
  const named = given.get('key')
  if (named === undefined || named === '')
    throw new S3Error('InvalidArgument', "Bucket POST must contain a field named 'key'.", {
      ArgumentName: 'key',
    })
  const key = named.replaceAll('${filename}', fileName)
  checkKey(key)
  progress.named(key)
  const fields = new Map([...given, ['key', key], ['bucket', call.bucket]])
  const auth = authenticateForm(deps, given)
  progress.authenticated(auth)
  const bucketField = given.get('bucket')
  if (bucketField !== undefined && bucketField !== call.bucket) throw new S3Error('AccessDenied')
  const range = checkPolicy(parsePolicy(given.get('policy') ?? ''), fields, deps.clock())
  if (!mayTouchBucket(auth.credential, call.bucket)) throw new S3Error('AccessDenied')
  requireBucket(deps, call.bucket)
  return { key, fields, range, auth }
}

/** The string to sign is the policy as it stands in the form. */
function authenticateForm(deps: AuthenticateDeps, fields: FormFields): Authentication {
  if (fields.get('x-amz-algorithm') !== ALGORITHM || !fields.has('policy')) throw new S3Error('AccessDenied')
  const claim = formClaim(fields)
  const credential = checkCredential(deps, claim)
  const signingKey = signingKeyOf(credential.secretAccessKey, claim.scopeDate, claim.region, 's3')
  if (!sameSignature(signatureOf(signingKey, fields.get('policy')!), claim.signature))
    throw new S3Error('SignatureDoesNotMatch', undefined, { AWSAccessKeyId: claim.accessKeyId })
  const seed = { signature: claim.signature, signingKey, amzDate: claim.amzDate, scope: claim.scope }
  return { type: 'PostForm', credential, payload: { type: 'unsigned' }, seed }
}

/** Fields say what headers say elsewhere, by two other names. */
function settingsOf(fields: FormFields): ReadonlyMap<string, string> {
  const names: Record<string, string> = { acl: 'x-amz-acl', tagging: 'x-amz-tagging' }
  if (fields.has('success_action_redirect') || fields.has('redirect'))
    throw new S3Error('NotImplemented', undefined, { Header: 'success_action_redirect' })
  return new Map([...fields].map(([name, value]) => [names[name] ?? name, value]))
}

function answerOf({ bucket, headers }: FormCall, fields: FormFields, key: string, etag: string): Reply {
  const location = `http://${headers.get('host') ?? ''}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
  const sent = { etag: `"${etag}"`, location }
  const status = fields.get('success_action_status')
  if (status === '200') return { status: 200, headers: sent }
  if (status !== '201') return { status: 204, headers: sent }
  const body = xmlDocument('PostResponse', {
    Location: location,
    Bucket: bucket,
    Key: key,
    ETag: `"${etag}"`,
  })
  return { status: 201, headers: sent, body }
}
