/** One signed question for an object that is not there tells most of what can be wrong: this says which check it is. */

import { SignpostError } from '@signpost/contract'
import { halvesOf } from './finding.ts'
import type { Patient } from './patient.ts'
import { isHtml, named, type StoreAnswer } from './store-answer.ts'

export interface Diagnosis {
  answer: StoreAnswer | undefined
  /** What stands in the way; undefined: the store took address, credential and signature. */
  cause: { check: string; seen: string; fix?: string } | undefined
}

/** A store's code (or Entra's) -> the check that it is about. One code never means two things. */
const causes: Readonly<Record<string, string>> = {
  PermanentRedirect: 'region.right',
  TemporaryRedirect: 'region.right',
  AuthorizationHeaderMalformed: 'region.right',
  AuthorizationQueryParametersError: 'region.right',
  IllegalLocationConstraintException: 'region.right',
  NoSuchBucket: 'bucket.exists',
  InvalidBucketName: 'bucket.exists',
  ContainerNotFound: 'bucket.exists',
  ContainerBeingDeleted: 'bucket.exists',
  InvalidResourceName: 'bucket.exists',
  InvalidAccessKeyId: 'credential.known',
  InvalidClientTokenId: 'credential.known',
  UnrecognizedClientException: 'credential.known',
  InvalidSecurity: 'credential.known',
  ResourceNotFound: 'credential.known',
  AADSTS700016: 'credential.known',
  AADSTS7000229: 'credential.known',
  AADSTS90002: 'credential.known',
  AADSTS900023: 'credential.known',
  SignatureDoesNotMatch: 'credential.secret',
  AuthenticationFailed: 'credential.secret',
  InvalidAuthenticationInfo: 'credential.secret',
  AADSTS7000215: 'credential.secret',
  ExpiredToken: 'credential.session',
  ExpiredTokenException: 'credential.session',
  InvalidToken: 'credential.session',
  TokenRefreshRequired: 'credential.session',
  AADSTS7000222: 'credential.session',
  AADSTS700024: 'credential.session',
  AADSTS7000112: 'credential.enabled',
  UserSuspended: 'credential.enabled',
  AllAccessDisabled: 'credential.enabled',
  AccountProblem: 'credential.enabled',
  UserProjectAccountProblem: 'credential.enabled',
  AccountIsDisabled: 'credential.enabled',
  KeyBasedAuthenticationNotPermitted: 'credential.enabled',
  RequestTimeTooSkewed: 'clock.skew',
  RequestExpired: 'clock.skew',
}
/** Longer ones first: a code may begin another. */
const codes = Object.keys(causes).toSorted((a, b) => b.length - a.length)

export function diagnose(patient: Patient): Promise<Diagnosis> {
  return patient.once('diagnosis', async () => {
    try {
      const { answer } = await patient.ask({ method: 'GET', key: `${patient.folder}absent` })
      return { answer, cause: await causeOf(patient, answer) }
    } catch (error) {
      return { answer: undefined, cause: causeOfError(error) }
    }
  })
}

async function causeOf(patient: Patient, answer: StoreAnswer): Promise<Diagnosis['cause']> {
  const { status, code, headers, text } = answer
  const seen = `The store answered ${named(answer)}.`
  if (status >= 500 || status === 429) return { check: 'store.healthy', seen }
  const check =
    code === undefined ? undefined : isUnauthenticated(answer) ? 'credential.secret' : causes[code]
  if (check === undefined && isHtml(answer))
    return { check: 'store.kind', seen: `A web page came back (HTTP ${status}), not the answer of a store.` }
  const region = regionOf(answer)
  if (check === 'region.right' || (status >= 300 && status < 400 && headers.has('x-amz-bucket-region')))
    return { check: 'region.right', ...regionCause(patient, region, seen) }
  if (status >= 300 && status < 400) return { check: 'store.redirects', seen: redirectSeen(answer) }
  if (status < 300)
    return {
      check: 'store.kind',
      seen: `An object that cannot be there was answered with HTTP ${status}: this is no store.`,
    }
  if (isTimeRefusal(answer))
    return { check: 'clock.skew', seen: `${seen} It takes a fresh URL for one of another time.` }
  if (/<HeadersNotSigned>/.test(text) || code === 'MalformedSecurityHeader')
    return { check: 'signature.headers_kept', seen: `${seen} Headers came that were not signed.` }
  if (check === 'credential.secret') {
    const changed = await patient.kind.hostChanged(patient, answer)
    if (changed !== undefined) return { check: 'signature.host_kept', seen: changed }
  }
  if (check === 'bucket.exists') {
    const other = await patient.kind.otherAddressing(patient)
    if (other !== undefined)
      return {
        check: 'addressing.right',
        seen: `${seen} Under the other addressing it is found.`,
        fix: other,
      }
  }
  return check === undefined ? undefined : { check, seen }
}

/** "The error response", S3: the region stands in the document, or in a header. */
function regionOf({ text, headers }: StoreAnswer): string | undefined {
  const told =
    /<Region>([\w-]{1,64})<\/Region>/.exec(text)?.[1] ??
    headers.get('x-amz-bucket-region') ??
    /expecting &?(?:apos;|#39;|')?([\w-]{1,64})/.exec(text)?.[1]
  return told !== undefined && /^[\w-]{1,64}$/.test(told) ? told : undefined
}

function regionCause({ settings }: Patient, right: string | undefined, seen: string) {
  const ours = 'region' in settings ? settings.region : 'none'
  if (right === undefined) return { seen: `${seen} The bucket is not in region ${ours}.` }
  return { seen: `The bucket is in region ${right}, not in ${ours}.`, fix: `set the region to ${right}` }
}

function redirectSeen({ status, headers }: StoreAnswer): string {
  const location = headers.get('location') ?? ''
  const host = URL.canParse(location) ? new URL(location).host : undefined
  return `The store sends clients elsewhere (HTTP ${status}${host === undefined ? '' : ` to ${host}`}).`
}

/** Azurite says so of a wrong signature; Azure itself uses the code for firewalls and roles. */
function isUnauthenticated({ code, text }: StoreAnswer): boolean {
  return code === 'AuthorizationFailure' && /failed to authenticate/i.test(text)
}

/** A URL that was signed just now, and is too old or too new for the store. */
function isTimeRefusal({ code, text, status }: StoreAnswer): boolean {
  if (code === 'ExpiredToken' && status === 400 && /X-Goog|GOOG/i.test(text)) return true
  return (
    (code === 'AccessDenied' && /Request (?:has expired|is not valid yet)/i.test(text)) ||
    (code === 'AuthenticationFailed' && /not valid in the specified time frame/i.test(text))
  )
}

function causeOfError(error: unknown): Diagnosis['cause'] {
  if (error instanceof SignpostError) {
    const { seen, fix } = halvesOf(error.message)
    const code = codes.find((one) => new RegExp(`\\b${one}\\b`).test(error.message))
    const check = (code === undefined ? undefined : causes[code]) ?? 'credential.available'
    return { check, seen, ...(fix === undefined ? {} : { fix }) }
  }
  const isLate = error instanceof DOMException && /^(?:TimeoutError|AbortError)$/.test(error.name)
  return {
    check: 'store.answers',
    seen: isLate
      ? 'The store took the question, and gave no answer in time.'
      : 'The store broke the connection off.',
  }
}
