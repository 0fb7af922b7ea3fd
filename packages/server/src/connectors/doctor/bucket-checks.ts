/** What the bucket is set to, and the other addresses that it has for clients. */

import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, warn, type Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import { isHtml, named } from './store-answer.ts'

export const bucketChecks: readonly DoctorCheck[] = [
  {
    name: 'bucket.encryption',
    means: 'For information: what new objects are encrypted with.',
    mends: 'Nothing to mend.',
    needs: [urlWorks],
    run: (patient) =>
      asked(patient.open.configuration?.readEncryption, (found) =>
        pass(
          found === null
            ? "The store's default."
            : `${plainWord(found.algorithm)}${found.kmsKeyId === null ? '' : ` with key ${plainWord(found.kmsKeyId)}`}.`,
        ),
      ),
  },
  {
    name: 'bucket.versioning',
    means:
      'For information: whether what is overwritten or deleted stays as a version (also what this examination wrote).',
    mends: 'Nothing to mend.',
    needs: [urlWorks],
    run: (patient) =>
      asked(patient.open.configuration?.readVersioning, (found) =>
        pass(
          found === 'enabled'
            ? 'On: what is deleted stays as a version until a lifecycle rule removes it.'
            : `${found === 'off' ? 'Off' : 'Suspended'}: what is overwritten or deleted is gone.`,
        ),
      ),
  },
  {
    name: 'bucket.soft_delete',
    means: 'What is deleted cannot be had back.',
    mends: 'Turn soft delete on, or versions.',
    kinds: ['gcs', 'azure'],
    needs: [urlWorks],
    run: (patient) =>
      asked(patient.open.configuration?.readSoftDeleteDays, (days) =>
        days === null
          ? warn('Soft delete is off.', 'turn soft delete for blobs on, unless deleted means gone')
          : pass(`What is deleted can be had back for ${days} days.`),
      ),
  },
  {
    name: 'lifecycle.stale_uploads',
    means: 'Parts of uploads that nobody completes stay for ever, unseen, and cost storage.',
    mends: 'Set the lifecycle rule that the finding holds.',
    needs: [urlWorks],
    run: (patient) =>
      asked(patient.open.configuration?.readStaleUploadDays, (days) =>
        days === null
          ? warn(
              'No rule deletes parts of uploads that nobody completes.',
              'set this lifecycle rule at the bucket (beside the rules that it has)',
              patient.kind.paste.staleUploads(patient.settings),
            )
          : pass(`Parts that nobody completes are deleted after ${days} days.`),
      ),
  },
  {
    name: 'lifecycle.objects_expire',
    means: 'A lifecycle rule deletes objects while Signpost still hands out URLs for them.',
    mends: 'Take the rule away, or limit it to where nothing of the teams is.',
    kinds: ['s3', 'gcs'],
    needs: [urlWorks],
    run: (patient) =>
      asked(patient.open.configuration?.readExpiryRules, (rules) => {
        const ours = rules.filter(({ prefix }) => overlaps(prefix, patient.prefix))
        if (ours.length === 0) return pass('No rule deletes objects below the prefix.')
        const when = ours.map(({ days }) => (days === null ? 'on a date' : `after ${days} days`)).join(', ')
        return warn(`A lifecycle rule deletes objects ${when}.`, 'is that meant? Else take the rule away')
      }),
  },
  {
    name: 'public.blocked',
    means: 'Nothing keeps somebody from making objects or the bucket public.',
    mends: 'Block public access at the bucket.',
    needs: [urlWorks],
    run: (patient) =>
      asked(patient.open.configuration?.readPublicAccess, (found) =>
        found === 'blocked'
          ? pass('Public access is blocked.')
          : warn(
              'Public access is not blocked at the bucket.',
              'block it',
              patient.kind.paste.privacy(patient.settings),
            ),
      ),
  },
  {
    name: 'audiences.reach',
    means: 'At another address that clients are given (audience), signed URLs do not work.',
    mends: 'Correct its endpoint or addressing; proxies there must pass the Host header on.',
    needs: [urlWorks],
    run: audiences,
  },
]

/** Names of keys are shown; other text of whoever answers is not. */
function plainWord(text: string): string {
  return /^[\w:/.@-]{1,512}$/.test(text) ? text : '(not a name)'
}

function overlaps(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one)
}

async function asked<T>(read: (() => Promise<T>) | undefined, look: (found: T) => Finding): Promise<Finding> {
  if (read === undefined) return unseen('This kind of store gives no way to ask.')
  let found: T
  try {
    found = await read()
  } catch {
    return unseen("The store does not tell it, or not with the connector's credential.")
  }
  return look(found)
}

async function audiences(patient: Patient): Promise<Finding> {
  const { settings, folder } = patient
  const all = settings.audiences ?? []
  if (all.length === 0) return pass('There are no other addresses.')
  const broken: string[] = []
  const silent: string[] = []
  for (const { name } of all) {
    try {
      const { answer } = await patient.ask({ method: 'GET', key: `${folder}absent`, audience: name })
      const isStore = answer.status === 404 || answer.code === 'AccessDenied'
      if (!isStore || isHtml(answer)) broken.push(`${name} (${named(answer)})`)
    } catch {
      silent.push(name)
    }
  }
  if (broken.length > 0)
    return fail(
      `Signed URLs do not work at ${broken.join(', ')}.`,
      'correct endpoint and addressing of the audience; a proxy there must pass the Host header on',
    )
  if (silent.length > 0)
    return unseen(`From this server ${silent.join(', ')} cannot be reached, which may be as it should.`)
  return pass(`Signed URLs work at ${all.map(({ name }) => name).join(', ')}.`)
}
