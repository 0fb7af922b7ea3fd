import { headersToKeep, xmlReply } from './call.ts'
import type { Call, Reply } from './call.ts'
import { accessDenied, GcsRefusal, invalidArgument } from './refusal.ts'
import { checkRoom, putObject } from './store.ts'
import { isSignedBy } from './verify.ts'
import type { SigningIdentities } from './verify.ts'
import { xmlDocument } from './xml.ts'

/** An upload by an HTML form, before it is known who signed it. */
export type FormCall = Omit<Call, 'may' | 'key'>

interface FormDeps {
  identities: SigningIdentities
  may: (identity: string, access: { method: string; bucket: string; key: string }) => boolean
}

export function isForm({ method, headers }: Pick<Call, 'method' | 'headers'>, key: string): boolean {
  return method === 'POST' && key === '' && /^multipart\/form-data\b/.test(headers['content-type'] ?? '')
}

/** "Upload an object with HTML forms" and "Signatures, policy document": written from the documentation. */
export async function writeForm({ identities, may }: FormDeps, call: FormCall): Promise<Reply> {
  const form = await new Response(new Uint8Array(call.body), {
    headers: { 'content-type': call.headers['content-type'] ?? '' },
  })
    .formData()
    .catch(() => {
      throw invalidArgument('The form is malformed.')
    })
  const fields = new Map<string, string>()
  let file: Blob | undefined
  for (const [name, value] of form) {
    if (file) break
    if (name === 'file') file = typeof value === 'string' ? new Blob([value]) : value
    else if (typeof value !== 'string' || fields.has(name.toLowerCase()))
      throw invalidArgument(`The field ${name} is given twice or is a file.`)
    else fields.set(name.toLowerCase(), value)
  }
  if (!file) throw invalidArgument('The form holds no file.')
  const key = fields.get('key') ?? ''
  const identity = checkSignature(fields, identities)
  const body = Buffer.from(await file.arrayBuffer())
  checkPolicy(fields, call.bucket, body.length, call.store.nowMs())
  if (!may(identity, { method: 'PUT', bucket: call.bucket, key }))
    throw accessDenied(`${identity} does not have access to the Google Cloud Storage object.`)
  if (fields.has('acl') && fields.get('acl') !== 'private') throw accessDenied('Objects here are not public.')
  checkRoom(call.store, body.length)
  const object = putObject(call.store, call.bucket, {
    key,
    body,
    headers: headersToKeep(Object.fromEntries(fields)),
  })
  if (fields.get('success_action_status') !== '201') return { status: 204 }
  const elements: [string, string][] = [
    ['Bucket', call.bucket],
    ['Key', key],
    ['ETag', `"${object.etag}"`],
  ]
  return xmlReply(201, xmlDocument('PostResponse', elements))
}

function checkSignature(fields: ReadonlyMap<string, string>, identities: SigningIdentities): string {
  const get = (name: string) => {
    const value = fields.get(name)
    if (!value) throw accessDenied(`The form has no field ${name}.`)
    return value
  }
  const [identity = '', ...scope] = get('x-goog-credential').split('/')
  const expected = [get('x-goog-date').slice(0, 8), 'auto', 'storage', 'goog4_request'].join('/')
  const algorithm = get('x-goog-algorithm')
  const isKnown = algorithm === 'GOOG4-RSA-SHA256' || algorithm === 'GOOG4-HMAC-SHA256'
  if (!isKnown || scope.join('/') !== expected) throw accessDenied('The credential scope is not known.')
  const signed = { algorithm, identity, scope: expected, signature: get('x-goog-signature') }
  if (!isSignedBy(signed, get('policy'), identities))
    throw new GcsRefusal(403, 'SignatureDoesNotMatch', 'Access denied.', {
      Details: 'The signature of the policy does not match.',
    })
  return identity
}

const unchecked = /^(?:policy|file|x-goog-signature|x-ignore-.*)$/

function checkPolicy(
  fields: ReadonlyMap<string, string>,
  bucket: string,
  sizeBytes: number,
  now: number,
): void {
  const { expiration, conditions } = JSON.parse(Buffer.from(fields.get('policy')!, 'base64').toString()) as {
    expiration: string
    conditions: (Record<string, string> | [string, string | number, string | number])[]
  }
  if (!(Date.parse(expiration) > now)) throw new GcsRefusal(400, 'ExpiredToken', 'The policy has expired.')
  const named = new Set<string>()
  const all = new Map([...fields, ['bucket', bucket]])
  const check = (kind: string, name: string, text: string) => {
    named.add(name.toLowerCase())
    const value = all.get(name.toLowerCase())
    const holds = kind === 'eq' ? value === text : value?.startsWith(text)
    if (!holds) throw policyRefusal(`the field ${name} does not meet its condition`)
  }
  for (const condition of conditions) {
    if (!Array.isArray(condition)) {
      for (const [name, text] of Object.entries(condition)) check('eq', name, text)
    } else if (condition[0] === 'content-length-range') {
      if (sizeBytes < Number(condition[1]))
        throw new GcsRefusal(400, 'EntityTooSmall', 'The file is too small.')
      if (sizeBytes > Number(condition[2]))
        throw new GcsRefusal(400, 'EntityTooLarge', 'The file is too large.')
    } else check(condition[0], String(condition[1]).slice(1), String(condition[2]))
  }
  const extra = [...fields.keys()].filter((name) => !unchecked.test(name) && !named.has(name))
  if (extra.length > 0) throw policyRefusal(`extra input fields: ${extra.join(', ')}`)
}

function policyRefusal(why: string): GcsRefusal {
  return new GcsRefusal(403, 'InvalidPolicyDocument', `Invalid according to Policy: ${why}.`)
}
