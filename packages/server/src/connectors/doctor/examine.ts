/** Runs checks one after the other, each bounded in time, and the whole too. Never throws. */

import { SignpostError, type Check } from '@signpost/contract'
import type { DoctorCheck } from './check.ts'
import { blocked, fail, halvesOf, RightMissing, unseen, type Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import { raceWith } from './race.ts'

export interface Bounds {
  /** Of all checks together. */
  totalMs: number
  /** Of one. */
  checkMs: number
  signal?: AbortSignal | undefined
}

export async function examine(
  checks: readonly DoctorCheck[],
  patient: Patient,
  { totalMs, checkMs, signal }: Bounds,
): Promise<Check[]> {
  const end = AbortSignal.any([AbortSignal.timeout(totalMs), ...(signal ? [signal] : [])])
  const found = new Map<string, Finding>()
  for (const check of checks) {
    const obstacle = (check.needs ?? []).map((name) => obstacleOf(name, found.get(name))).find(Boolean)
    found.set(check.name, obstacle ? blocked(obstacle) : await runOne(check, patient, checkMs, end))
  }
  return [...found].map(([name, { result, seen, fix, paste }]) => ({ name, result, seen, fix, paste }))
}

const noTime: Finding = { ...unseen('There was no time left to look.'), blockedBy: 'the time that was over' }

/** What is to be mended first: the check itself, or what stood in its way. */
function obstacleOf(name: string, finding: Finding | undefined): string | undefined {
  return finding?.result === 'fail' ? name : finding?.blockedBy
}

async function runOne(
  check: DoctorCheck,
  patient: Patient,
  checkMs: number,
  end: AbortSignal,
): Promise<Finding> {
  if (end.aborted) return noTime
  const signal = AbortSignal.any([end, AbortSignal.timeout(checkMs)])
  patient.during(signal)
  try {
    return await raceWith(
      signal,
      promised(() => check.run(patient)),
    )
  } catch (error) {
    if (end.aborted) return noTime
    return explained(error)
  }
}

/** What went wrong in a check that had no word of its own for it. */
export function explained(error: unknown): Finding {
  if (error instanceof RightMissing) {
    const finding = explained(error.cause)
    const isForbidden = /AccessDenied|Forbidden|Authorization|HTTP 403/.test(finding.seen)
    return isForbidden
      ? { ...finding, fix: `let the connector's credential do this: ${error.right}` }
      : finding
  }
  if (error instanceof SignpostError) {
    const { seen, fix } = halvesOf(error.message)
    if (error.code === 'unsupported_by_store') return unseen(seen)
    return fail(seen, fix ?? "check the connector's settings and credential")
  }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return fail(
      'The store did not answer in time.',
      'check the endpoint and the network between this server and the bucket',
    )
  return fail(
    'It did not come through.',
    'check that this server reaches the host that stands in signed URLs, and look into its log',
  )
}

async function promised<T>(work: () => T | Promise<T>): Promise<T> {
  return work()
}
