/** What must not work: a store that takes any of this has no gate. */

import { testObject } from './access-checks.ts'
import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, type Finding } from './finding.ts'
import { isLoopback, localAddressOf } from './network-checks.ts'
import type { Patient } from './patient.ts'
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
      const signed = await patient.sign({
        method: 'GET',
        key: testObject(patient),
        signedAt,
        expiresAt: signedAt + 3_600_000,
      })
      const answer = await patient.send(signed.url, { method: 'GET', headers: signed.headers })
      if (isRefusal(answer.status))
        return pass(`A URL that ended an hour ago was refused (${named(answer)}).`)
      return fail(
        `A URL that ended an hour ago was taken (${named(answer)}).`,
        "see the store's clock; URLs that do not end cannot be used",
      )
    },
  },
  {
    name: 'public.anonymous_read',
    means: 'Anybody reads objects without a URL of Signpost.',
    mends: 'Take the public right to read out of the policy, and block public access.',
    needs: ['access.put'],
    run: async (patient) => {
      const signed = await patient.sign({ method: 'GET', key: testObject(patient) })
      const answer = await patient.send(signed.url.split('?')[0]!, { method: 'GET' })
      if (!isServed(answer.status))
        return pass(`An object without a signature was refused (${named(answer)}).`)
      return fail(
        'An object was read without any signature.',
        'take away the public right to read',
        privacyOf(patient),
      )
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
      return fail(
        'The bucket was listed without any signature.',
        'take away the public right to list',
        privacyOf(patient),
      )
    },
  },
  {
    name: 'network.refused',
    means: 'A URL works from outside the networks of the policy: the bucket does not hold it.',
    mends: 'Set the network restriction at the bucket (`signpost connector network`).',
    needs: [urlWorks],
    run: networkRefused,
  },
]

function privacyOf({ kind, settings }: Patient): string | null {
  return kind.paste.privacy(settings)
}

function isRefusal(status: number): boolean {
  return status === 400 || status === 401 || status === 403
}

function isServed(status: number): boolean {
  return status >= 200 && status < 300
}

async function tampered(patient: Patient): Promise<Finding> {
  const { kind } = patient
  const key = testObject(patient)
  const signed = await patient.sign({ method: 'GET', key })
  const changes: Record<string, string> = {
    'another signature': otherSignature(signed.url, signed.signature),
    'another key': signed.url.replace('object.txt', 'absent.txt'),
    'no signature': signed.url.split('?')[0]!,
  }
  if (signed.marker !== null) changes['another requester'] = otherRequester(signed.url, kind.markerParameter)
  const taken: string[] = []
  for (const [what, url] of Object.entries(changes)) {
    const { status } = await patient.send(url, { method: 'GET', headers: signed.headers })
    // 404 is an answer about the object: the signature did not matter.
    if (isServed(status) || (status === 404 && what !== 'no signature')) taken.push(what)
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
  const isDirect = isPublic(address) || isLoopback(new URL(kind.address(settings).origin).hostname)
  if (policy.allowsAddress(address))
    return unseen(
      `This server (${address}) is inside the networks of the policy: from here nothing can be refused.`,
    )
  const { answer } = await patient.ask({ method: 'GET', key: testObject(patient) })
  if (answer.status === 403) return pass(`A URL used from ${address}, outside the networks, was refused.`)
  if (!isDirect)
    return unseen(
      `This server (${address}) is behind a translation of addresses: where the store sees it come from cannot be told.`,
    )
  return fail(
    `A URL used from ${address}, outside the networks, was taken (${named(answer)}).`,
    'set the network restriction at the bucket (signpost connector network)',
  )
}

/** RFC 1918, RFC 4193, RFC 6598 and link-local addresses are seen by others as something else. */
function isPublic(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '')
  return !/^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.|f[cd]|fe80)/i.test(
    plain,
  )
}
