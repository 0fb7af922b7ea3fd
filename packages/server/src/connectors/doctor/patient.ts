/** What the checks work with: the bucket, signed URLs of it as a client uses them, and what was found so far. */

import type { ConnectorSettings, UrlMethod } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import type { OpenConnector, SignedRequest, SignRequest } from '../../domain/connector.ts'
import { checkerName, checkFolder } from '../../domain/own-check.ts'
import type { EffectivePolicy } from '../../domain/policy.ts'
import type { KindDoctor } from './kind.ts'
import { answerOf, type StoreAnswer } from './store-answer.ts'

export interface DoctorDeps {
  fetch: typeof fetch
  /** ms since the epoch */
  clock: () => number
  newId: () => string
}

/** A log source that tells of the bucket. */
export interface LogFacts {
  name: string
  /** Why it cannot be read; null: it can. */
  problem: string | null
  /** ms since the epoch; null: nothing has come yet. */
  lastArrivalAt: number | null
  /** URLs were issued long enough ago that their use should have come, and nothing came since. */
  isSilent: boolean
}

/** Where the audit trail is sent. Why one does not take it is for those who may read the trail. */
export interface SinkFacts {
  name: string
  /** Deliveries that failed one after the other. */
  failures: number
  /** How long the oldest event has waited that should have been sent; 0: none is late. */
  lateSeconds: number
}

export interface Examination {
  /** By it the audit trail and the bucket's log name this examination; left out: one is made up. */
  checkId?: string
  settings: ConnectorSettings
  open: OpenConnector
  /** Below this the connector's objects are. */
  prefix: string
  /** Of the organisation: teams share it, each below its own prefix. */
  isShared: boolean
  /** Why what the connector refers to is not taken; left out: nothing waits. */
  heldBack?: string | undefined
  /** Pages that are to reach the bucket. */
  origins: readonly string[]
  policy: Pick<EffectivePolicy, 'networks' | 'allowsAddress' | 'writes'>
  /** Left out: they are not looked at. */
  logs?: readonly LogFacts[]
  /** Of the organisation's; left out: they are not looked at. */
  sinks?: readonly SinkFacts[]
}

const REQUEST_MS = 10_000
const URL_LIFE_MS = 300_000

export interface Wish extends Partial<Omit<SignRequest, 'method' | 'key'>> {
  method: UrlMethod
  key: string
  /** Whose session signs: of somebody whose objects are below this; the folder of the check unless told. */
  scopePrefix?: string
  audience?: string
}

export interface Sending {
  body?: string
  /** Beside those that were signed. */
  headers?: Record<string, string>
}

export interface Patient extends Examination {
  checkId: string
  deps: DoctorDeps
  kind: KindDoctor
  /** Everything that is written is below it. Ends with a slash. */
  folder: string
  /** What may have been left behind. */
  written: Set<string>
  /** The signal of the check that runs. */
  during(signal: AbortSignal): void
  sign(wish: Wish): Promise<SignedRequest>
  /** As it is: redirects are not followed, since a store that redirects would choose what this server connects to next. */
  send(
    url: string,
    init: { method: string; headers?: Record<string, string>; body?: string },
  ): Promise<StoreAnswer>
  /** Signs and sends just as a client would. */
  ask(
    wish: Wish,
    sending?: Sending,
  ): Promise<{ answer: StoreAnswer; signed: SignedRequest; isSuccess: boolean }>
  /** Does what several checks look at only once. */
  once<T>(name: string, work: () => Promise<T>): Promise<T>
}

export function createPatient(examination: Examination, kind: KindDoctor, deps: DoctorDeps): Patient {
  const remembered = new Map<string, Promise<unknown>>()
  let signal: AbortSignal | undefined
  const checkId = examination.checkId ?? deps.newId()
  const folder = checkFolder(examination.prefix, checkId)
  const patient: Patient = {
    ...examination,
    checkId,
    deps,
    kind,
    folder,
    written: new Set(),
    during: (of) => void (signal = of),
    sign: (wish) => signWish(patient, wish),
    async send(url, init) {
      const limits = [AbortSignal.timeout(REQUEST_MS), ...(signal ? [signal] : [])]
      const begun = deps.clock()
      const response = await deps.fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.any(limits) })
      return answerOf(response, begun, deps.clock)
    },
    async ask(wish, { body, headers = {} } = {}) {
      const signed = await patient.sign(wish)
      if (wish.method === 'PUT' && wish.part === undefined) patient.written.add(wish.key)
      const answer = await patient.send(signed.url, {
        method: wish.method,
        headers: { ...signed.headers, ...headers },
        ...(body === undefined ? {} : { body }),
      })
      return { answer, signed, isSuccess: signed.successStatuses.includes(answer.status) }
    },
    once(name, work) {
      let found = remembered.get(name)
      if (!found) remembered.set(name, (found = work()))
      return found as ReturnType<typeof work>
    },
  }
  return patient
}

async function signWish(patient: Patient, wish: Wish): Promise<SignedRequest> {
  const { scopePrefix = patient.folder, audience, method, key, ...rest } = wish
  const { open, policy, deps } = patient
  const signedAt = wish.signedAt ?? Math.floor(deps.clock() / 1000) * 1000
  const expiresAt = wish.expiresAt ?? signedAt + URL_LIFE_MS
  const action = method === 'GET' || method === 'HEAD' ? 'read' : 'write'
  const signer = await open.signer({
    requester: { id: checkerName, username: checkerName, pseudonym: checkerName },
    team: checkerName,
    prefix: scopePrefix,
    action,
    networks: policy.networks,
    ...(audience === undefined ? {} : { audience }),
    until: Math.max(expiresAt, deps.clock() + URL_LIFE_MS),
  })
  const marker = {
    username: checkerName,
    pseudonym: checkerName,
    scid: scidOf(checkerName),
    grantId: patient.checkId,
  }
  const request: SignRequest = { action, method, key, signedAt, expiresAt, marker, ...rest }
  if (method === 'PUT' && policy.writes !== undefined) request.writes = policy.writes
  if (policy.networks.length > 0) request.networks = policy.networks
  return signer.sign(request)
}
