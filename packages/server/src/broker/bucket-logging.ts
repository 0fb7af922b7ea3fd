/** The access log of a connector's bucket: shown how to switch it on, and switched on where that can be done from here. */
import { SignpostError, type LoggingPlan, type ParsedInput } from '@signpost/contract'
import type { BucketLogging } from '../domain/connector.ts'
import { isSame, planBucketLogging, type PlannedLogging } from './bucket-logging/plan.ts'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { recordRefusal } from './refuse.ts'

const type = 'connector.logging'
const byHand = 'Use the documents of the plan.'

export async function planLogging(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'planLogging'>,
): Promise<LoggingPlan> {
  const { row } = await requireManaged(deps, caller, params.connector, type)
  return (await planBucketLogging(deps, caller, row, body)).reply
}

/** Sets what was planned, if both sides are still as they were, and reads it back. */
export async function applyLogging(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'applyLogging'>,
): Promise<LoggingPlan> {
  const { row, decision } = await requireManaged(deps, caller, params.connector, type)
  const plan = await planBucketLogging(deps, caller, row, body)
  const { reply, wanted } = plan
  const fields = fieldsOf(plan, row.name)
  if (body.digest !== reply.digest) {
    await recordRefusal(deps, caller, type, 'plan_changed', fields)
    throw new SignpostError('conflict', 'digest: the bucket or what is wanted has changed: plan again.', {
      field: 'digest',
    })
  }
  if (reply.isSet) return reply
  if (!reply.canApply || wanted === null) {
    await recordRefusal(deps, caller, type, 'unsupported_by_store', fields)
    throw new SignpostError(
      'unsupported_by_store',
      `It cannot be set from here. ${reply.obstacles[0] ?? ''} ${byHand}`.replaceAll(/ {2,}/g, ' '),
    )
  }
  await deps.store.commit({ statements: [], events: [eventOf(deps, caller, type, decision, fields)] })
  try {
    await write(plan, wanted)
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    await recordRefusal(deps, caller, type, error.code, fields)
    throw error
  }
  return (await planBucketLogging(deps, caller, row, body)).reply
}

async function write({ named }: PlannedLogging, wanted: BucketLogging): Promise<void> {
  const { configuration } = named.connector
  const nothing = (why: string) =>
    new SignpostError('unsupported_by_store', `The access log was not switched on: ${why} ${byHand}`)
  if (!configuration?.writeLogging || !configuration.readLogging)
    throw nothing('this kind of bucket has no such setting.')
  try {
    await configuration.writeLogging(wanted)
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'bucket_refused')) throw error
    if (/MethodNotAllowed|NotImplemented|HTTP ?(?:405|501)/.test(error.message))
      throw nothing('this store, or this release of it, has no bucket logging.')
    throw new SignpostError('bucket_refused', `The access log was not switched on. ${error.message}`, {
      cause: error.cause,
    })
  }
  // Some take whatever they do not know with a 200.
  if (!isSame(await configuration.readLogging(), wanted))
    throw nothing('the store took the setting, and shows another one.')
}

function fieldsOf({ reply, named }: PlannedLogging, connector: string): EventFields {
  const { wanted, digest } = reply
  return { connector, bucket: named.bucket, details: { did: 'apply', to: wanted, digest } }
}
