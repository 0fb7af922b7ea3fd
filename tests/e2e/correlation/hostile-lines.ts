/** Ten thousand lines that nobody honest made, between honest ones, read by the server as one file. */
import assert from 'node:assert/strict'
import type { AccessLogRecord } from '@signpost/contract'
import { derive, type Derived } from './derive.ts'
import type { World } from './world.ts'

export const hostileLines = 10_000

/** Mulberry32: the same lines in each run, of other times and ids. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Of reads by a signed URL, that the store took. */
export function seedsOf({ store, log }: World): string[] {
  const isRead = /GET [^" ]*\/of(?:%20|%2520| )\w+\/plain\.bin\?|"GET","[^"]*\/of%20\w+\/plain\.bin\?/
  const signed = store.connectors[0]!.names === 'user' ? /\/red\/.*scid=|\/blue\/.*scid=/ : /X-Grant=/
  const taken = /"http_status":"200"|HTTP\/1\.1" 200 |,"200","/
  const late = /X-(?:Amz|Goog)-Expires=1&/
  // Ceph's threads sometimes write the line feeds of two records behind the second.
  return log()
    .split(/\n|(?<=\})(?=\{"bucket")/)
    .filter((line) => isRead.test(line) && signed.test(line) && taken.test(line) && !late.test(line))
}

export async function attackByLines(world: World): Promise<void> {
  const { store } = world
  const derived = derive(store.format, seedsOf(world), hostileLines, randomFrom(7))
  const header = store.format === 'gcs-usage' ? `${world.log().split('\n', 1)[0]}\n` : ''
  const counts = await world.handIn('hostile', `${header}${derived.map(({ text }) => text).join('\n')}\n`)
  assert.deepEqual([counts.records + counts.unparsed, counts.known, counts.elsewhere], [hostileLines, 0, 0])
  checkLines(await world.records(), derived)
}

/** Each is told, and put down to nobody, or to whom the honest one was. */
export function checkLines(records: readonly AccessLogRecord[], derived: readonly Derived[]): void {
  const told = new Map(records.map((record) => [record.address ?? '', record]))
  const wrong: string[] = []
  let named = 0
  for (const { address, user, how, text } of derived) {
    const record = told.get(address)
    if (record?.username !== undefined) named += 1
    const isRight = user === null ? record?.username === undefined : record?.username === user
    if (!isRight)
      wrong.push(
        `${how}: ${record?.finding} ${record?.evidence.reason} ${record?.username}, not ${user}: ${text}`,
      )
    if (user === null && record?.finding === 'matched') wrong.push(`${how}: matched: ${text}`)
  }
  assert.ok(wrong.length === 0, `${wrong.length} are wrong:\n${wrong.slice(0, 10).join('\n')}`)
  assert.ok(named > derived.length / 20, 'the rule is no rule if nobody is ever named')
}
