/**
 * Cross-origin rules of a bucket: kept, shown, and applied to preflights and to answers.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
 */
import { findBucket, requireBucket } from './bucket-operations.ts'
import type { BucketCall, Reply, StoreDeps } from './call.ts'
import type { RequestHeaders } from './request-headers.ts'
import { receiveText } from './request-body.ts'
import { S3Error } from './s3-error.ts'
import { parseXml, recordsIn, textIn, textsIn, xmlDocument } from './xml.ts'

interface CorsRule {
  id?: string
  allowedOrigins: string[]
  allowedMethods: string[]
  allowedHeaders: string[]
  exposeHeaders: string[]
  maxAgeSeconds?: number
}

const RULES_MAX = 100
const BODY_BYTES_MAX = 64 * 1024
const METHODS = new Set(['GET', 'PUT', 'HEAD', 'POST', 'DELETE'])
const LISTS = ['CORSRule', 'AllowedOrigin', 'AllowedMethod', 'AllowedHeader', 'ExposeHeader']

export async function putCors(deps: StoreDeps, call: BucketCall): Promise<Reply> {
  const { text } = await receiveText(call, BODY_BYTES_MAX)
  const rules = recordsIn(parseXml(text, 'CORSConfiguration', LISTS)['CORSRule']).map(readRule)
  if (rules.length === 0 || rules.length > RULES_MAX) throw new S3Error('MalformedXML')
  await deps.index.commit(() => {
    requireBucket(deps, call.bucket)
    deps.index.run('update bucket set cors = ? where name = ?', JSON.stringify(rules), call.bucket)
  })
  return { status: 200 }
}

function readRule(node: Record<string, unknown>): CorsRule {
  const lists = LISTS.slice(1).map((name) => textsIn(node, name).map((text) => text.trim()))
  const [allowedOrigins = [], allowedMethods = [], allowedHeaders = [], exposeHeaders = []] = lists
  if (allowedOrigins.length === 0 || allowedMethods.length === 0) throw new S3Error('MalformedXML')
  const method = allowedMethods.find((one) => !METHODS.has(one))
  if (method !== undefined) {
    throw new S3Error(
      'InvalidRequest',
      `Found unsupported HTTP method in CORS config. Unsupported method is ${method.slice(0, 20)}`,
    )
  }
  for (const pattern of [...allowedOrigins, ...allowedHeaders]) {
    if (pattern.split('*').length > 2) {
      throw new S3Error(
        'InvalidRequest',
        'AllowedOrigin and AllowedHeader can not have more than one wildcard.',
      )
    }
  }
  if (lists.flat().some((text) => !/^[\x21-\x7e]+$/.test(text))) throw new S3Error('MalformedXML')
  const id = textIn(node, 'ID')
  const maxAge = textIn(node, 'MaxAgeSeconds')?.trim()
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) throw new S3Error('MalformedXML')
  return {
    ...(id === undefined ? {} : { id }),
    allowedOrigins,
    allowedMethods,
    allowedHeaders,
    exposeHeaders,
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
  }
}

export function getCors(deps: StoreDeps, call: BucketCall): Reply {
  const rules = rulesOf(deps, call.bucket)
  if (rules.length === 0) throw new S3Error('NoSuchCORSConfiguration', undefined, { BucketName: call.bucket })
  const CORSRule = rules.map((rule) => ({
    ID: rule.id,
    AllowedHeader: rule.allowedHeaders,
    AllowedMethod: rule.allowedMethods,
    AllowedOrigin: rule.allowedOrigins,
    ExposeHeader: rule.exposeHeaders,
    MaxAgeSeconds: rule.maxAgeSeconds,
  }))
  return { status: 200, body: xmlDocument('CORSConfiguration', { CORSRule }) }
}

export async function deleteCors(deps: StoreDeps, call: BucketCall): Promise<Reply> {
  await deps.index.commit(() => deps.index.run('update bucket set cors = null where name = ?', call.bucket))
  return { status: 204 }
}

function rulesOf(deps: Pick<StoreDeps, 'index'>, bucket: string): CorsRule[] {
  const text = findBucket(deps.index, bucket)?.cors
  return text ? (JSON.parse(text) as CorsRule[]) : []
}

/** Answers OPTIONS; the only request that needs no signature. An unknown bucket looks like one without rules. */
export function preflight(deps: StoreDeps, bucket: string | null, headers: RequestHeaders): Reply {
  const method = headers.get('access-control-request-method')
  const origin = headers.get('origin')
  if (origin === undefined || method === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'Insufficient information. Origin request header and Access-Control-Request-Method needed.',
    )
  }
  const rules = bucket === null ? [] : rulesOf(deps, bucket)
  if (rules.length === 0) throw new S3Error('AccessForbidden')
  const asked = (headers.get('access-control-request-headers') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  const rule = findRule(rules, origin, method, asked)
  if (rule === undefined) {
    throw new S3Error(
      'AccessForbidden',
      'CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource’s CORS spec.',
    )
  }
  return {
    status: 200,
    headers: {
      ...rule,
      ...(asked.length > 0 ? { 'access-control-allow-headers': asked.join(', ') } : {}),
    },
  }
}

/** What a cross-origin answer (an error, too) carries, so that a page may read it. */
export function corsHeaders(
  deps: Pick<StoreDeps, 'index'>,
  bucket: string | null,
  method: string,
  headers: RequestHeaders,
): Record<string, string> {
  const origin = headers.get('origin')
  if (origin === undefined || bucket === null) return {}
  const rule = findRule(rulesOf(deps, bucket), origin, method, [])
  return rule ?? {}
}

function findRule(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  askedHeaders: readonly string[],
): Record<string, string> | undefined {
  for (const rule of rules) {
    const pattern = rule.allowedOrigins.find((one) => matches(one, origin))
    if (pattern === undefined || !rule.allowedMethods.includes(method)) continue
    const allowed = rule.allowedHeaders.map((name) => name.toLowerCase())
    if (!askedHeaders.every((name) => allowed.some((one) => matches(one, name)))) continue
    const anyOrigin = pattern === '*'
    return {
      'access-control-allow-origin': anyOrigin ? '*' : origin,
      ...(anyOrigin ? {} : { 'access-control-allow-credentials': 'true' }),
      'access-control-allow-methods': rule.allowedMethods.join(', '),
      ...(rule.exposeHeaders.length > 0
        ? { 'access-control-expose-headers': rule.exposeHeaders.join(', ') }
        : {}),
      ...(rule.maxAgeSeconds === undefined ? {} : { 'access-control-max-age': String(rule.maxAgeSeconds) }),
      vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
    }
  }
  return undefined
}

function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return pattern === text
  const head = pattern.slice(0, star)
  const tail = pattern.slice(star + 1)
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail)
}
