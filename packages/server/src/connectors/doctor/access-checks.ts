/** Everything that clients and Signpost do with objects, done once. */

import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { blocked, fail, pass, RightMissing, unseen, type Finding } from './finding.ts'
import { diagnose } from './diagnosis.ts'
import { localAddressOf } from './network-checks.ts'
import type { Patient } from './patient.ts'
import { named, type StoreAnswer } from './store-answer.ts'

const BODY = 'Signpost looked whether this bucket works. This object may be deleted.\n'
export const testObject = (patient: Patient): string => `${patient.folder}object.txt`

/** The first write, which most other checks look at. */
export function firstWrite(patient: Patient) {
  return patient.once('write', () =>
    patient.ask({ method: 'PUT', key: testObject(patient), contentType: 'text/plain' }, { body: BODY }),
  )
}

export const accessChecks: readonly DoctorCheck[] = [
  {
    name: 'signature.headers_kept',
    means: 'Something between client and store adds, changes or removes headers that are signed.',
    mends:
      'Let the proxy pass all headers on as they came, above all content-type and those that begin with x-.',
    needs: ['store.kind'],
    run: headersKept,
  },
  {
    name: 'encryption.kms',
    means: 'The store cannot use the key (KMS) that new objects are encrypted with.',
    mends: 'Let the credential use the key: kms:GenerateDataKey and kms:Decrypt; enable the key.',
    needs: [urlWorks],
    run: async (patient) => {
      const { answer } = await firstWrite(patient)
      if (
        !/^KMS\.|^Kms|KeyVault/.test(answer.code ?? '') &&
        !(answer.status === 403 && /\bkms:/.test(answer.text))
      )
        return pass('No key stood in the way of writing.')
      return fail(
        `The store could not use the encryption key (${named(answer)}).`,
        'let the credential use the key (kms:GenerateDataKey, kms:Decrypt), and enable it',
      )
    },
  },
  {
    name: 'access.put',
    means: 'A signed URL does not write an object below the prefix.',
    mends:
      'Give the credential the right to write; see policies and network restrictions of the bucket. Ceph 16 refuses every write where BlockPublicAcls is set: take it out of the public access block (IgnorePublicAcls does the same).',
    needs: [urlWorks, 'signature.headers_kept', 'encryption.kms'],
    run: async (patient) => {
      const { answer, isSuccess } = await firstWrite(patient)
      return isSuccess
        ? pass(`A signed URL wrote an object (HTTP ${answer.status}).`)
        : refused(patient, answer, 'put')
    },
  },
  {
    name: 'access.get',
    means: 'A signed URL does not read an object, or other bytes come back.',
    mends: 'Give the credential the right to read; look for a cache or proxy that changes bytes.',
    needs: ['access.put'],
    run: async (patient) => {
      const { answer, isSuccess } = await patient.ask({ method: 'GET', key: testObject(patient) })
      if (!isSuccess) return refused(patient, answer, 'get')
      if (answer.text === BODY) return pass('A signed URL read it back unchanged.')
      return fail('The object came back changed.', 'see whether a proxy or cache stands before the bucket')
    },
  },
  {
    name: 'access.range',
    means: 'The store (or a proxy) does not serve parts of objects: downloads cannot be resumed or split.',
    mends: 'Let the Range header through; use a store that serves ranges.',
    needs: ['access.get'],
    run: async (patient) => {
      const range = { headers: { range: 'bytes=9-15' } }
      const { answer } = await patient.ask({ method: 'GET', key: testObject(patient) }, range)
      if (answer.status === 206 && answer.text === BODY.slice(9, 16))
        return pass('A part was read alone (HTTP 206).')
      return fail(
        `A part was asked for, and ${named(answer)} came.`,
        'let the Range header through to the store',
      )
    },
  },
  {
    name: 'access.head',
    means: 'Size and type of an object cannot be asked for by a signed URL.',
    mends: 'Give the credential the right to read; let HEAD requests through.',
    needs: ['access.get'],
    run: async (patient) => {
      const { answer, isSuccess } = await patient.ask({ method: 'HEAD', key: testObject(patient) })
      if (!isSuccess) return refused(patient, answer, 'get')
      if (answer.headers.get('content-length') === String(BODY.length)) return pass('HEAD tells the size.')
      return fail('HEAD does not tell the right size.', 'let content-length through to the client')
    },
  },
  {
    name: 'access.overwrite',
    means: 'An object cannot be written a second time. On Google this takes the right to delete.',
    mends: 'Give the right that the finding names, unless objects are meant to be written once.',
    needs: ['access.put'],
    run: async (patient) => {
      const wish = { method: 'PUT', key: testObject(patient), contentType: 'text/plain' } as const
      const { answer, isSuccess } = await patient.ask(wish, { body: BODY })
      return isSuccess ? pass('An object is written anew.') : refused(patient, answer, 'overwrite')
    },
  },
  {
    name: 'access.list',
    means: 'Signpost cannot list what is below the prefix, or the list lacks what was written.',
    mends: 'Give the credential the right to list.',
    needs: [urlWorks, 'clock.skew'],
    run: async (patient) => {
      const key = testObject(patient)
      const { objects } = await own(patient, 'list', () => patient.open.list({ prefix: key, limit: 1 }))
      const isThere = await firstWrite(patient).then(
        ({ isSuccess }) => isSuccess,
        () => false,
      )
      if (!isThere || objects[0]?.key === key) return pass('The prefix can be listed.')
      return fail('The list does not show what was written.', 'use a store that lists what it has stored')
    },
  },
  {
    name: 'access.multipart',
    means: 'Large files cannot be uploaded in parts.',
    mends: 'Give the rights that the finding names.',
    needs: ['access.put', 'clock.skew'],
    run: multipart,
  },
  {
    name: 'access.abort',
    means: 'An upload in parts cannot be given up: what arrived of it costs storage.',
    mends: 'Give the right that the finding names.',
    needs: ['access.put', 'clock.skew'],
    run: async (patient) => {
      const key = `${patient.folder}given-up`
      const storeUploadId = await own(patient, 'multipart', () =>
        patient.open.createUpload({ key, id: patient.deps.newId() }),
      )
      await own(patient, 'abort', () => patient.open.abortUpload({ key, storeUploadId }))
      return pass('An upload was begun and given up.')
    },
  },
  {
    name: 'access.delete',
    means: 'Objects cannot be deleted. What this examination wrote stays behind.',
    mends: 'Give the credential the right to delete; see retention policies.',
    needs: ['access.put', 'clock.skew'],
    run: async (patient) => {
      const key = testObject(patient)
      const spare = `${patient.folder}to-delete`
      await patient.ask({ method: 'PUT', key: spare }, { body: BODY })
      await own(patient, 'delete', () => patient.open.remove(spare))
      // Who may not list gets 403 for what is not there.
      const { isSuccess } = await patient.ask({ method: 'GET', key: spare })
      if (!isSuccess) {
        patient.written.delete(spare)
        return pass('An object was deleted.')
      }
      return fail(
        'An object was still there after it was deleted.',
        `look for a retention policy, and delete what is below ${key.slice(0, key.lastIndexOf('/') + 1)} by hand`,
      )
    },
  },
]

