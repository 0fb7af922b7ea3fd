/** What a browser asks before it sends: real preflights, with the headers that signed URLs need. */

import { firstWrite, testObject } from './access-checks.ts'
import { urlWorks } from './answer-checks.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, type Finding } from './finding.ts'
import type { Patient } from './patient.ts'

const NO_ORIGIN = 'No browser origin was named (--origin, SIGNPOST_CORS_ORIGINS): nothing to look at.'

export const corsChecks: readonly DoctorCheck[] = [
  {
    name: 'cors.origin',
    means: 'Pages of this origin cannot use signed URLs: the bucket has no CORS rule for it.',
    mends: 'Set the rule that the finding holds.',
    needs: [urlWorks],
    run: (patient) => forEachOrigin(patient, originFault),
  },
  {
    name: 'cors.methods',
    means: 'The CORS rule lacks a method: PUT for uploads, GET for downloads.',
    mends: 'Set the rule that the finding holds.',
    needs: ['cors.origin'],
    run: (patient) => forEachOrigin(patient, methodFault),
  },
  {
    name: 'cors.headers',
    means: 'The CORS rule does not let pages send the headers that signed URLs need.',
    mends: 'Set the rule that the finding holds.',
    needs: ['cors.methods'],
    run: (patient) => forEachOrigin(patient, headerFault),
  },
  {
    name: 'cors.etag_exposed',
    means:
      'Pages cannot read the ETag of what they uploaded, without which an upload in parts cannot be completed.',
    mends: 'Expose ETag in the rule.',
    needs: ['cors.methods', 'access.put'],
    run: (patient) => forEachOrigin(patient, etagFault),
  },
]

async function forEachOrigin(
  patient: Patient,
  look: (patient: Patient, origin: string) => Promise<string | undefined>,
): Promise<Finding> {
  const { origins, kind, settings } = patient
  if (origins.length === 0) return unseen(NO_ORIGIN)
  const faults: string[] = []
  for (const origin of origins) {
    const fault = await look(patient, origin)
    if (fault !== undefined) faults.push(`${origin}: ${fault}`)
  }
  if (faults.length === 0) return pass(`As it should be for ${origins.join(', ')}.`)
  const paste = kind.paste.cors(settings, origins, await headersOf(patient))
  return fail(`${faults.join('. ')}.`, 'set this CORS rule at the bucket', paste)
}

/** What a page has to send with a signed URL to write. */
async function headersOf(patient: Patient): Promise<string[]> {
  const { signed } = await firstWrite(patient)
  return Object.keys(signed.headers).filter((name) => name !== 'content-length' && name !== 'host')
}

interface Allowed {
  origin: boolean
  method: boolean
  headers: boolean
}

/** "CORS-preflight fetch", Fetch standard §4.8: what the answer allows. */
async function preflight(
  patient: Patient,
  origin: string,
  method: 'GET' | 'PUT',
  names: readonly string[],
): Promise<Allowed> {
  return patient.once(`preflight ${origin} ${method} ${names.join()}`, async () => {
    const { url } = await patient.sign({ method, key: testObject(patient) })
    const asked = { origin, 'access-control-request-method': method }
    const list = names.length === 0 ? {} : { 'access-control-request-headers': names.toSorted().join(',') }
    const { status, headers } = await patient.send(url, { method: 'OPTIONS', headers: { ...asked, ...list } })
    const isOk = status >= 200 && status < 300
    const listed = (name: string) =>
      (headers.get(name) ?? '').split(',').map((one) => one.trim().toLowerCase())
    const allowed = listed('access-control-allow-headers')
    return {
      origin: isOk && ['*', origin].includes(headers.get('access-control-allow-origin') ?? ''),
      method:
        isOk &&
        listed('access-control-allow-methods').some((one) => one === method.toLowerCase() || one === '*'),
      headers: isOk && names.every((name) => allowed.includes('*') || allowed.includes(name.toLowerCase())),
    }
  })
}

async function originFault(patient: Patient, origin: string): Promise<string | undefined> {
  const [get, put] = [
    await preflight(patient, origin, 'GET', []),
    await preflight(patient, origin, 'PUT', []),
  ]
  if (get.origin || put.origin) return undefined
  // A rule for this origin that has neither method is a fault of methods.
  const rules = await patient.once('cors rules', async () =>
    patient.open.configuration?.readCors?.().catch(() => []),
  )
  if (rules?.some(({ origins }) => origins.includes('*') || origins.includes(origin))) return undefined
  return rules?.length === 0 ? 'there is no CORS rule' : 'no rule allows this origin'
}

async function methodFault(patient: Patient, origin: string): Promise<string | undefined> {
  const lacking: string[] = []
  for (const method of ['GET', 'PUT'] as const) {
    const allowed = await preflight(patient, origin, method, [])
    if (!allowed.origin || !allowed.method) lacking.push(method)
  }
  return lacking.length === 0 ? undefined : `${lacking.join(' and ')} not allowed`
}

async function headerFault(patient: Patient, origin: string): Promise<string | undefined> {
  const names = await headersOf(patient)
  const whole = await preflight(patient, origin, 'PUT', names)
  if (whole.origin && whole.method && whole.headers) return undefined
  const lacking: string[] = []
  for (const name of names) {
    const alone = await preflight(patient, origin, 'PUT', [name])
    if (!alone.origin || !alone.headers) lacking.push(name)
  }
  return `${lacking.length === 0 ? names.join(', ') : lacking.join(', ')} may not be sent`
}

async function etagFault(patient: Patient, origin: string): Promise<string | undefined> {
  const wish = { method: 'PUT', key: testObject(patient), contentType: 'text/plain' } as const
  const { answer } = await patient.ask(wish, { body: 'from a page', headers: { origin } })
  const exposed = (answer.headers.get('access-control-expose-headers') ?? '').toLowerCase()
  return /(?:^|[\s,])(?:etag|\*)(?:$|[\s,])/.test(exposed) ? undefined : 'ETag is not exposed'
}
