/** Types, lint, format. */
import { pathToFileURL } from 'node:url'
import { runSteps } from './steps.mjs'

export const check = () =>
  runSteps([
    ['types', 'tsc', '-p', '.'],
    ['lint', 'oxlint', '--type-aware', '--quiet', '.'],
    ['format', 'oxfmt', '--check', '.'],
  ])

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await check()
