/** A login at a terminal, confirmed in a browser: the device authorization grant (RFC 8628). */
import { createHash } from 'node:crypto'
import { SignpostError } from '@signpost/contract'
import { makeApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import type { CallContext } from '../domain/principal.ts'
import { findApiKey, insertApiKey } from '../store/api-keys.ts'
import {
  countDeviceLogins,
  decideDeviceLogin,
  findDeviceLogin,
  findDeviceLoginByUserCode,
  insertDeviceLogin,
  noteDeviceAsked,
  takeDeviceLogin,
  type DeviceLoginRow,
} from '../store/device-logins.ts'
import { findPrincipalById } from '../store/principals.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { loginProviders } from './login.ts'
import type { Grant } from './token-grants.ts'

export const devicePath = '/device'
export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

const waitSeconds = 600
const intervalSeconds = 5
/** RFC 8628 §3.5: five seconds more each time that a terminal does not wait; so long at most, and then it writes nothing more. */
const intervalMsMax = 60_000
const tokenSeconds = 12 * 3600
/** At one time: so many terminals never wait, and each is a row that anybody can make. */
const waitingMax = 10_000

export interface DeviceAuthorization {
  deviceCode: string
  userCode: string
  verificationUri: string
  expiresInSeconds: number
  intervalSeconds: number
}

/** What somebody is shown before they confirm. */
export interface WaitingDevice {
  userCode: string
  address: string
  agent: string
  since: string
}

export async function beginDeviceLogin(deps: BrokerDeps, call: CallContext): Promise<DeviceAuthorization> {
  const { db } = deps.store
  if ((await loginProviders(deps)).length === 0)
    throw new SignpostError('conflict', 'No identity provider is set up here: log in with an API key.')
  const now = deps.clock()
  if ((await countDeviceLogins(db, now)) >= waitingMax)
    throw new SignpostError('rate_limited', 'Too many logins wait for their confirmation; try again.', {
      retryAfterSeconds: 60,
    })
  const { randomBytes: bytes } = deps
  const deviceCode = Buffer.from(bytes(32)).toString('base64url')
  const userCode = newUserCode(deps)
  const row = insertDeviceLogin(db, {
    id: idOf(deviceCode),
    user_code: userCode,
    principal_id: null,
    state: 'waiting',
    asked: JSON.stringify({ address: call.address, agent: call.agent ?? '' }),
    asked_at: now,
    interval_ms: intervalSeconds * 1000,
    created_at: now,
    expires_at: now + waitSeconds * 1000,
  })
  await deps.store.commit({ statements: [row], events: [] })
  return {
    deviceCode,
    userCode,
    verificationUri: deps.publicUrl() + devicePath,
    expiresInSeconds: waitSeconds,
    intervalSeconds,
  }
}

/** Undefined: no terminal waits with this code. */
export async function findWaitingDevice(deps: BrokerDeps, typed: string): Promise<WaitingDevice | undefined> {
  const row = await findWaiting(deps, typed)
  if (!row) return undefined
  const { address, agent } = JSON.parse(row.asked) as { address: string; agent: string }
  return { userCode: row.user_code, address, agent, since: isoOf(row.created_at) }
}

/** By the user of a session in a browser: else a token would make itself another, and live for ever. */
export async function decideDevice(
  deps: BrokerDeps,
  caller: Caller,
  typed: string,
  confirmed: boolean,
): Promise<void> {
  const { principal } = caller
  if (principal.keyKind !== 'session')
    throw new SignpostError('forbidden', 'Confirm a login in a browser in which you are logged in.')
  const row = await findWaiting(deps, typed)
  if (!row)
    throw new SignpostError('not_found', 'No terminal waits with this code any more: begin again there.')
  const session = await findApiKey(deps.store.db, principal.apiKeyId)
  const { address, agent } = JSON.parse(row.asked) as { address: string; agent: string }
  const outcome = confirmed ? 'allow' : 'deny'
  const details = { device: 'terminal', deviceAddress: address, deviceAgent: agent }
  await deps.store.commit({
    statements: [
      decideDeviceLogin(deps.store.db, row, {
        state: confirmed ? 'confirmed' : 'refused',
        principal_id: principal.id,
        came_by: session?.came_by ?? 'device',
      }),
    ],
    events: [
      eventOf(
        deps,
        caller,
        'auth.login',
        { outcome, reason: confirmed ? 'device_confirmed' : 'device_refused' },
        { details },
      ),
    ],
  })
}

/** RFC 8628 §3.4 and §3.5. */
export const redeemDeviceCode: Grant = async (deps, form, call) => {
  const deviceCode = form.get('device_code')
  if (deviceCode === undefined)
    return { error: 'invalid_request', description: 'device_code: send the one that the login began with.' }
  const { db } = deps.store
  const row = await findDeviceLogin(db, idOf(deviceCode))
  const now = deps.clock()
  if (!row) {
    await deps.refusals.record(call, { type: 'auth.token', reason: 'unknown_device_code' })
    return { error: 'invalid_grant', description: 'device_code: is not known, or was used before.' }
  }
  if (row.expires_at <= now)
    return { error: 'expired_token', description: 'Nobody confirmed this login in time: begin again.' }
  if (row.state === 'refused')
    return { error: 'access_denied', description: 'This login was refused in the browser.' }
  const isEarly = now - row.asked_at < row.interval_ms
  if (row.state === 'waiting' || isEarly) {
    const interval_ms = isEarly ? Math.min(row.interval_ms + 5000, intervalMsMax) : row.interval_ms
    if (!isEarly || interval_ms > row.interval_ms)
      await deps.store.commit({
        statements: [noteDeviceAsked(db, row, { asked_at: now, interval_ms })],
        events: [],
      })
    return isEarly
      ? { error: 'slow_down', description: `Wait ${interval_ms / 1000} seconds between two requests.` }
      : { error: 'authorization_pending', description: 'Nobody has confirmed this login yet.' }
  }
  return giveToken(deps, row, call)
}

async function giveToken(deps: BrokerDeps, row: DeviceLoginRow, call: CallContext) {
  const { db } = deps.store
  const user = row.principal_id === null ? undefined : await findPrincipalById(db, row.principal_id)
  if (user?.kind !== 'user' || user.active !== 1) {
    await deps.refusals.record(call, { type: 'auth.token', reason: 'inactive_principal' })
    return { error: 'access_denied', description: 'The user who confirmed this login is not active.' }
  }
  const { id, token, secretHash } = makeApiKey(deps.randomBytes, 'accessToken')
  const now = deps.clock()
  const expiresAt = now + tokenSeconds * 1000
  const principal = {
    id: user.id,
    kind: user.kind,
    username: user.username,
    organisationRole: user.organisation_role,
    organisationPermissions: organisationPermissionsOf(user.kind, user.organisation_role, null),
    pseudonym: user.pseudonym,
    scid: user.scid,
    apiKeyId: id,
    keyKind: 'accessToken',
  } as const
  const allowed = { outcome: 'allow', reason: 'device_confirmed' } as const
  const details = { token: id }
  const insert = insertApiKey(db, {
    id,
    principal_id: user.id,
    name: `terminal at ${call.address}`.slice(0, 128),
    secret_hash: secretHash,
    created_at: now,
    expires_at: expiresAt,
    last_used_at: null,
    kind: 'accessToken',
    came_by: row.came_by,
  })
  try {
    await deps.store.commit({
      statements: [takeDeviceLogin(db, row), insert],
      events: [
        eventOf(deps, { principal, call }, 'auth.token', allowed, { expiresAt: isoOf(expiresAt), details }),
      ],
    })
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'conflict')) throw error
    return { error: 'invalid_grant', description: 'device_code: was used before.' }
  }
  return { accessToken: token, expiresInSeconds: tokenSeconds }
}

async function findWaiting(deps: BrokerDeps, typed: string): Promise<DeviceLoginRow | undefined> {
  const userCode = plainUserCode(typed)
  if (userCode === undefined) return undefined
  const row = await findDeviceLoginByUserCode(deps.store.db, userCode)
  return row?.state === 'waiting' && row.expires_at > deps.clock() ? row : undefined
}

/** RFC 8628 §6.1: no vowels, so no words; 20^8 are 34 bits, for ten minutes and a few tries a minute. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'

function newUserCode({ randomBytes: bytes }: BrokerDeps): string {
  let code = ''
  while (code.length < 8)
    // Bytes from 240 on would make the first letters likelier.
    for (const byte of bytes(16)) if (byte < 240 && code.length < 8) code += letters[byte % letters.length]
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

function plainUserCode(typed: string): string | undefined {
  const plain = typed
    .slice(0, 32)
    .toUpperCase()
    .replaceAll(/[^A-Z]/g, '')
  return plain.length === 8 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : undefined
}

function idOf(deviceCode: string): string {
  return createHash('sha256').update(deviceCode).digest('hex')
}
