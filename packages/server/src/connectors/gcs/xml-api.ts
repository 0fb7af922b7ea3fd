/** Google's XML API by signed URLs of our own: works with both kinds of credential, and needs no SDK. */

import { SignpostError } from '@signpost/contract'
import type { ObjectOperation, Presigned } from '@signpost/signing'
import { networkError, refusalError, unreadableError, type StoreContext } from '../store-error.ts'
import { presign, type GcsSigner } from './sign.ts'

export interface XmlApiDeps {
  clock: () => number
  fetch: typeof fetch
  /** Of what is not sent by `fetch`. */
  userAgent?: string
}

export interface XmlCall {
  operation: ObjectOperation
  /** Signed. */
  headers?: Record<string, string>
  body?: Uint8Array<ArrayBuffer>
  timeoutMs?: number
}

export interface XmlAnswer {
  headers: Headers
  /** Name of the document's root element; empty where there was no body. */
  root: string
  /** Its content. */
  document: XmlElement
}

/** Values are texts (numbers too) or elements; `lists` are always arrays. */
export type XmlElement = { readonly [name: string]: string | XmlElement | XmlElement[] | undefined }

const LIFETIME_SECONDS = 300
/** Putting a large upload together takes a while. */
const TIMEOUT_MS = 60_000
const lists = new Set(['Contents', 'CommonPrefixes', 'Part'])

/** Sends one call; again once, where that does no harm, when Google is busy. Throws `SignpostError` for anything but a 2xx. */
export async function callXmlApi(
  signer: Pick<GcsSigner, 'address' | 'credential'>,
  bucket: string,
  deps: XmlApiDeps,
  call: XmlCall,
): Promise<XmlAnswer> {
  const isRepeatable = !['createUpload', 'completeUpload'].includes(call.operation.type)
  try {
    return await callOnce(signer, bucket, deps, call)
  } catch (error) {
    const isBusy = error instanceof SignpostError && error.retryAfterSeconds !== undefined
    if (!isRepeatable || !isBusy) throw error
    return callOnce(signer, bucket, deps, call)
  }
}

async function callOnce(
  signer: Pick<GcsSigner, 'address' | 'credential'>,
  bucket: string,
  deps: XmlApiDeps,
  call: XmlCall,
): Promise<XmlAnswer> {
  const context = { bucket, host: signer.address.host }
  const signal = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS)
  const presigned = await within(signal, presignOwn(signer, deps, call))
  let answer: Response
  let text: string
  try {
    answer = await deps.fetch(presigned.url, {
      method: presigned.method,
      headers: presigned.headers,
      redirect: 'manual',
      signal,
      ...(call.body === undefined ? {} : { body: call.body }),
    })
    text = await answer.text()
  } catch (error) {
    throw networkError(error, context) ?? error
  }
  if (!answer.ok) throw await refusalOf(answer.status, text, context)
  const { root, document } = await documentOf(text, true, context)
  // Completing and copying can fail after the 200 was sent.
  if (root === 'Error') throw await refusalOf(500, text, context)
  return { headers: answer.headers, root, document }
}

/** IAM may take its time to sign. What comes late goes unheard. */
async function within(signal: AbortSignal, signing: Promise<Presigned>): Promise<Presigned> {
  let give: (() => void) | undefined
  const late = new Promise<never>((_resolve, reject) => {
    give = () => reject(new SignpostError('credential_unavailable', 'No signature came in time: try again.'))
    signal.addEventListener('abort', give, { once: true })
  })
  try {
    return await Promise.race([signing, late])
  } finally {
    if (give) signal.removeEventListener('abort', give)
    signing.catch(() => undefined)
  }
}

/** A signed URL for one of our own calls. */
export async function presignOwn(
  signer: Pick<GcsSigner, 'address' | 'credential'>,
  { clock }: Pick<XmlApiDeps, 'clock'>,
  { operation, headers = {} }: Pick<XmlCall, 'operation' | 'headers'>,
): Promise<Presigned> {
  return presign(signer, {
    operation,
    signedAt: clock(),
    expiresInSeconds: LIFETIME_SECONDS,
    // Tells our own calls from those of URLs that were issued, in the bucket's log.
    query: { 'X-Operator': 'signpost' },
    headers,
  })
}

/** The error that an answer is which is no success. */
export async function refusalOf(status: number, text: string, context: StoreContext): Promise<SignpostError> {
  const { root, document } = await documentOf(text, false, context)
  const code = root === 'Error' ? textOf(document, 'Code') : undefined
  return refusalError({ status, code: code ?? codeOfStatus(status) }, context)
}

/** What says no may be a proxy with a page of its own; what says yes has to be a document. */
async function documentOf(
  text: string,
  isSuccess: boolean,
  context: StoreContext,
): Promise<{ root: string; document: XmlElement }> {
  if (text.trim() === '') return { root: '', document: {} }
  try {
    const [root, document] = Object.entries(await parsed(text))[0] ?? []
    if (root === undefined || document === undefined || Array.isArray(document)) throw new Error('no root')
    return { root, document: typeof document === 'string' ? {} : document }
  } catch (error) {
    if (isSuccess) throw unreadableError(error, context)
    return { root: '', document: {} }
  }
}

/** The parser is loaded with the first answer, not at the start of the server. */
async function parsed(text: string): Promise<XmlElement> {
  const { XMLParser } = await import('fast-xml-parser')
  const parser = new XMLParser({
    parseTagValue: false,
    trimValues: false,
    ignoreAttributes: true,
    ignoreDeclaration: true,
    isArray: (name) => lists.has(name),
  })
  return parser.parse(text) as XmlElement
}

/** Answers to HEAD have no body. */
function codeOfStatus(status: number): string {
  if (status === 403) return 'AccessDenied'
  if (status === 404) return 'NoSuchKey'
  if (status === 412) return 'PreconditionFailed'
  return `HTTP${status}`
}

/** The text of a child, or undefined. */
export function textOf(element: XmlElement, name: string): string | undefined {
  const value = element[name]
  return typeof value === 'string' ? value : undefined
}

export function elementsOf(element: XmlElement, name: string): XmlElement[] {
  const value = element[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object') : []
}
