/** Takes a person out of access log records, and lines that nobody could read. */
import type { AccessEvidence } from '@signpost/contract'
import { withoutNames, type Person } from '../../domain/erase-event.ts'
import { isHeld } from '../../domain/hold.ts'
import { isNamed } from '../../domain/names-in-text.ts'
import type { AccessLogRow } from '../../store/access-log-records.ts'
import { eraseLine, eraseRecord } from '../../store/erase.ts'
import { mayDropUnparsed } from '../../store/expire-logs.ts'
import { eachNamingRecord, eachUnparsedLine } from '../../store/person-rows.ts'
import { requireRevision } from '../../store/retention.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Erasure, Touched } from './erase-trail.ts'

type Deps = Pick<BrokerDeps, 'store'>

/** `write`: false only counts. */
export async function eraseRecords({ store }: Deps, erasure: Erasure, write: boolean): Promise<Touched> {
  const { db } = store
  const { person, holds, revision, record } = erasure
  const touched: Touched = { count: 0, held: 0, done: true }
  for await (const rows of eachNamingRecord(store, person.username, [...person.names])) {
    const free = rows.filter((row) => !isHeld(holds, { ...row, username: row.username ?? person.username }))
    touched.held += rows.length - free.length
    const changes = free.flatMap((row) => changeOf(row, erasure) ?? [])
    touched.count += changes.length
    if (!write || changes.length === 0) continue
    const statements = changes.map(({ row, values }) => eraseRecord(db, row, values))
    await store.commit({
      statements: [requireRevision(db, revision), ...statements],
      events: [record({ records: changes.length, keys: erasure.keys })],
    })
    if (erasure.isLate()) return { ...touched, done: false }
  }
  return touched
}

/** Nobody knows whom such a line is about, but by the names in it: any hold keeps all of them. */
export async function eraseUnparsed({ store }: Deps, erasure: Erasure, write: boolean): Promise<Touched> {
  const { person, holds, revision, record, isLate } = erasure
  const isKept = !mayDropUnparsed(holds)
  const touched: Touched = { count: 0, held: 0, done: true }
  for await (const rows of eachUnparsedLine(store)) {
    const named = rows.filter(({ text }) => isNamed(text, person.names))
    if (isKept) touched.held += named.length
    else touched.count += named.length
    if (!write || isKept || named.length === 0) continue
    await store.commit({
      statements: [requireRevision(store.db, revision), ...named.map((row) => eraseLine(store.db, row))],
      events: [record({ lines: named.length })],
    })
    if (isLate()) return { ...touched, done: false }
  }
  return touched
}

/** Undefined: it does not tell of them. An access that is nobody's else, and names them, may be theirs. */
function changeOf(row: AccessLogRow, { person, erasure, keys }: Erasure) {
  const { username, principal_id: id } = row
  const isOwn = username === person.username || (id !== null && person.ids.has(id))
  const mayBeOwn = isOwn || username === null
  const said = JSON.parse(row.evidence) as AccessEvidence
  const evidence = JSON.stringify(erasedEvidence(said, person, erasure, mayBeOwn))
  if (!isOwn && JSON.stringify(erasedEvidence(said, person, erasure, false)) === row.evidence)
    return undefined
  if (!mayBeOwn) return { row, values: { evidence } }
  const who = isOwn ? { username: erasure, principal_id: erasure } : {}
  const where = keys && isOwn ? { object_key: null, key_place: null } : {}
  return { row, values: { evidence, address: null, ...who, ...where } }
}

/** What of the evidence may name people. A user called `GET`, or like a bucket or its key, is none of the others. */
const naming: ReadonlySet<string> = new Set(['claimed', 'candidates', 'agent', 'oddNames', 'expected'])
const signing: ReadonlySet<string> = new Set(['signers', 'urlSigner'])

function erasedEvidence(
  evidence: AccessEvidence,
  { names }: Person,
  erasure: string,
  isOwn: boolean,
): AccessEvidence {
  const without = (value: string) => withoutNames(value, names, erasure)
  // Of those who sign, only people have an address: keys, roles and accounts of buckets are no person's.
  const withoutAddress = (value: string) => (value.includes('@') ? without(value) : value)
  return Object.fromEntries(
    Object.entries(evidence)
      .filter(([name]) => !(isOwn && name === 'agent'))
      .map(([name, value]): [string, unknown] => [
        name,
        naming.has(name)
          ? eachText(value, without)
          : signing.has(name)
            ? eachText(value, withoutAddress)
            : value,
      ]),
  ) as AccessEvidence
}

function eachText(value: unknown, change: (text: string) => string): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one: unknown) => (typeof one === 'string' ? change(one) : one)),
  ) as unknown
}
