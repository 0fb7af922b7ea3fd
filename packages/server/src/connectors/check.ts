/** Tries a bucket the way clients will use it: through signed URLs, header contract and all. */

import type { Check as DoctorCheck } from '@signpost/contract'
import { SignpostError } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import type { OpenConnector, SignedRequest } from '../domain/connector.ts'

export interface CheckDeps {
  fetch: typeof fetch
  /** ms since the epoch */
  clock: () => number
  newId: () => string
}

type Check = DoctorCheck
export interface ConnectorCheck {
  ok: boolean
  checks: Check[]
}
type Deadline = <T>(work: Promise<T>) => Promise<T>

/** Stands in the bucket's access log as the requester of the check. */
export const checkerName = 'signpost-check'
/** Of the whole time: what is kept for clearing up when a step has used up the rest. */
const CLEANUP_SHARE = 0.2

/**
 * Writes, reads, lists and deletes a test object under `prefix`. Never throws; ends within `timeoutMs`; leaves no test
 * object as long as the bucket lets it be deleted. Steps that need an earlier one are left out when that failed.
 */
export async function checkConnector(
  open: OpenConnector,
  prefix: string,
  deps: CheckDeps,
  timeoutMs: number,
): Promise<ConnectorCheck> {
  const key = `${prefix}signpost-check-${deps.newId()}.txt`
  const stepsMs = timeoutMs * (1 - CLEANUP_SHARE)
  const signal = AbortSignal.timeout(Math.ceil(stepsMs))
  const within: Deadline = (work) => raceWith(signal, work)
  const checks: Check[] = []
  const run = async (name: string, step: () => Promise<string>): Promise<boolean> => {
    const check = await runStep(name, () => within(step()))
    checks.push(check)
    return check.result === 'pass'
  }

  const body = `Signpost looked whether this bucket works. This object may be deleted. ${deps.newId()}\n`
  let mayBeThere = false
  try {
    if (!(await run('reachable', () => reach(open, prefix, stepsMs)))) return report(checks)
    mayBeThere = true
    const written = await run('write', () => write(open, key, body, deps, signal))
    if (written) await run('read', () => read(open, key, body, deps, signal))
    await run('list', () => list(open, key, written))
    if (written && (await run('delete', () => remove(open, key)))) mayBeThere = false
  } finally {
    if (mayBeThere) await settled(open.remove(key), timeoutMs * CLEANUP_SHARE)
  }
  return report(checks)
}

function report(checks: Check[]): ConnectorCheck {
  return { ok: checks.every(({ result }) => result === 'pass'), checks }
}

async function runStep(name: string, step: () => Promise<string>): Promise<Check> {
  try {
    return { name, result: 'pass', seen: await step(), fix: null }
  } catch (error) {
    return { name, result: 'fail', ...explained(error, name) }
  }
}

async function reach(open: OpenConnector, prefix: string, timeoutMs: number): Promise<string> {
  await open.ping(Math.ceil(timeoutMs), prefix === '' ? undefined : prefix)
  return 'The bucket answers and takes the credential.'
}

async function write(
  open: OpenConnector,
  key: string,
  body: string,
  deps: CheckDeps,
  signal: AbortSignal,
): Promise<string> {
  const answer = await send(open, { method: 'PUT', key, contentType: 'text/plain', body }, deps, signal)
  return `A signed URL wrote a test object (HTTP ${answer.status}).`
}

async function read(
  open: OpenConnector,
  key: string,
  body: string,
  deps: CheckDeps,
  signal: AbortSignal,
): Promise<string> {
  const answer = await send(open, { method: 'GET', key }, deps, signal)
  if (answer.body !== body)
    throw new StepFailure(
      'The test object came back changed.',
      'see whether a proxy or cache stands before the bucket',
    )
  return `A signed URL read it back unchanged (HTTP ${answer.status}).`
}

