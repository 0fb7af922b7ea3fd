import type { ConnectorSettings } from '@signpost/contract'
import type { Finding } from './finding.ts'
import type { Patient } from './patient.ts'

/** One thing to look at, as data. */
export interface DoctorCheck {
  /** Stable: scripts and people search for it. */
  name: string
  /** What is wrong when it does not pass, and how that is mended: for the reference page. */
  means: string
  mends: string
  kinds?: readonly ConnectorSettings['kind'][]
  /** Checks that must not have failed before. */
  needs?: readonly string[]
  run: (patient: Patient) => Finding | Promise<Finding>
}
