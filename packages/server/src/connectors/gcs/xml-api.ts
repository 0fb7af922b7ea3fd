/** Google's XML API by signed URLs of our own: works with both kinds of credential, and needs no SDK. */

import { SignpostError } from '@signpost/contract'
import type { ObjectOperation } from '@signpost/signing'
import { XMLParser } from 'fast-xml-parser'
import { networkError, refusalError } from '../store-error.ts'
import { presign, type GcsSigner } from './sign.ts'

export interface XmlApiDeps {
  clock: () => number
  fetch: typeof fetch
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
  /** The content of the document's root element; empty where there was no body. */
  document: XmlElement
}

/** Values are texts (numbers too) or elements; `lists` are always arrays. */
export type XmlElement = { readonly [name: string]: string | XmlElement | XmlElement[] | undefined }

const LIFETIME_SECONDS = 300
/** Putting a large upload together takes a while. */
const TIMEOUT_MS = 60_000
const lists = new Set(['Contents', 'CommonPrefixes', 'Part'])

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  isArray: (name) => lists.has(name),
})

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
  const presigned = await presign(signer, {
    operation: call.operation,
    signedAt: deps.clock(),
    expiresInSeconds: LIFETIME_SECONDS,
    // Tells our own calls from those of URLs that were issued, in the bucket's log.
    query: { 'X-Operator': 'signpost' },
    headers: call.headers ?? {},
  })
  let answer: Response
  let text: string
  try {
    answer = await deps.fetch(presigned.url, {
      method: presigned.method,
      headers: presigned.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS),
      ...(call.body === undefined ? {} : { body: call.body }),
    })
    text = await answer.text()
  } catch (error) {
    throw networkError(error, context) ?? error
  }
  const document = answer.ok ? rootOf(text) : rootOrEmpty(text)
  // Completing can fail after the 200 was sent.
  const failure = answer.ok ? document['Error'] : document
  if (answer.ok && failure === undefined) return { headers: answer.headers, document }
  throw refusalError(
    { status: answer.ok ? 500 : answer.status, code: codeOf(failure) ?? codeOfStatus(answer.status) },
    context,
  )
}

function rootOf(text: string): XmlElement {
  if (text.trim() === '') return {}
  const [root] = Object.entries(parser.parse(text) as XmlElement)
  if (root === undefined || typeof root[1] !== 'object' || Array.isArray(root[1])) return {}
  return root[0] === 'Error' ? { Error: root[1] } : root[1]
}

/** Of an error's body, which may be a proxy's HTML. */
function rootOrEmpty(text: string): XmlElement {
  try {
    const root = rootOf(text)
    return typeof root['Error'] === 'object' && !Array.isArray(root['Error']) ? root['Error'] : {}
  } catch {
    return {}
  }
}

function codeOf(element: XmlElement[string]): string | undefined {
  const code = typeof element === 'object' && !Array.isArray(element) ? element['Code'] : undefined
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : undefined
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
