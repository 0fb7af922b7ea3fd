/** All checks, in the order in which they are done and shown. */

import type { ConnectorSettings } from '@signpost/contract'
import { accessChecks } from './access-checks.ts'
import { answerChecks } from './answer-checks.ts'
import { bucketChecks } from './bucket-checks.ts'
import type { DoctorCheck } from './check.ts'
import { constraintChecks } from './constraint-checks.ts'
import { corsChecks } from './cors-checks.ts'
import { logChecks } from './log-checks.ts'
import { networkChecks } from './network-checks.ts'
import { publicChecks } from './public-checks.ts'
import { scopeChecks } from './scope-checks.ts'
import { signatureChecks } from './signature-checks.ts'
import { sinkChecks } from './sink-checks.ts'

export const allChecks: readonly DoctorCheck[] = [
  ...networkChecks,
  ...answerChecks,
  ...accessChecks,
  ...constraintChecks,
  ...publicChecks,
  ...signatureChecks,
  ...scopeChecks,
  ...corsChecks,
  ...bucketChecks,
  ...logChecks,
  ...sinkChecks,
]

export function checksFor(kind: ConnectorSettings['kind']): DoctorCheck[] {
  return allChecks.filter(({ kinds }) => kinds === undefined || kinds.includes(kind))
}
