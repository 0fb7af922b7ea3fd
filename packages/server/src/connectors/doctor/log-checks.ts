/** Whether anybody could tell afterwards who used a URL: the bucket logs, the log is read, and it comes. */
import { s3Address } from '../s3/address.ts'
import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { pass, unseen, warn, type Finding } from './finding.ts'
import type { LogFacts, Patient } from './patient.ts'

export const logChecks: readonly DoctorCheck[] = [
  {
    name: 'logs.switched_on',
    means: 'The bucket writes no access log: nobody can tell afterwards who used a URL.',
    mends:
      'Switch it on: `signpost logs plan CONNECTOR` shows how, and `signpost logs apply` does it where it can.',
    kinds: ['s3', 'gcs'],
    needs: [urlWorks],
    run: switchedOn,
  },
  {
    name: 'logs.source',
    means: 'No log source tells of the accesses of this bucket: what it logs is not read.',
    mends: 'Make a log source: `signpost logs plan CONNECTOR` shows the command.',
    run: ({ logs, settings: { name } }) => {
      if (logs === undefined) return unseen('Log sources are not looked at here.')
      if (logs.length > 0) return pass(`Told by ${namesOf(logs)}.`)
      return warn(
        'No log source tells of this bucket.',
        `make one: \`signpost logs plan ${name}\` shows which, and how the bucket is made to log`,
        `signpost logs plan ${name}`,
      )
    },
  },
  {
    name: 'logs.arriving',
    means:
      'Nothing has come from the log for three times as long as it usually takes, while URLs were issued; or it cannot be read.',
    mends:
      'See whether the bucket still logs, and whether the source can read it: `signpost logs source show SOURCE`, `signpost logs verify CONNECTOR`.',
    run: arriving,
  },
]

async function switchedOn({ open, settings, logs = [] }: Patient): Promise<Finding> {
  const read = open.configuration?.readLogging
  if (read === undefined) return unseen('The log of this kind of store is no setting of the bucket.')
  let found: Awaited<ReturnType<typeof read>>
  try {
    found = await read()
  } catch {
    return unseen("The store does not tell it, or not with the connector's credential.")
  }
  if (found !== null) return pass('The bucket writes its access log.')
  const telling = logs.filter(({ lastArrivalAt }) => lastArrivalAt !== null)
  if (telling.length > 0) return pass(`The bucket's own log is off; told by ${namesOf(telling)}.`)
  // Others answer that it is off also where their whole server logs.
  const isTold =
    settings.kind === 'gcs' ||
    (settings.kind === 's3' && s3Address({ ...settings, endpoint: settings.endpoint }).provider === 'aws')
  if (!isTold) return unseen('This store logs by its own settings, if at all: the bucket says nothing of it.')
  return warn(
    'The bucket writes no access log.',
    `say where to: \`signpost logs apply ${settings.name} --to LOG-BUCKET\`, or see \`signpost logs plan ${settings.name}\``,
    `signpost logs plan ${settings.name}`,
  )
}

function arriving({ logs, settings: { name } }: Patient): Finding {
  if (logs === undefined || logs.length === 0)
    return unseen('There is no log source that something could come from.')
  const stuck = logs.filter(({ problem }) => problem !== null)
  if (stuck[0])
    return warn(
      `${namesOf(stuck)} cannot be read: ${stuck[0].problem}`,
      `mend what is named there; \`signpost logs source show ${stuck[0].name}\` says more`,
    )
  const silent = logs.filter(({ isSilent }) => isSilent)
  // One that comes is enough: several may tell of the same accesses.
  if (silent[0] && silent.length === logs.length)
    return warn(
      `Nothing has come from ${namesOf(silent)} for long, though URLs were issued.`,
      `see whether the bucket still logs: \`signpost logs verify ${name}\``,
      `signpost logs verify ${name}`,
    )
  return pass('Logs arrive as they should, as far as URLs were issued.')
}

function namesOf(logs: readonly Pick<LogFacts, 'name'>[]): string {
  const some = logs.slice(0, 3).map(({ name }) => name)
  return `${some.join(', ')}${logs.length > some.length ? ` and ${logs.length - some.length} more` : ''}`
}
