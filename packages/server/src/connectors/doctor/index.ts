/** The doctor: looks at a bucket from every side, and leaves nothing behind that the bucket lets it take away. */

import type { Check } from '@signpost/contract'
import { azureDoctor } from '../azure/doctor.ts'
import { gcsDoctor } from '../gcs/doctor.ts'
import { s3Doctor } from '../s3/doctor.ts'
import { checksFor } from './checks.ts'
import { examine } from './examine.ts'
import type { KindDoctor } from './kind.ts'
import { createPatient, type DoctorDeps, type Examination, type Patient } from './patient.ts'
import { raceWith } from './race.ts'

export { halvesOf } from './finding.ts'
export type { DoctorDeps, Examination, LogFacts, SinkFacts } from './patient.ts'

export interface ExamineOptions {
  /** Of the whole: 60 s unless told. */
  totalMs?: number
  /** Of one check: 15 s unless told. */
  checkMs?: number
  signal?: AbortSignal | undefined
}

const kinds: Readonly<Record<Examination['settings']['kind'], KindDoctor>> = {
  s3: s3Doctor,
  gcs: gcsDoctor,
  azure: azureDoctor,
}
/** Of the whole time: what is kept for clearing up when the checks have used up the rest. */
const CLEANUP_SHARE = 0.1

/** Never throws; ends within `totalMs`. */
export async function examineBucket(
  examination: Examination,
  deps: DoctorDeps,
  options: ExamineOptions = {},
): Promise<{ ok: boolean; checks: Check[] }> {
  const { totalMs = 60_000, checkMs = 15_000, signal } = options
  const { kind } = examination.settings
  const patient = createPatient(examination, kinds[kind], deps)
  const bounds = { totalMs: totalMs * (1 - CLEANUP_SHARE), checkMs, signal }
  const checks = await examine(checksFor(kind), patient, bounds)
  await cleanUp(patient, totalMs * CLEANUP_SHARE)
  return { ok: checks.every(({ result }) => result !== 'fail'), checks }
}

/** What was written, whether or not its answer came. */
async function cleanUp(patient: Patient, withinMs: number): Promise<void> {
  const limit = AbortSignal.timeout(Math.max(1, Math.floor(withinMs)))
  patient.during(limit)
  const removed = Promise.all([...patient.written].map((key) => removeSomehow(patient, key)))
  await raceWith(limit, removed).catch(() => {})
}

/** A clock that is off, or a policy, may refuse one way and take the other. */
async function removeSomehow(patient: Patient, key: string): Promise<void> {
  try {
    await patient.open.remove(key)
  } catch {
    await patient.ask({ method: 'DELETE', key }).catch(() => {})
  }
}
