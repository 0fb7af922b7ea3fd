/** Does the steps, in the order of the ladder: each is recorded before and after, and one that fails keeps no other back. */
import {
  revocationSteps,
  SignpostError,
  type ParsedInput,
  type RevocationOutcome,
  type RevocationPlan,
  type RevocationStep,
  type RevocationStepName,
} from '@signpost/contract'
import { eventOf, type EventFields } from '../event-of.ts'
import { deleteKeys } from './delete-keys.ts'
import { denyRequester } from './deny-requester.ts'
import { endSessions } from './end-sessions.ts'
import { putAwayObject } from './put-away-object.ts'
import { failed, type Done, type StepWork } from './step-work.ts'
import { stopIssuing } from './stop-issuing.ts'
import { detailsOf } from './target.ts'

const runners: Partial<Record<RevocationStepName, (work: StepWork) => Promise<Done>>> = {
  'stop-issuing': stopIssuing,
  'delete-keys': deleteKeys,
  'deny-requester': denyRequester,
  'end-sessions': endSessions,
  'move-object': putAwayObject,
  'delete-object': putAwayObject,
}

export interface Ordered {
  steps: readonly RevocationStep[]
  /** Sentences about what was asked for and is no step here. */
  absent: RevocationOutcome['steps']
}

type Body = ParsedInput<'revoke'>['body']

/** Without a connector: at each that the plan names for it. */
export function orderSteps(plan: RevocationPlan, { steps: asked }: Body): Ordered {
  const steps = plan.steps.filter((one) =>
    asked.some(
      ({ step, connector }) =>
        step === one.step &&
        (connector === undefined || one.connector === null || connector === one.connector),
    ),
  )
  const absent = asked
    .filter(({ step, connector }) =>
      steps.every(
        (one) =>
          one.step !== step ||
          (connector !== undefined && one.connector !== null && one.connector !== connector),
      ),
    )
    .toSorted((a, b) => revocationSteps.indexOf(a.step) - revocationSteps.indexOf(b.step))
    .map(({ step, connector }) => ({
      step,
      connector: connector ?? null,
      outcome: 'failed' as const,
      verified: 'not-tried' as const,
      detail: 'There is no such step for this: see the plan.',
      document: null,
    }))
  return { steps, absent }
}

export async function runStep(
  id: string,
  step: RevocationStep,
  work: Omit<StepWork, 'step' | 'place'>,
): Promise<RevocationOutcome['steps'][number]> {
  const { deps, caller, decision, situation, reason, undo } = work
  const place = situation.places.find(({ row }) => row.name === step.connector)
  const { key, team } = situation
  const details = { revocation: id, step: step.step, ...detailsOf(situation.target), why: reason, undo }
  const fields = (more: Record<string, string>): EventFields => ({
    ...(place ? { connector: place.row.name, bucket: place.named.bucket } : {}),
    ...(team ? { team: team.name } : {}),
    ...(key === undefined ? {} : { key }),
    details: { ...details, ...more },
  })
  const record = (more: Record<string, string>) =>
    deps.store.commit({
      statements: [],
      events: [eventOf(deps, caller, 'revocation.step', decision, fields(more))],
    })
  await record({ did: 'begin' })
  const done = await outcomeOf(step, { ...work, place, step: step.step })
  await record({ did: 'end', outcome: done.outcome, verified: done.verified })
  return { step: step.step, connector: step.connector, ...done }
}

async function outcomeOf(step: RevocationStep, work: StepWork): Promise<Done> {
  if (step.can === 'no') return failed(step.detail)
  const run = runners[step.step]
  if (step.can === 'document' || run === undefined)
    return {
      outcome: 'document',
      verified: 'not-tried',
      detail: `To be done by hand. ${step.detail}`,
      document: step.document,
    }
  try {
    return await run(work)
  } catch (error) {
    if (error instanceof SignpostError) {
      if (error.code === 'record_unavailable') throw error
      return { ...failed(error.message), document: step.document }
    }
    work.deps.log.error({ err: error, step: step.step }, 'a step of a revocation failed')
    return { ...failed('It failed for a reason that stands in the log.'), document: step.document }
  }
}
