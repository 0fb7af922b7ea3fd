/** The page docs/reference/doctor-findings.md, made from the checks themselves. */
import { allChecks } from './checks.ts'

export function doctorReference(): string {
  const rows = allChecks.map(({ name, means, mends, kinds }) => {
    const only = kinds === undefined ? '' : ` (${kinds.join(', ')} only)`
    return `| \`${name}\`${only} | ${means} | ${mends} |`
  })
  return [
    '# What the doctor finds',
    '',
    'Made from the checks in `packages/server/src/connectors/doctor` by `npm run fix`. How to run it: [the guide](../guides/doctor.md).',
    '',
    'Each name stays as it is: scripts may look for it. A check says `pass`, `warn`, `fail`, or `not_possible` where the store, or',
    'the credential, gives no way to look, or something else has to be mended first. The report is `ok` when nothing failed.',
    '',
    '| Name | What it means when it does not pass | What mends it |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
