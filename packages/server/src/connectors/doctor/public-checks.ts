/** What works without any URL of Signpost. */

import { testObject } from './access-checks.ts'
import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass } from './finding.ts'
import type { Patient } from './patient.ts'
import { named, type StoreAnswer } from './store-answer.ts'

export const publicChecks: readonly DoctorCheck[] = [
  {
    name: 'public.anonymous_read',
    means: 'Anybody reads objects without a URL of Signpost.',
    mends: 'Take the public right to read out of the policy, and block public access.',
    needs: ['access.put'],
    run: async (patient) => {
      const answer = await anonymousRead(patient)
      if (!isServed(answer.status))
        return pass(`An object without a signature was refused (${named(answer)}).`)
      const seen = 'An object was read without any signature.'
      return fail(seen, 'take away the public right to read', privacyOf(patient))
    },
  },
  {
    name: 'public.anonymous_list',
    means: 'Anybody sees which objects there are.',
    mends: 'Take the public right to list away, and block public access.',
    needs: [urlWorks],
    run: async (patient) => {
      const { bucketUrl } = patient.kind.address(patient.settings)
      const answer = await patient.send(`${bucketUrl}?${patient.kind.listQuery}`, { method: 'GET' })
      const isList = isServed(answer.status) && /<(?:ListBucketResult|EnumerationResults)\b/.test(answer.text)
      if (!isList) return pass(`The list was refused without a signature (${named(answer)}).`)
      const seen = 'The bucket was listed without any signature.'
      return fail(seen, 'take away the public right to list', privacyOf(patient))
    },
  },
]

/** The test object, asked for by its address alone. */
export function anonymousRead(patient: Patient): Promise<StoreAnswer> {
  return patient.once('anonymous read', async () => {
    const { url } = await patient.sign({ method: 'GET', key: testObject(patient) })
    return patient.send(url.split('?')[0]!, { method: 'GET' })
  })
}

export function isServed(status: number): boolean {
  return status >= 200 && status < 300
}

function privacyOf({ kind, settings }: Patient): string | null {
  return kind.paste.privacy(settings)
}
