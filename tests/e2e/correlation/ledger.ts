/** What the test did, one by one, to be compared with what Signpost makes of the store's own log. */
import assert from 'node:assert/strict'
import { quietFindings, type AccessLogRecord } from '@signpost/contract'

/** Whose URL it is. */
export interface Holder {
  user: string
  team: string
  grantId: string
  /** False: neither the URL nor the log says which of the user's URLs it was. */
  namesGrant: boolean
}

export interface Done {
  /** For people. */
  what: string
  /** By what the line is found: the client's tag, or what was done to which object. */
  place: string
  /** `finding reason who`, who being `user/team` or `-`, and the status that the store answered. */
  told: string
}

export interface Ledger {
  done: Done[]
  /** Calls that Signpost made itself: `action key`. */
  own: string[]
  /** A name for the next request. */
  tag(): string
}

export function createLedger(): Ledger {
  let tags = 0
  return { done: [], own: [], tag: () => `traffic-${(tags += 1)}.` }
}

const tagged = /traffic-\d+\./

/** `place` where the log has no agent: what was done, and to what. */
export function placeOf({ evidence, key }: AccessLogRecord): string {
  return tagged.exec(evidence.agent ?? '')?.[0] ?? `${evidence.operation} ${key ?? ''}`
}

export function toldOf(record: AccessLogRecord): string {
  const { finding, username, team, evidence } = record
  const who = username === undefined ? '-' : `${username}/${team}`
  return `${finding} ${evidence.reason} ${who} ${evidence.status ?? ''}`
}

/** Of what may be called one thing or another, as long as nobody is named. */
function namesOf(record: AccessLogRecord): string {
  const isQuiet = quietFindings.includes(record.finding)
  return isQuiet ? toldOf(record) : toldOf(record).replace(/^\S+ \S+/, '* whatever')
}

/** Each thing that was done is in the log once, and is called what it was; nothing else is put down to anybody. */
export function compare(
  ledger: Ledger,
  records: readonly AccessLogRecord[],
  { agents, ids }: { agents: boolean; ids: boolean },
): void {
  // The same twice in a second is one line, and a line that is told twice is told once.
  const once = (told: string[]) => (ids ? told : [...new Set(told)]).toSorted()
  const [mine, others] = [new Map<string, AccessLogRecord[]>(), [] as AccessLogRecord[]]
  const places = new Set(ledger.done.map(({ place }) => place))
  for (const record of records) {
    const place = placeOf(record)
    if (tagged.test(place) || places.has(place)) mine.set(place, [...(mine.get(place) ?? []), record])
    else others.push(record)
  }
  const wrong: string[] = []
  for (const place of places) {
    const done = ledger.done.filter((one) => one.place === place)
    const expected = once(done.map(({ told }) => told))
    // Where no agent tells Signpost's own calls apart, they say nothing of who made them.
    const isOwn = (told: string) =>
      !agents && !expected.includes(told) && told.startsWith('not_issued_here untold - 2')
    const anything = expected.some((told) => told.startsWith('* '))
    const found = once(
      (mine.get(place) ?? []).map(anything ? namesOf : toldOf).filter((told) => !isOwn(told)),
    )
    if (found.join('\n') !== expected.join('\n'))
      wrong.push(
        `${done[0]!.what}\n  did:  ${expected.join('\n        ')}\n  told: ${found.join('\n        ')}`,
      )
    mine.delete(place)
  }
  for (const [place, found] of mine) wrong.push(`nobody did ${place}: ${found.map(toldOf).join(', ')}`)
  for (const record of others) {
    const isOwn = (agents ? ['own'] : ['not_issued_here', 'refused']).includes(record.finding)
    if (!isOwn || record.username !== undefined)
      wrong.push(`no client did: ${toldOf(record)} ${placeOf(record)} ${record.evidence.agent ?? ''}`)
  }
  const called = others.map(({ evidence, key }) => `${evidence.action} ${key ?? ''}`)
  for (const one of ledger.own)
    if (!called.includes(one)) wrong.push(`Signpost's own call is not told: ${one}`)
  assert.ok(wrong.length === 0, `${wrong.length} differ:\n${wrong.slice(0, 40).join('\n')}`)
}