async function headersKept(patient: Patient): Promise<Finding> {
  const { cause } = await diagnose(patient)
  const fix = 'let the proxy pass all headers on as they came'
  if (cause?.check === 'signature.headers_kept') return fail(cause.seen, fix)
  if (cause !== undefined) return blocked(cause.check)
  const { answer } = await firstWrite(patient)
  const isBroken =
    answer.code === 'SignatureDoesNotMatch' ||
    answer.code === 'MalformedSecurityHeader' ||
    /<HeadersNotSigned>/.test(answer.text)
  if (!isBroken) return pass('Signed headers arrive as they were sent.')
  return fail(`A question without headers is taken, one with headers is not (${named(answer)}).`, fix)
}

/** Ends in a finding of its own; anything that goes wrong names the right that it takes. */
async function multipart(patient: Patient): Promise<Finding> {
  const { open } = patient
  const key = `${patient.folder}in-parts`
  const storeUploadId = await own(patient, 'multipart', () =>
    open.createUpload({ key, id: patient.deps.newId() }),
  )
  let isOpen = true
  try {
    const part = { storeUploadId, partNumber: 1 }
    const { answer, isSuccess } = await patient.ask({ method: 'PUT', key, part }, { body: BODY })
    if (!isSuccess) return refused(patient, answer, 'multipart')
    const parts = await own(patient, 'multipart', () => open.listParts({ key, storeUploadId }))
    if (parts.length !== 1)
      return fail('The store does not tell which parts have arrived.', 'use a store that lists parts')
    patient.written.add(key)
    await own(patient, 'multipart', () => open.completeUpload({ key, storeUploadId, parts }))
    isOpen = false
    return pass('A file was uploaded in parts, and put together.')
  } finally {
    if (isOpen) await open.abortUpload({ key, storeUploadId }).catch(() => {})
  }
}

type Right = keyof Patient['kind']['rights']

/** A refusal names the right. From outside the networks that the policy names it says nothing about rights. */
async function refused(patient: Patient, answer: StoreAnswer, right: Right): Promise<Finding> {
  const { policy, kind } = patient
  if (
    answer.status === 403 &&
    policy.networks.length > 0 &&
    !policy.allowsAddress(await localAddressOf(patient))
  )
    return {
      ...unseen(
        `Refused (${named(answer)}), as it should be: this server is outside the networks that URLs may be used from.`,
      ),
      blockedBy: 'the networks of the policy',
    }
  const fix =
    answer.status === 403
      ? `let the connector's credential do this: ${kind.rights[right]}. See deny rules and network restrictions too`
      : `see what ${answer.code ?? `HTTP ${answer.status}`} means in the store's documentation`
  return fail(`The signed URL was refused (${named(answer)}).`, fix)
}

/** A call of Signpost's own. */
async function own<T>(patient: Patient, right: Right, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new RightMissing(error, patient.kind.rights[right])
  }
}
