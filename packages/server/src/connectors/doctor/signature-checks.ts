/** What must not work: a store that takes any of this has no gate. */

import { plainAddress } from '../../domain/network.ts'
import { isPrivate } from '../policies/network-forms.ts'
import { firstWrite, testObject } from './access-checks.ts'
import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, type Finding } from './finding.ts'
import { isLoopback, localAddressOf } from './network-checks.ts'
import type { Patient } from './patient.ts'
import { anonymousRead, isServed } from './public-checks.ts'
import { named } from './store-answer.ts'

const ALARM = 'do not use this store for anything: everybody who reaches it reads and writes'

export const signatureChecks: readonly DoctorCheck[] = [
  {
    name: 'signature.verified',
    means: 'THE STORE DOES NOT VERIFY SIGNATURES: a URL that was changed after signing works.',
    mends: 'Do not use it. Turn authentication on, or find what answers in place of the store.',
    needs: [urlWorks],
    run: tampered,
  },
  {
    name: 'signature.expiry',
    means: 'A URL works after its end.',
    mends: "Set the store's clock; do not use a store that does not look at the end of URLs.",
    needs: [urlWorks],
    run: async (patient) => {
      const signedAt = Math.floor(patient.deps.clock() / 1000) * 1000 - 7_200_000
      const method = await guardedMethod(patient)
      const wish = { method, key: testObject(patient), signedAt, expiresAt: signedAt + 3_600_000 }
      const { answer } = await patient.ask(wish, method === 'PUT' ? { body: 'late' } : {})
      if (isRefusal(answer.status))
        return pass(`A URL that ended an hour ago was refused (${named(answer)}).`)
      return fail(
        `A URL that ended an hour ago was taken (${named(answer)}).`,
        "see the store's clock; URLs that do not end cannot be used",
      )
    },
  },
  {
    name: 'network.refused',
    means: 'A URL works from outside the networks of the policy: the bucket does not hold it.',
    mends: 'Set the network restriction at the bucket (`signpost network apply`).',
    needs: [urlWorks],
    run: networkRefused,
  },
]

function isRefusal(status: number): boolean {
  return status === 400 || status === 401 || status === 403
}

/** What anybody may read is served with a wrong signature too (Azure does so): then writing tells whether it counts. */
async function guardedMethod(patient: Patient): Promise<'GET' | 'PUT'> {
  return isServed((await anonymousRead(patient)).status) ? 'PUT' : 'GET'
}

async function tampered(patient: Patient): Promise<Finding> {
  const { kind } = patient
  const key = testObject(patient)
  const method = await guardedMethod(patient)
  const signed = await patient.sign({ method, key })
  if (method === 'PUT') patient.written.add(key.replace('object.txt', 'absent.txt'))
  const changes: Record<string, string> = {
    'another signature': otherSignature(signed.url, signed.signature),
    'another key': signed.url.replace('object.txt', 'absent.txt'),
  }
  if (signed.marker !== null) changes['another requester'] = otherRequester(signed.url, kind.markerParameter)
  const taken: string[] = []
  for (const [what, url] of Object.entries(changes)) {
    const body = method === 'PUT' ? { body: 'tampered' } : {}
    const { status } = await patient.send(url, { method, headers: signed.headers, ...body })
    // 404 is an answer about the object: the signature did not matter.
    if (isServed(status) || status === 404) taken.push(what)
  }
  if (taken.length === 0)
    return pass(`URLs that were changed are refused (${Object.keys(changes).join(', ')}).`)
  return fail(`THE STORE DOES NOT VERIFY SIGNATURES. It took a URL with ${taken.join(', with ')}.`, ALARM)
}

function flipped(signature: string): string {
  const first = signature[0] === 'a' ? 'b' : 'a'
  return `${first}${signature.slice(1)}`
}

/** In some URLs it stands percent-encoded. */
function otherSignature(url: string, signature: string): string {
  const written = [signature, encodeURIComponent(signature)].find((one) => url.includes(one)) ?? signature
  return url.replace(written, flipped(written))
}

function otherRequester(url: string, name: string): string {
  const changed = new URL(url)
  const value = changed.searchParams.get(name) ?? ''
  return url.replace(`${name}=${encodeURIComponent(value)}`, `${name}=${encodeURIComponent(flipped(value))}`)
}

async function networkRefused(patient: Patient): Promise<Finding> {
  const { policy, settings, kind } = patient
  if (policy.networks.length === 0)
    return pass('The policy names no networks: URLs may be used from anywhere.')
  const address = await localAddressOf(patient)
  // Others see a private address as something else.
  const isDirect =
    !isPrivate(plainAddress(address)) || isLoopback(new URL(kind.address(settings).origin).hostname)
  if (policy.allowsAddress(address))
    return unseen(
      `This server (${address}) is inside the networks of the policy: from here nothing can be refused.`,
    )
  const { answer: written, isSuccess } = await firstWrite(patient)
  const { answer: read } = await patient.ask({ method: 'GET', key: testObject(patient) })
  // Ceph says that an object is not there before it looks at the policy: then the write tells.
  const answer = read.status === 404 && !isSuccess ? written : read
  if (answer.status === 403) return pass(`A URL used from ${address}, outside the networks, was refused.`)
  if (!isDirect)
    return unseen(
      `This server (${address}) is behind a translation of addresses: where the store sees it come from cannot be told.`,
    )
  return fail(
    `A URL used from ${address}, outside the networks, was taken (${named(answer)}).`,
    'set the network restriction at the bucket (signpost network apply)',
  )
}
