/** Does the store hold a client to what was asked for? Each is tried with what must be refused. */

import { createHash } from 'node:crypto'
import type { Checksum } from '@signpost/contract'
import { testObject } from './access-checks.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, warn, type Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import { named } from './store-answer.ts'

export const constraintChecks: readonly DoctorCheck[] = [
  {
    name: 'constraint.md5',
    means: 'The store takes bytes whose MD5 is not the one that was signed.',
    mends: 'Use a store that compares Content-MD5; else let Signpost verify after writing.',
    needs: ['access.put', 'access.delete'],
    run: (patient) => wrongDigest(patient, 'md5'),
  },
  {
    name: 'constraint.sha256',
    means:
      'The store takes bytes whose SHA-256 is not the one that was signed. Answers say so (`enforcement: none`).',
    mends: 'Ask for MD5 beside it, or let Signpost verify after writing.',
    needs: ['access.put', 'access.delete'],
    run: (patient) => wrongDigest(patient, 'sha256'),
  },
  {
    name: 'constraint.create_only',
    means: 'The store overwrites an object where it was asked to create only.',
    mends: 'Use a store that honours If-None-Match: *, or keys that are never used twice.',
    needs: ['access.put', 'access.delete'],
    run: async (patient) => {
      const wish = { method: 'PUT', key: testObject(patient), createOnly: true } as const
      const { answer, isSuccess } = await patient.ask(wish, { body: 'overwritten' })
      if (!isSuccess) return pass(`What is there was not overwritten (${named(answer)}).`)
      return fail(
        'An object was overwritten by a URL that may create only.',
        'use a store that honours If-None-Match: *',
      )
    },
  },
]

async function wrongDigest(patient: Patient, algorithm: Checksum['algorithm']): Promise<Finding> {
  const checksum = {
    algorithm,
    value: createHash(algorithm).update('other bytes').digest('base64'),
  } as Checksum
  const wish = { method: 'PUT', key: `${patient.folder}${algorithm}`, checksum } as const
  const { answer, signed, isSuccess } = await patient.ask(wish, { body: 'these bytes' })
  if (!isSuccess) {
    patient.written.delete(wish.key)
    return pass(`Bytes with another digest were refused (${named(answer)}).`)
  }
  const isSent = Object.values(signed.headers).some((value) => value.includes(checksum.value))
  if (!isSent) return unseen('This kind of store takes no such digest.')
  const seen = 'Bytes with another digest were taken.'
  if (signed.enforcement['checksum'] === 'storage')
    return fail(seen, 'a proxy may drop the header; else use a store that compares it')
  return warn(seen, 'ask for MD5 instead, or let Signpost verify after writing (policy verification)')
}
