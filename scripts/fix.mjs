/** Makes the generated pages anew, repairs what the linter can, and formats. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configReference } from '../packages/server/src/config-reference.ts'
import { doctorReference } from '../packages/server/src/connectors/doctor/reference.ts'
import { root } from './node-version.mjs'
import { runSteps } from './steps.mjs'

writeFileSync(join(root, 'docs/reference/configuration.md'), configReference())
writeFileSync(join(root, 'docs/reference/doctor-findings.md'), doctorReference())
process.exitCode = await runSteps([
  ['lint', 'oxlint', '--type-aware', '--quiet', '--fix', '.'],
  ['format', 'oxfmt', '.'],
])
