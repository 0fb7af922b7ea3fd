/** The networks of the policy, held at the bucket too: shown, set, tried. */
import { SignpostError, type NetworkPlan, type ParsedInput, type Reply } from '@signpost/contract'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { planBucketNetwork, type PlannedNetwork } from './network-plan.ts'
import { networkChecks, tryOwnRequests } from './network-probes.ts'
import { recordRefusal } from './refuse.ts'

const type = 'connector.network'
const wasTakenBack =
  'The policy was taken back, for it shut this server out: name the address under which the store sees it.'
const couldNotBeTakenBack =
  'The policy shuts this server out and could not be taken back: set the one that was there by hand.'

export async function planNetwork(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'planNetwork'>,
): Promise<NetworkPlan> {
  const { row } = await requireManaged(deps, caller, params.connector, type)
  return (await planBucketNetwork(deps, caller, row)).reply
}

/** Sets what was planned, if both sides are still as they were; what shuts this server out is taken back. */
export async function applyNetwork(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'applyNetwork'>,
): Promise<NetworkPlan> {
  const { row, decision } = await requireManaged(deps, caller, params.connector, type)
  const plan = await planBucketNetwork(deps, caller, row)
  const { reply, named } = plan
  const fields = fieldsOf(plan, row.name, 'apply')
  if (body.digest !== reply.digest) {
    await recordRefusal(deps, caller, type, 'plan_changed', fields)
    throw new SignpostError('conflict', 'digest: the list or the bucket has changed since: plan again.', {
      field: 'digest',
    })
  }
  if (!reply.canApply) {
    await recordRefusal(deps, caller, type, 'unsupported_by_store', fields)
    const why = reply.notEnforceable.at(-1) ?? 'Set the document by hand.'
    throw new SignpostError('unsupported_by_store', `It cannot be set from here. ${why}`)
  }
  if (reply.difference.length === 0) return reply
  try {
    // What does not work already must not be blamed on the rule.
    await tryOwnRequests(deps, plan)
  } catch (error) {
    throw await refused(deps, caller, fields, error, 'Nothing was set: it does not work as it is.')
  }
  await deps.store.commit({ statements: [], events: [eventOf(deps, caller, type, decision, fields)] })
  try {
    await write(named, plan.next)
  } catch (error) {
    throw await refused(deps, caller, fields, error, 'The policy was not set.')
  }
  try {
    await tryOwnRequests(deps, plan)
  } catch (error) {
    const takenBack = await write(named, plan.current).then(
      () => true,
      () => false,
    )
    const told = { ...fields, details: { ...fields.details, takenBack } }
    throw await refused(deps, caller, told, error, takenBack ? wasTakenBack : couldNotBeTakenBack)
  }
  return (await planBucketNetwork(deps, caller, row)).reply
}

export async function verifyNetwork(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'verifyNetwork'>,
): Promise<Reply<'verifyNetwork'>> {
  const { row, decision } = await requireManaged(deps, caller, params.connector, type)
  const plan = await planBucketNetwork(deps, caller, row)
  const event = eventOf(deps, caller, type, decision, fieldsOf(plan, row.name, 'verify'))
  await deps.store.commit({ statements: [], events: [event] })
  const checks = await networkChecks(deps, plan)
  return { ok: checks.every(({ result }) => result !== 'fail'), checks }
}

async function write({ connector }: PlannedNetwork['named'], document: string | null): Promise<void> {
  if (!connector.configuration?.writePolicy)
    throw new SignpostError('unsupported_by_store', 'This store has no policy that can be set.')
  await connector.configuration.writePolicy(document)
}

function fieldsOf({ reply, named }: PlannedNetwork, connector: string, did: 'apply' | 'verify'): EventFields {
  const { networks, digest } = reply
  return { connector, bucket: named.bucket, details: { did, networks: networks.join(' '), digest } }
}

/** Records it, and answers the error to throw: the store's own, with what that means here. */
async function refused(
  deps: BrokerDeps,
  caller: Caller,
  fields: EventFields,
  error: unknown,
  meaning: string,
): Promise<unknown> {
  if (!(error instanceof SignpostError)) return error
  await recordRefusal(deps, caller, type, error.code, fields)
  return new SignpostError(error.code, `${meaning} ${error.message}`, { cause: error.cause })
}