async function list(open: OpenConnector, key: string, isThere: boolean): Promise<string> {
  const { objects } = await open.list({ prefix: key, limit: 1 })
  if (isThere && objects[0]?.key !== key)
    throw new StepFailure(
      'The listing does not show the test object.',
      'use a store that lists what it has stored',
    )
  return 'The prefix can be listed.'
}

async function remove(open: OpenConnector, key: string): Promise<string> {
  await open.remove(key)
  if ((await open.head(key)) !== null)
    throw new StepFailure(
      'The test object is still there after it was deleted.',
      `look for a retention policy, and delete ${key} by hand`,
    )
  return 'The test object was deleted.'
}

interface SentRequest {
  method: 'GET' | 'PUT'
  key: string
  contentType?: string
  body?: string
}

/** Signs and sends just as a client would. */
async function send(
  open: OpenConnector,
  { method, key, contentType, body }: SentRequest,
  deps: CheckDeps,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const signedAt = Math.floor(deps.clock() / 1000) * 1000
  const expiresAt = signedAt + 300_000
  const action = method === 'GET' ? 'read' : 'write'
  const signer = await open.signer({
    requester: { id: checkerName, username: checkerName, pseudonym: checkerName },
    team: checkerName,
    prefix: key.slice(0, key.lastIndexOf('/') + 1),
    action,
    networks: [],
    until: expiresAt,
  })
  const signed: SignedRequest = await signer.sign({
    action,
    method,
    key,
    signedAt,
    expiresAt,
    marker: {
      username: checkerName,
      pseudonym: checkerName,
      scid: scidOf(checkerName),
      grantId: deps.newId(),
    },
    ...(contentType === undefined ? {} : { contentType }),
  })
  const sent = body === undefined ? {} : { body }
  // A store that redirects would choose what this server connects to next.
  const options = { method, headers: signed.headers, redirect: 'manual' as const, signal }
  const answer = await deps.fetch(signed.url, { ...options, ...sent })
  const text = await answer.text()
  if (signed.successStatuses.includes(answer.status)) return { status: answer.status, body: text }
  const code = /<Code>([\w.]{1,64})<\/Code>/.exec(text)?.[1]
  throw new StepFailure(
    `The signed URL was refused (HTTP ${answer.status}${code === undefined ? '' : ` ${code}`}).`,
    fixOf(answer.status, code),
  )
}

function fixOf(status: number, code: string | undefined): string {
  if (code === 'SignatureDoesNotMatch')
    return 'check the addressing (virtual or path) and the region, and that no proxy changes headers or paths'
  if (status === 403)
    return "let the connector's credential read and write objects, and let this server through the bucket's network restriction"
  if (status >= 300 && status < 400) return 'check the region and the endpoint: redirects are not followed'
  if (status >= 500) return 'try again; if it stays, see the state of the store'
  return `see what ${code ?? `HTTP ${status}`} means in the store's documentation`
}

/** What was seen, and what mends it. */
class StepFailure extends Error {
  readonly fix: string

  constructor(seen: string, fix: string) {
    super(seen)
    this.fix = fix
  }
}

function explained(error: unknown, step: string): { seen: string; fix: string } {
  if (error instanceof StepFailure) return { seen: error.message, fix: error.fix }
  if (error instanceof SignpostError) {
    const [seen, fix] = error.message.split(/(?:\.? Fix: )/)
    return { seen: seen!, fix: fix ?? "check the connector's settings and credential" }
  }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return {
      seen: `No answer to the step "${step}" within the time.`,
      fix: 'check the endpoint and the network between this server and the bucket',
    }
  return {
    seen: `The step "${step}" did not come through.`,
    fix: 'check that this server reaches the host that stands in signed URLs',
  }
}

/** Work that cannot be aborted goes on unheard; its late failure must not become an unhandled rejection. */
async function raceWith<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {})
  signal.throwIfAborted()
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}

async function settled(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  await raceWith(AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs))), work).catch(() => {})
}
