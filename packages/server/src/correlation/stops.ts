/** Who was stopped when: from the events that tell of it, so that it is what held at the time of an access. */
import type { AuditEvent } from '@signpost/contract'
import type { GrantFacts, Stop } from './verdict.ts'

export interface Stops {
  /** Since the grant was given, and in force at `at`. */
  of(grant: GrantFacts, at: number): Stop | undefined
}

interface Span {
  from: number
  until: number
  reason: string
}

interface Narrowed extends Span {
  username: string | undefined
  team: string | undefined
  actions: readonly string[] | undefined
  prefix: string | undefined
  key: string | undefined
  grantId: string | undefined
  connector: string | undefined
}

interface Known {
  users: Map<string, Span[]>
  keys: Map<string, number>
  /** By their ids, or a number. */
  rules: Map<string, Narrowed>
}

/** `prefixes`: where teams' objects begin, as what is restricted is named relative to that. */
export function readStops(events: readonly string[], prefixes: ReadonlyMap<string, string>): Stops {
  const known: Known = { users: new Map(), keys: new Map(), rules: new Map() }
  for (const text of events) noteEvent(known, JSON.parse(text) as AuditEvent)
  const rules = [...known.rules.values()]
  if (known.users.size === 0 && known.keys.size === 0 && rules.length === 0) return noStops
  return {
    of(grant, at) {
      let first: Stop | undefined
      // The first: what came later does not make it any later.
      const note = ({ from, until, reason }: Span) => {
        const isIn = from > grant.issuedAt && from <= at && at < until
        if (isIn && (first === undefined || from < first.at)) first = { at: from, reason }
      }
      for (const span of known.users.get(grant.username) ?? none) note(span)
      for (const rule of rules) if (isAbout(rule, grant, prefixes)) note(rule)
      const deletedAt = known.keys.get(grant.apiKeyId)
      if (deletedAt !== undefined) note({ from: deletedAt, until: Infinity, reason: 'key_deleted' })
      return first
    },
  }
}

const none: readonly Span[] = []
const noStops: Stops = { of: () => undefined }

function noteEvent(known: Known, event: AuditEvent): void {
  const { type, details = {} } = event
  const at = Date.parse(event.at)
  if (type === 'restriction.create') noteRestriction(known, event, at)
  else if (type === 'revocation.step') noteStep(known, event, at)
  else if (type === 'restriction.end') {
    const rule = known.rules.get(textOf(details['restriction']) ?? '')
    if (rule) rule.until = Math.min(rule.until, at)
  } else if (type === 'apiKey.delete') {
    const key = textOf(details['key'])
    if (key !== undefined) known.keys.set(key, at)
  } else noteUser(known, event, at)
}

/** A user or a service account was made, changed or deleted. */
function noteUser(known: Known, { type, details = {} }: AuditEvent, at: number): void {
  const name = textOf(details['user']) ?? textOf(details['serviceAccount'])
  if (name === undefined) return
  if (type.endsWith('.delete')) stopUser(known, name, at, 'user_deleted')
  else if (details['active'] === false) stopUser(known, name, at, 'user_deactivated')
  else if (type.endsWith('.create') || details['active'] === true) endStops(known.users.get(name), at)
}

function stopUser({ users }: Known, name: string, from: number, reason: string): void {
  const spans = users.get(name) ?? []
  if (spans.at(-1)?.until === Infinity) return
  users.set(name, [...spans, { from, until: Infinity, reason }])
}

function endStops(spans: readonly Span[] | undefined, at: number): void {
  const last = spans?.at(-1)
  if (last) last.until = Math.min(last.until, at)
}

/** Caps limit and do not stop; a restriction by networks is about who asks, not about who uses a URL. */
function noteRestriction({ rules }: Known, { team, details = {} }: AuditEvent, at: number): void {
  const id = textOf(details['restriction'])
  if (id === undefined || details['caps'] !== undefined || details['networks'] !== undefined) return
  const [from, until] = [textOf(details['from']), textOf(details['until'])]
  rules.set(id, {
    ...nothing,
    from: from === undefined ? at : Date.parse(from),
    until: until === undefined ? Infinity : Date.parse(until),
    reason: 'restricted',
    username: textOf(details['user']),
    team,
    actions: textOf(details['actions'])?.split(' '),
    prefix: textOf(details['prefix']),
  })
}

/** Those that act on URLs that are out; the others are told by events of their own. */
const stepsOnUrls = new Set([
  'deny-requester',
  'end-sessions',
  'deactivate-hmac-key',
  'revoke-delegation-keys',
  'remove-access-policy',
  'rotate-credential',
])

function noteStep({ rules }: Known, { connector, details = {} }: AuditEvent, at: number): void {
  const step = textOf(details['step'])
  if (step === undefined || !stepsOnUrls.has(step) || details['outcome'] !== 'done') return
  const about = {
    username: textOf(details['user']),
    team: textOf(details['ofTeam']),
    key: textOf(details['ofKey']),
    grantId: textOf(details['grant']),
    connector,
  }
  const name = JSON.stringify([step, about])
  if (details['undo'] === true) {
    const rule = rules.get(name)
    if (rule) rule.until = Math.min(rule.until, at)
    return
  }
  rules.set(name, { ...nothing, ...about, from: at, until: Infinity, reason: 'revoked' })
}

const nothing = {
  username: undefined,
  team: undefined,
  actions: undefined,
  prefix: undefined,
  key: undefined,
  grantId: undefined,
  connector: undefined,
}

function isAbout(rule: Narrowed, grant: GrantFacts, prefixes: ReadonlyMap<string, string>): boolean {
  const action = grant.method === 'DELETE' ? 'delete' : grant.action
  if (rule.username !== undefined && rule.username !== grant.username) return false
  if (rule.team !== undefined && rule.team !== grant.team) return false
  if (rule.actions !== undefined && !rule.actions.includes(action)) return false
  if (rule.key !== undefined && rule.key !== grant.key) return false
  if (rule.grantId !== undefined && rule.grantId !== grant.grantId) return false
  if (rule.connector !== undefined && rule.connector !== grant.connector) return false
  return (
    rule.prefix === undefined || grant.key.startsWith(`${prefixes.get(grant.team) ?? '\0'}${rule.prefix}`)
  )
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
