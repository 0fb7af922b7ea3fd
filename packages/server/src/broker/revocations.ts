/** Taking back: what could be done about URLs that are out, and doing it. */
import type { ParsedInput, Reply, RevocationOutcome } from '@signpost/contract'
import { SignpostError } from '@signpost/contract'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { checkPlainText, requireOrganisation } from './gate.ts'
import { objectRights } from './revocation/object-rights.ts'
import { planOf } from './revocation/plan.ts'
import { orderSteps, runStep } from './revocation/run-steps.ts'
import { observe } from './revocation/situation.ts'
import { detailsOf, requirePlanner, resolveTarget } from './revocation/target.ts'

export async function planRevocation(
  deps: BrokerDeps,
  caller: Caller,
  { body: { target } }: ParsedInput<'planRevocation'>,
): Promise<Reply<'planRevocation'>> {
  const type = 'revocation.plan'
  const { decision, onlyTeam } = await requirePlanner(deps, caller, target, type)
  const asked = await resolveTarget(deps, caller, target, type, onlyTeam)
  const event = eventOf(deps, caller, type, decision, {
    ...(asked.team ? { team: asked.team.name } : {}),
    details: detailsOf(target),
  })
  // It tells who does what: who looked is recorded before anything is answered.
  await deps.store.commit({ statements: [], events: [event] })
  return planOf(await observe(deps, asked))
}

export async function revoke(
  deps: BrokerDeps,
  caller: Caller,
  { body }: ParsedInput<'revoke'>,
): Promise<Reply<'revoke'>> {
  const type = 'revocation.step'
  const { target, reason, undo } = body
  const fields = { details: detailsOf(target) }
  const decision = await requireOrganisation(deps, caller, 'revocations.manage', type, fields)
  checkPlainText('reason', reason)
  if (undo && body.steps.some(({ connector }) => connector === undefined))
    throw new SignpostError('invalid', 'steps: with undo each names its connector.', { field: 'steps' })
  const asked = await resolveTarget(deps, caller, target, type, undefined)
  const named = body.steps.flatMap(({ connector }) => connector ?? [])
  const situation = await observe(deps, asked, named)
  const { steps, absent } = orderSteps(planOf(situation), body)
  const rights = await objectRights(deps, caller, situation)
  const id = deps.newId()
  const outcome: RevocationOutcome = { id, steps: [] }
  for (const step of steps)
    outcome.steps.push(await runStep(id, step, { deps, caller, decision, situation, reason, undo, rights }))
  outcome.steps.push(...absent)
  return outcome
}
