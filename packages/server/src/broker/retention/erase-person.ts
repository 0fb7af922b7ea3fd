/** Erasing a person where the law demands it: first what it would touch is counted, then it is done. */
import { SignpostError, type ParsedInput, type PersonErasure } from '@signpost/contract'
import { readHolds } from '../../store/audit-holds.ts'
import { findRetention } from '../../store/retention.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import { checkPlainText, requireOrganisation } from '../gate.ts'
import { eraseAnswers } from './erase-answers.ts'
import { eraseRecords, eraseUnparsed } from './erase-logs.ts'
import { eraseTrail, type Erasure } from './erase-trail.ts'
import { readPerson } from './person.ts'

const confirmMs = 15 * 60_000
/** A call that has more to do answers after so long, to be asked again. */
const workMs = 20_000

type Body = ParsedInput<'erasePerson'>['body']

export async function erasePerson(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username }, body }: ParsedInput<'erasePerson'>,
): Promise<PersonErasure> {
  const type = 'audit.erase'
  const confirmed = body.confirm === undefined ? undefined : readConfirm(deps, caller, username, body)
  // Once it is begun, nothing is recorded that names them.
  const details =
    confirmed === undefined ? { user: username, operation: 'erasePerson' } : { erasure: confirmed }
  const decision = await requireOrganisation(deps, caller, 'audit.manage', type, { details })
  checkPlainText('reason', body.reason)
  if (body.confirm !== undefined && confirmed === undefined)
    throw new SignpostError(
      'invalid',
      'confirm: is not of this erasure, or older than 15 minutes: ask without it, and send what is answered.',
      { field: 'confirm' },
    )
  const { person, principal } = await readPerson(deps, username)
  if (principal)
    throw new SignpostError(
      'conflict',
      'username: is a user or service account: delete it first, or what it does would go on being recorded.',
      { field: 'username' },
    )
  if (confirmed === undefined)
    await deps.store.commit({
      statements: [],
      events: [eventOf(deps, caller, 'person.read', decision, { details })],
    })
  const begun = deps.clock()
  const erasure: Erasure = {
    person,
    erasure: confirmed ?? `erased-${deps.newId()}`,
    keys: body.keys,
    revision: (await findRetention(deps.store.db)).revision,
    holds: await readHolds(deps.store.db),
    isLate: () => deps.clock() - begun > workMs,
    record: (more) =>
      eventOf(deps, caller, type, decision, {
        details: { erasure: erasure.erasure, why: body.reason, ...more },
      }),
  }
  return work(deps, caller, username, body, erasure, confirmed !== undefined)
}

async function work(
  deps: BrokerDeps,
  caller: Caller,
  username: string,
  body: Body,
  erasure: Erasure,
  write: boolean,
): Promise<PersonErasure> {
  // The trail last: it is by the trail that the other names are known, when this is asked again.
  const lines = await eraseUnparsed(deps, erasure, write)
  const answers = await eraseAnswers(deps, erasure, write)
  const records = await eraseRecords(deps, erasure, write)
  const isLast = lines.done && records.done
  const events = isLast ? await eraseTrail(deps, erasure, write) : { count: 0, held: 0, done: false }
  const done = isLast && events.done
  return {
    erasure: erasure.erasure,
    events: events.count,
    accessLogRecords: records.count,
    unparsedLines: lines.count,
    answers: answers.count,
    held: events.held + records.held + lines.held + answers.held,
    erased: write,
    done,
    confirm: write && done ? null : confirmOf(deps, caller, username, body, erasure.erasure),
  }
}

/** Of one caller, person and choice, for a while. */
function confirmOf(
  deps: BrokerDeps,
  caller: Caller,
  username: string,
  { keys }: Body,
  erasure: string,
): string {
  const until = deps.clock() + confirmMs
  const bound = boundTo(caller, username, keys, erasure, until)
  return `${until}.${erasure}.${deps.secretBox.fingerprint(bound)}`
}

/** The erasure that it confirms; undefined: none. */
function readConfirm(deps: BrokerDeps, caller: Caller, username: string, body: Body): string | undefined {
  const [, until = '', erasure = '', mark = ''] =
    /^(\d{1,15})\.(erased-[0-9a-f-]{36})\.([0-9a-f]{64})$/.exec(body.confirm ?? '') ?? []
  if (erasure === '' || Number(until) < deps.clock()) return undefined
  const bound = boundTo(caller, username, body.keys, erasure, Number(until))
  return deps.secretBox.isFingerprint(mark, bound) ? erasure : undefined
}

function boundTo(
  { principal }: Caller,
  username: string,
  keys: boolean,
  erasure: string,
  until: number,
): string {
  return JSON.stringify(['erasePerson', principal.id, username, keys, erasure, until])
}
