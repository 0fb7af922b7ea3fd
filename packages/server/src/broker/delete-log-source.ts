/** A source that is read no more. What its lines told stays; the lines that nobody could read, and what waits to be read, go with it. */
import { SignpostError, type ParsedInput } from '@signpost/contract'
import { readHolds } from '../store/audit-holds.ts'
import { mayDropUnparsed } from '../store/expire-logs.ts'
import { countLinesOf, deleteLogSource as deleteRow } from '../store/log-sources.ts'
import { findRetention, requireRevision } from '../store/retention.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { eventFields, requireSource } from './log-sources.ts'

export async function deleteLogSource(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'deleteLogSource'>,
): Promise<undefined> {
  const type = 'logSource.delete'
  const asked = eventFields(name, undefined, {})
  const decision = await requireOrganisation(deps, caller, 'connectors.manage', type, asked)
  const { id } = await requireSource(deps, name)
  const { db } = deps.store
  // Before the holds: where they change in between, it is another revision by then.
  const { revision } = await findRetention(db)
  const isHeld = !mayDropUnparsed(await readHolds(db))
  const { unparsedLines, waiting } = await countLinesOf(db, id)
  if (isHeld && unparsedLines + waiting > 0)
    throw new SignpostError(
      'conflict',
      'A hold keeps the lines of this source that could not be read, or wait to be: let it be, or end the holds first.',
    )
  const fields = { ...asked, details: { ...asked.details, unparsedLines, waiting } }
  await deps.store.commit({
    statements: [requireRevision(db, revision), deleteRow(db, id)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  return undefined
}
